# SPDX-License-Identifier: Apache-2.0
"""Takes the offset of each voice out of the pooled state while a classifier trains, as adaptation does on a robot."""

import torch
from transformers import PreTrainedModel

_LEAST_RATE = 0.05
"""How fast a running mean follows at least, in utterances: the network it is computed with changes."""


class VoiceOffsets(torch.nn.Module):
    """Running means: of each label's pooled state without the voices' offsets, and of each voice's offset.

    As a module of the network it is in its checkpoints, so that a resumed run has the same means.
    """

    def __init__(self, voices: int, labels: int, width: int, *, share: float, prior_count: float = 4.0):
        """Start without any.

        Args:
            voices: How many there are.
            labels: How many there are.
            width: Of the pooled state.
            share: Of the utterances whose offset is taken out, 0..1; the others teach the network to answer a voice
                that it has not heard.
            prior_count: Utterances that the assumption of no offset is worth.
        """
        super().__init__()
        self._share = share
        self._prior_count = prior_count
        self._voices: torch.Tensor | None = None
        self._targets = torch.empty(0)
        self.register_buffer('centroids', torch.zeros(labels, width))
        self.register_buffer('label_counts', torch.zeros(labels))
        self.register_buffer('offsets', torch.zeros(voices, width))
        self.register_buffer('voice_counts', torch.zeros(voices))

    @classmethod
    def attach(cls, model: PreTrainedModel, voices: int, *, share: float) -> 'VoiceOffsets':
        """Put one between the encoder and the `classifier` of `model`, until `detach`."""
        head = model.classifier
        offsets = cls(voices, head.out_features, head.in_features, share=share).to(head.weight.device)
        model.voice_offsets = offsets
        offsets.hook = head.register_forward_pre_hook(lambda layer, inputs: (offsets(inputs[0]),))
        return offsets

    def detach(self, model: PreTrainedModel) -> None:
        """Leave `model` as it was before `attach`."""
        self.hook.remove()
        del model.voice_offsets

    def prepare(self, voices: torch.Tensor, targets: torch.Tensor) -> None:
        """Say who speaks in the next batch (int64, shape (batch,), -1 for an unknown voice), and its targets."""
        self._voices, self._targets = voices, targets

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """Return pooled states (batch, width), in training without the offsets of known voices."""
        voices, self._voices = self._voices, None
        if voices is None or not self.training:
            return pooled
        known = voices >= 0
        trust = self.voice_counts / (self.voice_counts + self._prior_count)
        taken = known & (torch.rand(len(voices), device=pooled.device) < self._share)
        offsets = (trust[:, None] * self.offsets)[voices.clamp(min=0)] * taken[:, None]
        self._follow(pooled.detach().float()[known], voices[known], self._targets[known].float())
        return pooled - offsets.to(pooled.dtype)

    def _follow(self, pooled: torch.Tensor, voices: torch.Tensor, targets: torch.Tensor) -> None:
        for state, voice, target in zip(pooled, voices, targets, strict=True):
            label = target.argmax()
            self._move(self.centroids, self.label_counts, label, state - self.offsets[voice])
            self._move(self.offsets, self.voice_counts, voice, state - target @ self.centroids)

    @staticmethod
    def _move(means: torch.Tensor, counts: torch.Tensor, index: torch.Tensor, value: torch.Tensor) -> None:
        counts[index] += 1
        means[index] += torch.clamp(1.0 / counts[index], min=_LEAST_RATE) * (value - means[index])
