# SPDX-License-Identifier: Apache-2.0
"""The report of a run, as JSON for programs and Markdown for people."""

import importlib.metadata
import os
import platform
from pathlib import Path

import torch
import transformers

from ser_ros.training.data.protocols import PROTOCOLS
from ser_ros.training.measuring.held_out_speech import held_out_speech_lines
from ser_ros.training.measuring.markdown import megabytes, percent
from ser_ros.training.measuring.measures import (
    HEARINGS,
    condition_lines,
    scores_lines,
)
from ser_ros.training.measuring.provenance import pretraining_lines, teaching_facts

SELECTIONS = {
    'last': 'a fixed number of epochs, the last one is taken: nothing is chosen on test clips',
    'validation': 'the checkpoint is chosen on validation clips, which neither train nor test',
    'test': 'the checkpoint is chosen on the test clips, as in the study: optimistic',
}
"""How the checkpoint was chosen -> what a reader must know."""

_OPTIMISTIC = '**Chosen on the test clips: optimistic. Do not compare with figures that were not.**'

_PACKAGES = ('torchaudio', 'datasets', 'scikit-learn', 'accelerate')


def environment() -> dict:
    """Return the hardware and the versions that decide speed and figures."""
    if torch.cuda.is_available():
        hardware = torch.cuda.get_device_name()
    else:
        threads = torch.get_num_threads()
        hardware = f'CPU {_cpu_name()}, {threads} thread{"s" * (threads > 1)} of {os.cpu_count()} cores'
    return {
        'hardware': hardware,
        'versions': {
            'python': platform.python_version(),
            'torch': torch.__version__,
            'transformers': transformers.__version__,
            **_installed(_PACKAGES),
        },
    }


def run_markdown(report: dict) -> str:
    """Return the report of one run."""
    fold = f', fold {report["fold"]} of {report["folds"]}' if report['folds'] > 1 else ''
    lines = [f'# {report["recipe"]}: {report["protocol"]}{fold}', '', *optimism(report)]
    lines += [f'- {fact}' for fact in _data_facts(report) + _training_facts(report)]
    lines += run_facts(report, [report['command']])
    if 'selection' in report:
        lines += ['', '![training curves](curves.png)']
    if report['evaluation']:
        if 'selection' in report:
            lines += ['', '![confusion, whole clips](confusion.png)']
        for hearing, heading in HEARINGS.items():
            lines += ['', f'## {heading.capitalize()}', '', *scores_lines(report['evaluation'][hearing])]
        lines += conditions_section(report['evaluation'])
    if told := held_out_speech_lines(report.get('held_out_speech')):
        lines += ['', '## Held-out speech', '', *told]
    if report.get('pretraining'):
        lines += ['', '## Pretraining', '', *pretraining_lines(report['pretraining'])]
    return '\n'.join(lines) + '\n'


def optimism(report: dict) -> list[str]:
    """Return a warning where the test clips chose the checkpoint, else nothing."""
    return [_OPTIMISTIC, ''] if report.get('selection') == 'test' else []


def is_random(report: dict) -> bool:
    """Return whether the model of a run or summary began with random weights, as all did whose reports say nothing."""
    return report.get('initial_weights', 'random') == 'random'


def calibrated_on(report: dict) -> str:
    """Return whose answers the temperature of a run was fitted to."""
    return report.get('calibrated_on', 'the validation clips')


def conditions_section(evaluation: dict) -> list[str]:
    """Return the table of conditions under its heading; nothing where they were not measured."""
    lines = condition_lines(evaluation)
    return ['', '## In other conditions', '', *lines] if lines else []


def _data_facts(report: dict) -> list[str]:
    trained = f'trained on {report["train_clips"]} clips{_count_speakers(report["train_speakers"])}'
    tested = f'tested on {report["test_clips"]} clips{_name_speakers(report["test_speakers"])}'
    facts = [f'protocol {protocol_name(report["protocol"])}', f'{trained} in {report["training_minutes"]:.1f} minutes']
    if report.get('corpus'):
        facts.insert(0, f'corpus {report["corpus"]}')
    if report.get('validation_clips'):
        facts.append(
            f'validated on {report["validation_clips"]} clips{_name_speakers(report.get("validation_speakers", []))}'
        )
    return [*facts, tested]


def _training_facts(report: dict) -> list[str]:
    facts = [*weights_facts(report), *teaching_facts(report)]
    if report.get('steps'):
        taken = report.get('chosen_step') or report['steps']
        pace = f', {report["steps_per_second"]:.2f} steps a second' if report.get('steps_per_second') else ''
        processes = f', {report["processes"]} processes' if report.get('processes', 1) > 1 else ''
        facts.append(f'step {taken} of {report["steps"]} is taken{pace}{processes}')
    if report.get('validation_accuracy') is not None:
        facts.append(f'accuracy on the clips that chose the checkpoint {percent(report["validation_accuracy"])}')
    if report.get('temperature', 1.0) != 1.0:
        facts.append(
            f'calibrated on {calibrated_on(report)}: logits are divided by the temperature {report["temperature"]:.3g}'
        )
    if report.get('peak_gpu_memory_gib'):
        facts.append(f'peak GPU memory {report["peak_gpu_memory_gib"]:.1f} GiB')
    return facts


def weights_facts(report: dict) -> list[str]:
    """Return where the weights of a run or summary began, and how many they are."""
    facts = []
    if 'initial_weights' in report:
        facts.append('random initial weights' if is_random(report) else f'initial weights {report["initial_weights"]}')
    if report.get('parameters'):
        facts.append(f'{report["parameters"] / 1e6:.1f} M parameters, {megabytes(report["model_megabytes"])} on disk')
    return facts


def run_facts(report: dict, commands: list[str]) -> list[str]:
    """Return how a run or summary can be repeated: seed, selection, hardware, versions, commands."""
    used = ', '.join(f'{name} {version}' for name, version in report['versions'].items())
    return [
        f'- seed {report["seed"]}; {SELECTIONS[report.get("selection", "last")]}',
        f'- {report["hardware"]}; {used}',
        *(f'- `{command}`' for command in commands),
    ]


def protocol_name(name: str) -> str:
    """Return the protocol with its meaning."""
    return f'{name}: {PROTOCOLS[name]}' if name in PROTOCOLS else name


def _count_speakers(speakers: list) -> str:
    return f' of {len(speakers)} speakers' if speakers else ''


def _name_speakers(speakers: list) -> str:
    return f' of the speakers {", ".join(map(str, speakers))}' if speakers else ''


def _installed(packages: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _cpu_name() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()
