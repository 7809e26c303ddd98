# SPDX-License-Identifier: Apache-2.0
"""bfloat16 is for machines that multiply in it."""

import pytest
import torch

from ser_ros.training.learning.checkpoints import training_arguments
from ser_ros.training.learning.precision import bfloat16_is_fast
from ser_ros.training.learning.recipe import Optimisation

WITHOUT = {'avx2': True, 'avx512_f': True, 'avx512_bf16': False, 'amx_bf16': False}


@pytest.mark.skipif(torch.cuda.is_available(), reason='the Trainer would take the GPU')
@pytest.mark.parametrize(
    ('able', 'fast'),
    [
        (WITHOUT, False),
        ({**WITHOUT, 'avx512_bf16': True}, True),
        ({**WITHOUT, 'amx_bf16': True}, True),
        ({'neon': True, 'bf16': True}, True),
        ({'neon': True, 'bf16': False}, False),
    ],
)
def test_a_cpu_that_would_imitate_it_trains_in_single_precision(able, fast, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: able)
    assert bfloat16_is_fast('cpu') is fast
    optimisation = Optimisation(epochs=1, batch_size=1, learning_rate=1e-3, bfloat16=True)
    arguments = training_arguments(optimisation, tmp_path, seed=0, every_steps=0, checkpoints_kept=1)
    assert arguments.bf16 is fast
