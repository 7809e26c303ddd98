# SPDX-License-Identifier: Apache-2.0
"""The processes of one run, as torchrun starts them."""

import torch
from accelerate import PartialState


def join_processes() -> None:
    """Let PartialState know the other processes from the beginning, so that one of them writes and holds the folder.

    Without a GPU accelerate looks for others only if it is told that the CPU is meant.
    """
    PartialState(cpu=not torch.cuda.is_available())
