# SPDX-License-Identifier: Apache-2.0
"""Builds encoders and classifiers, from a checkpoint or with random weights, and saves them."""

import copy
import shutil
from collections.abc import Callable, Iterable, Set
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import MODEL_MAPPING, AutoModel, AutoModelForAudioClassification, PreTrainedModel
from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError, reason
from ser_ros.recognition.model_network import CLASSIFIERS, Loaded
from ser_ros.training.learning.design import Design
from ser_ros.training.learning.layers import head_names
from ser_ros.training.learning.precision import attention
from ser_ros.training.learning.recipe import StoredWeights
from ser_ros.training.learning.stored_weights import as_stored
from ser_ros.training.storage.pretrained import read_config, read_labels, read_network

_ENCODER = 'encoder'

_TRIAL_SAMPLES = 4 * SAMPLE_RATE

_MASK_VECTOR = 'masked_spec_embed'
"""Of SpecAugment. May be missing in a checkpoint, for not every pretraining has it, or be there where none is asked."""

_ENCODER_PARTS = ('adapter.', 'encoder.', 'feature_extractor.', 'feature_projection.', 'intermediate_ffn.')
"""Modules of which all weights must be used; the others are heads and decoders of its pretraining."""


def new_classifier(design: Design) -> PreTrainedModel:
    """Return the classifier in single precision; what no checkpoint brings is drawn from torch's global generator.

    A checkpoint that is a classifier keeps its answers for those of its labels that the data has.

    Raises:
        SerError: Values do not fit together, or the checkpoint has other weights for the encoder than its own
            configuration describes.
    """
    model = _pretrained_classifier(design) if design.checkpoint else _random(AutoModelForAudioClassification, design)
    if design.window is not None:
        _shorten(model.encoder, design.window)
        model.config.max_source_positions = design.window
    return model


def new_encoder(design: Design) -> PreTrainedModel:
    """Return the encoder in single precision, without any head; see new_classifier."""
    whole = _pretrained_whole(design) if design.checkpoint else _random(AutoModel, design)
    encoder = whole.get_encoder() if design.config.is_encoder_decoder else whole
    if design.window is not None:
        _shorten(encoder, design.window)
    return encoder


def outline(design: Design, auto_class: Any = AutoModelForAudioClassification) -> PreTrainedModel:
    """Return the network without memory for its weights, of which names and shapes are known.

    Args:
        design: Of the network.
        auto_class: Of transformers; AutoModel for the encoder, with a decoder if the architecture has one.

    Raises:
        SerError: Values do not fit together.
    """
    with torch.device('meta'):
        return _random(auto_class, design)


