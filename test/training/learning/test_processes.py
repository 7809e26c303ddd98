# SPDX-License-Identifier: Apache-2.0
"""Of the processes of one run one writes, also without a GPU: they must not lock each other out."""

import os
import subprocess
import sys

PROGRAM = """
from accelerate import PartialState
from ser_ros.training.learning.processes import join_processes

join_processes()
state = PartialState()
print(f'[{state.num_processes} {state.is_main_process}]', flush=True)
state.wait_for_everyone()
"""


def test_one_of_two_processes_is_the_main_one(tmp_path):
    program = tmp_path / 'program.py'
    program.write_text(PROGRAM)
    torchrun = [sys.executable, '-m', 'torch.distributed.run', '--nproc-per-node', '2', '--standalone']
    done = subprocess.run(
        [*torchrun, program],
        capture_output=True,
        text=True,
        env={**os.environ, 'CUDA_VISIBLE_DEVICES': ''},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count('[2 True]') == done.stdout.count('[2 False]') == 1
