# SPDX-License-Identifier: Apache-2.0
"""How a machine computes fast: in which precision, and which attention."""

import torch


def bfloat16_is_fast(device: str) -> bool:
    """Return whether the 'cuda' or 'cpu' of this machine multiplies in bfloat16 rather than imitates it.

    A CPU with neither AVX-512 BF16 nor AMX takes 8 to 12 times as long as in float32 (an AMD EPYC that is limited to
    AVX2, torch 2.11, the encoder of train/pretraining/default.yaml forwards and backwards).
    """
    if device == 'cuda':
        return torch.cuda.is_bf16_supported()
    able = torch.cpu.get_capabilities()
    return bool(able.get('avx512_bf16') or able.get('amx_bf16') or able.get('bf16'))  # the last is ARM's


def attention() -> str | None:
    """Return which of transformers' attentions trains fast here; None for its own choice.

    Backwards, torch's fused attention takes 187 of the 613 ms of a step on a CPU (torch 2.11, an Intel Xeon with AMX,
    the encoder of train/pretraining/default.yaml), plain products hardly any.
    """
    return None if torch.cuda.is_available() else 'eager'