def try_out(design: Design, new: Callable[[Design], PreTrainedModel]) -> None:
    """Raise SerError if the network with random weights that `new` makes cannot answer to a sound.

    A checkpoint has answered before.
    """
    if design.checkpoint:
        return
    sound = np.random.default_rng(0).standard_normal(_TRIAL_SAMPLES, dtype=np.float32)
    try:
        with torch.random.fork_rng(devices=[]), torch.inference_mode():
            new(design).train()(**design.frontend([sound, sound[: _TRIAL_SAMPLES // 2]]))
    except SerError:
        raise
    except Exception as error:
        raise SerError(
            f'network.config and feature_extraction.config do not fit together ({reason(error)}); correct the recipe'
        ) from None


def save_model(
    model: PreTrainedModel, feature_extractor: SequenceFeatureExtractor, folder: Path, *, stored_weights: StoredWeights
) -> None:
    """Write a Hugging Face model folder."""
    shutil.rmtree(folder, ignore_errors=True)
    weights = as_stored(model, stored_weights)
    # Part of a larger network, as Whisper's encoder is, a checkpoint has its weights under the name of that part.
    part = f'{_ENCODER}.' if model.config.is_encoder_decoder and not hasattr(model, _ENCODER) else ''
    model.save_pretrained(folder, state_dict={f'{part}{name}': value for name, value in weights.items()})
    feature_extractor.save_pretrained(folder)
    for file in folder.iterdir():
        file.chmod(0o644)


def _random(auto_class: Any, design: Design) -> PreTrainedModel:
    try:
        return auto_class.from_config(design.config, dtype=torch.float32, attn_implementation=attention())
    except Exception as error:
        raise SerError(f'network.config does not fit together ({reason(error)}); correct the recipe') from None


def _pretrained_whole(design: Design) -> PreTrainedModel:
    """Return the encoder of a checkpoint, with a decoder if the architecture has one."""
    config = copy.deepcopy(design.config)
    if config.is_encoder_decoder:
        config.decoder_layers = 0  # only the encoder is kept
    loaded = read_network(MODEL_MAPPING[type(config)], design.checkpoint, config, attention())
    _refuse_lacking(design, {name for name in loaded.missing | loaded.mismatched if not name.startswith('decoder.')})
    _refuse_unused(design, loaded)
    return loaded.network


def _pretrained_classifier(design: Design) -> PreTrainedModel:
    # A head for another number of labels is drawn again; the encoder is checked below.
    loaded = read_network(CLASSIFIERS[type(design.config)], design.checkpoint, design.config, attention())
    _refuse_lacking(design, (loaded.missing | loaded.mismatched) - head_names(loaded.network))
    _refuse_unused(design, loaded)
    if not any(name.startswith('classifier') for name in loaded.missing):
        _keep_known_labels(loaded.network, design)
    return loaded.network


def _refuse_lacking(design: Design, names: Set[str]) -> None:
    lacking = sorted(name for name in names if not name.endswith(_MASK_VECTOR))
    if lacking:
        raise SerError(
            f"the checkpoint '{design.checkpoint}' lacks {len(lacking)} weights of the encoder, or has them in another "
            f'shape ({", ".join(lacking[:3])}); correct network.config, or give another checkpoint'
        )


def _refuse_unused(design: Design, loaded: Loaded) -> None:
    """Refuse a checkpoint with weights for parts of an encoder that its own configuration does not have.

    What the recipe leaves out of that encoder may be left out.
    """
    network = loaded.network

    def parts(names: Iterable[str]) -> set[str]:
        bare = (name.removeprefix(f'{network.base_model_prefix}.') for name in names)
        return {name for name in bare if name.startswith(_ENCODER_PARTS) and not name.endswith(_MASK_VECTOR)}

    unused = parts(loaded.unused)
    if unused:
        with torch.device('meta'):
            own = type(network)(read_config(design.checkpoint))
        unused -= parts(own.state_dict())
    if unused:
        raise SerError(
            f"the checkpoint '{design.checkpoint}' has {len(unused)} weights for which the encoder of its config.json "
            f'has no place ({", ".join(sorted(unused)[:3])}); its files belong to different models: copy it again'
        )


def _keep_known_labels(model: PreTrainedModel, design: Design) -> None:
    """Give a trained head the labels of the data: known ones keep their weights, the others start afresh.

    All start afresh where the head is of another width, or where it is not clear what its outputs mean.
    """
    model.classifier.reset_parameters()
    before = {label: index for index, label in enumerate(read_labels(design.checkpoint))}
    if not before:
        return
    config = read_config(design.checkpoint)
    config.id2label = {index: label for label, index in before.items()}
    loaded = read_network(type(model), design.checkpoint, config, attention())
    trained = loaded.network.classifier
    is_whole = not any(name.startswith('classifier') for name in loaded.missing | loaded.mismatched)
    if not is_whole or trained.in_features != model.classifier.in_features:
        return
    with torch.no_grad():
        for label, index in design.config.label2id.items():
            if label in before:
                model.classifier.weight[index] = trained.weight[before[label]]
                model.classifier.bias[index] = trained.bias[before[label]]


def _shorten(encoder: PreTrainedModel, positions: int) -> None:
    """Let a Whisper encoder use only the first `positions` of its table."""
    table = encoder.embed_positions
    table.weight = torch.nn.Parameter(table.weight[:positions].detach().clone(), requires_grad=False)
    table.num_embeddings = positions
    encoder.config.max_source_positions = positions
