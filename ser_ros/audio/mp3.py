# SPDX-License-Identifier: Apache-2.0
"""Distinguishes MP3 from samples, for messages that do not state what they hold."""

_BITRATES = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
    0: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
}
"""Version bits (MPEG 1, 2, 2.5) -> kbit/s of layer III by their index; 0 is no rate (ISO/IEC 11172-3, 13818-3)."""
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Version bits -> Hz by their index."""
_HEADER = 4


def is_mp3(data: bytes) -> bool:
    """Whether `data` begins with a frame of MPEG layer III after which it ends or another frame begins.

    A single header is no proof: values such as -2 are common samples.
    """
    length = _frame_length(data)
    return length > 0 and (length == len(data) or _frame_length(data[length:]) > 0)


def _frame_length(data: bytes) -> int:
    """Return the bytes of the frame that `data` begins with; 0 if it begins with none."""
    if len(data) < _HEADER or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return 0
    version, layer = data[1] >> 3 & 3, data[1] >> 1 & 3
    if version not in _BITRATES or layer != 1 or data[2] >> 2 & 3 == 3:
        return 0
    bits_per_second = 1000 * _BITRATES[version][data[2] >> 4]
    samples = 1152 if version == 3 else 576
    length = samples // 8 * bits_per_second // _RATES[version][data[2] >> 2 & 3]
    return length + (data[2] >> 1 & 1) if length else 0
