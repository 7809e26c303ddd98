# SPDX-License-Identifier: Apache-2.0
"""Inputs that the folds of an experiment share, so that no clip is decoded or turned into features twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accelerate import PartialState

from ser_ros.recognition.frontend import Frontend
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.data.recordings import Recording, load_recordings
from ser_ros.training.evaluation.held_out_speech import load_held_out_speech
from ser_ros.training.finetuning.finetuning_recipe import FinetuningRecipe
from ser_ros.training.finetuning.frozen import FrozenStates, ways_to_hear
from ser_ros.training.finetuning.probe_teacher import TeacherStates
from ser_ros.training.finetuning.teaching import Teaching
from ser_ros.training.learning.dataset import VariantFeatures
from ser_ros.training.learning.design import Design, design_classifier
from ser_ros.training.learning.masks import Masks
from ser_ros.training.learning.targets import OtherRecordings


@dataclass(frozen=True)
class SharedInputs:
    """Recordings of all clips, of other sound and of each kind of held-out speech, and how they become features."""

    design: Design
    frontend: Frontend
    features: VariantFeatures
    masks: Masks
    recordings: dict[Clip, Recording]
    other: OtherRecordings
    outliers: list[Recording]
    inliers: list[Recording]
    held_out_speech: dict[str, list[Recording]]
    frozen_states: FrozenStates
    teacher_states: TeacherStates | None

    def recordings_of(self, clips: Sequence[Clip]) -> list[Recording]:
        """Return the recordings of these clips, in their order."""
        return [self.recordings[clip] for clip in clips]


def load_shared_inputs(
    recipe: FinetuningRecipe, corpus: Corpus, teaching: Teaching, held_out_speech: Sequence[Path]
) -> SharedInputs:
    """Load what `recipe` needs; see Experiment for the rest. Raises SerError."""
    made = design_classifier(recipe.network, recipe.feature_extraction, corpus.labels)
    with PartialState().main_process_first():  # the others find the decoded clips in the cache
        recordings = {recording.clip: recording for recording in load_recordings(corpus.clips)}
        other = teaching.load_speech(corpus, recipe)
        outliers, inliers = teaching.load_outliers(recipe), teaching.load_inliers(recipe)
        held_out = load_held_out_speech(held_out_speech, longest=recipe.other_speech.longest)
    features = VariantFeatures(made.frontend, recipe.augmentation, seed=recipe.seed)
    return SharedInputs(
        design=made,
        frontend=made.frontend,
        features=features,
        masks=Masks(recipe.augmentation, made.feature_extractor),
        recordings=recordings,
        other=other,
        outliers=outliers,
        inliers=inliers,
        held_out_speech=held_out,
        frozen_states=FrozenStates(recipe, made, ways_to_hear(features, recipe.augmentation.variants)),
        teacher_states=(
            TeacherStates(recipe, teaching.teacher, corpus, features)
            if teaching.teacher and recipe.distillation.probe.layers
            else None
        ),
    )
