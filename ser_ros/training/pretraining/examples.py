# SPDX-License-Identifier: Apache-2.0
"""The torch data set of pretraining: what the student hears of a piece, and its targets."""

import dataclasses
import functools
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn.utils.rnn import pad_sequence

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.files import whole_file
from ser_ros.recognition.frontend import Frontend
from ser_ros.training.learning.augment import Variation, draw_variation, vary_surroundings, vary_voice
from ser_ros.training.learning.order import in_batches_of_like_duration
from ser_ros.training.pretraining.pretraining_recipe import Masking, PretrainingRecipe
from ser_ros.training.pretraining.quantizer import RandomQuantizer
from ser_ros.training.pretraining.speech import Piece
from ser_ros.training.pretraining.teacher_encoder import TeacherEncoder

VALID, MASK, CODES, STATES = 'valid', 'mask', 'codes', 'states'
"""Names in an item: which rows are not padding, which are hidden, their codes, and the teacher's hidden states."""

_VOICE, _SURROUNDINGS = range(2)
"""What is drawn."""


class Examples(torch.utils.data.Dataset):
    """Pieces in which the student hears a voice in a room, with noise, and its teacher only the voice.

    Voice and surroundings depend only on the seed, the epoch and the piece's name. If the recipe has `voices` or
    `variants` they are kept in a folder, so that teacher and features are computed once; half precision takes half the
    space.
    """

    def __init__(
        self,
        pieces: Sequence[Piece],
        recipe: PretrainingRecipe,
        frontend: Frontend,
        rows_of: Callable[[int], int],
        teacher: TeacherEncoder | None,
        kept: Path,
    ):
        """Begin with epoch 0.

        Args:
            pieces: What is heard.
            recipe: Says how pieces are varied and masked, and which targets they have.
            frontend: The student's.
            rows_of: Returns how many rows the student makes of a number of input rows.
            teacher: Gives the hidden states; None without distillation.
            kept: Folder of variants.
        """
        self._pieces = pieces
        self._recipe = recipe
        self._frontend = frontend
        self._rows_of = rows_of
        self._teacher = teacher
        self._kept = kept
        self._epoch = 0
        prediction = recipe.masked_prediction
        self._quantizer = None
        if prediction.weight:
            self._quantizer = RandomQuantizer(prediction.codes, prediction.code_size, seed=recipe.seed)

    def set_epoch(self, epoch: int) -> None:
        """Start `epoch`; the Trainer's data loader calls this."""
        self._epoch = epoch

    def order(self, batch_size: int, *, sorted_together: int) -> list[int]:
        """Return this epoch's indices; see in_batches_of_like_duration."""
        return in_batches_of_like_duration(
            lambda: [piece.duration for piece in self._pieces],
            len(self),
            batch_size,
            sorted_together=sorted_together,
            rng=np.random.default_rng((self._recipe.seed, self._epoch)),
        )

    def __len__(self) -> int:
        return len(self._pieces)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        piece = self._pieces[index]
        voices, variants = self._recipe.pieces.voices, self._recipe.augmentation.variants
        variant = self._epoch % variants if variants else self._epoch
        voice = variant % voices if voices else variant
        samples = functools.cache(lambda: self._fill_window(self._voice(piece, voice)))
        heard_file = self._file('heard', variants, variant, index)
        heard = _kept(heard_file, lambda: self._heard(piece, samples(), variant))
        rows = heard.pop(VALID)
        targets_file = self._file('told', voices or variants, voice, index)
        targets = _kept(targets_file, lambda: self._targets(samples(), len(rows)))
        seed = zlib.crc32(np.array([self._recipe.seed, self._epoch, index]).tobytes())
        mask = draw_mask(len(rows), piece.duration, self._recipe.masking, np.random.default_rng(seed))
        return {**heard, **targets, VALID: rows, MASK: torch.from_numpy(mask)}

    def _file(self, what: str, count: int, number: int, index: int) -> Path | None:
        """Return the file in which `what` of a piece is kept; None if there are too many to keep."""
        return self._kept / f'{what}-{number}' / f'{index}.safetensors' if count else None

    def _heard(self, piece: Piece, samples: np.ndarray, variant: int) -> dict[str, torch.Tensor]:
        """Return what the student hears, and which of its rows are not padding."""
        variation, rng = self._draw(piece, variant, _SURROUNDINGS)
        item = {name: value[0] for name, value in self._frontend([vary_surroundings(samples, variation, rng)]).items()}
        main = next(iter(item))
        inputs = item[main].shape[-1] if self._frontend.longest is not None else len(item[main])
        rows = self._rows_of(int(item['attention_mask'].sum()) if 'attention_mask' in item else inputs)
        item[main] = item[main].to(torch.float16)
        item[VALID] = torch.ones(rows, dtype=torch.bool)
        return item

    def _targets(self, samples: np.ndarray, rows: int) -> dict[str, torch.Tensor]:
        """Return the targets, which come from only the voice."""
        item = {}
        if self._quantizer is not None:
            item[CODES] = self._quantizer(samples, rows)
        if self._teacher is not None:
            item[STATES] = self._teacher(samples, rows).transpose(0, 1).contiguous()
        return item

    def _fill_window(self, samples: np.ndarray) -> np.ndarray:
        """Return the samples with the silence up to the student's window, which it hears and so must reproduce."""
        window = self._frontend.longest
        return samples if window is None else np.pad(samples[:window], (0, max(window - len(samples), 0)))

    def _voice(self, piece: Piece, voice: int) -> np.ndarray:
        variation, rng = self._draw(piece, voice, _VOICE)
        return vary_voice(piece.read(), variation, rng, round(self._recipe.pieces.longest * SAMPLE_RATE))

    def _draw(self, piece: Piece, number: int, what: int) -> tuple[Variation, np.random.Generator]:
        rng = np.random.default_rng((self._recipe.seed, number, what, zlib.crc32(piece.name.encode())))
        uncut = dataclasses.replace(self._recipe.augmentation, whole_clip_probability=1.0)
        return draw_variation(piece.duration, (0.0, piece.duration), uncut, rng), rng


def draw_mask(rows: int, duration: float, masking: Masking, rng: np.random.Generator) -> np.ndarray:
    """Return which of the `rows` of a piece of `duration` seconds are hidden: bool, shape (rows,)."""
    mask = np.zeros(rows, dtype=bool)
    span = max(round(masking.span * rows / duration), 1)
    # The number of spans matches the share on average, so that short pieces are not always or never masked.
    wanted = masking.share * rows / span
    count = int(wanted) + (rng.random() < wanted % 1)
    if span < rows:  # nothing can be learned from a piece that is wholly hidden
        for start in rng.integers(rows - span + 1, size=count):
            mask[start : start + span] = True
    return mask


def collate_pieces(items: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Stack items into a batch, padded with zeros to the longest."""
    batch = {name: pad_sequence([item[name] for item in items], batch_first=True) for name in items[0]}
    return {name: value.float() if value.dtype == torch.float16 else value for name, value in batch.items()}


def _kept(file: Path | None, make: Callable[[], dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Return the content of `file`, or what `make` returns, which is then kept there."""
    if file is None:
        return make()
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as partial:
            save_file(make(), partial)
    return load_file(file)
