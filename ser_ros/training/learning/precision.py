# SPDX-License-Identifier: Apache-2.0
"""Which precision a machine computes fast in."""

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
