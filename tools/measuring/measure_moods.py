# SPDX-License-Identifier: Apache-2.0
"""Measures how steady and how right moods are: the topic `mood` against single answers and a moving average.

    python tools/measuring/measure_moods.py --data emovo:EMOVO ased:ASED --out docs
    python tools/measuring/measure_moods.py --model FOLDER --data nemo:NEMO

conversations.py makes the conversations, from clips that the model must not have heard, and says what is measured. Each
clip is cut as the node cuts it. Prints a Markdown table; with --out also draws mood.png there: the figures of every
follower, the mean over the corpora, and the first conversation of the first corpus. Needs the built workspace,
`. ./env.bash`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from conversations import Conversation, Followed, Follower, conversations, follow
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tqdm import tqdm

from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.colours import BLACK, BLUE, GREEN, GREY, OF_LABELS, VERMILLION
from ser_ros.emotions import UNKNOWN
from ser_ros.errors import SerError
from ser_ros.mood.config import MoodConfig
from ser_ros.mood.moods import Moods
from ser_ros.mood.voice_mood import Answer
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.models import find_model
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.corpus import read_corpora
from ser_ros.training.data.recordings import load_recordings
from ser_ros.training.evaluation.spoken import Outputs

MIN_CONFIDENCE = 0.5
"""Default of `emotion.min_confidence`."""

HYSTERESES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.6)
MEMORIES = (30.0, 120.0)
AVERAGED = (3, 5, 8)

_SILENT = '#eeeeee'
"""Of `unknown` in the example."""

_NARROW = 9.0
"""Seconds; the words of a shorter stretch stand upright."""


@ends_in_a_sentence
def main() -> int:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default='', help='folder or name (default: the embedded default)')
    parser.add_argument('--data', nargs='+', required=True, metavar='KEY:FOLDER', help='corpora, as in `train --data`')
    parser.add_argument('--seed', type=int, default=0, help='of the conversations (default: 0)')
    parser.add_argument('--out', type=Path, help='folder for mood.png')
    options = parser.parse_args()
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    classifier = Classifier.load(find_model(options.model), 'cpu')
    if classifier.prior is None:
        raise SerError(f"the model '{classifier.name}' cannot adapt; give one with an adaptation.npz")
    ways = followers(classifier.labels)
    found: dict[str, dict[str, Followed]] = {}
    example: Conversation = []
    for source in options.data:
        corpus = read_corpora([source], for_training=False)
        lively, plain = made_of(corpus.clips, classifier, options.seed)
        print(f'{corpus.name}: {len(lively)} conversations with two moods, {len(plain)} plain ones', file=sys.stderr)
        found[corpus.name] = {name: follow(way, lively, plain) for name, way in ways.items()}
        example = example or lively[0]
    print(table(found))
    if options.out is not None:
        draw(found, example, ways, options.out / 'mood.png')
    return 0


def made_of(clips: Sequence[Clip], classifier: Classifier, seed: int) -> tuple[list[Conversation], list[Conversation]]:
    """Return the conversations that clips make. Raises SerError if they make none."""
    recordings = load_recordings(clips)
    said = [classifier.classify(recording.utterance) for recording in tqdm(recordings, unit='clip')]
    outputs = Outputs.of(said, classifier.temperature)
    lively, plain = conversations(recordings, outputs, classifier.temperature, classifier.prior, seed)
    if not lively:
        raise SerError('nobody has five clips of two emotions, and a neutral one; give another corpus')
    return lively, plain


def followers(labels: Sequence[str]) -> dict[str, Follower]:
    """Return all that are compared, by their names in the table."""

    def named(probabilities: np.ndarray, least: float) -> str:
        return labels[int(probabilities.argmax())] if probabilities.max() >= least else UNKNOWN

    def raw(least: float) -> Follower:
        return lambda conversation: [named(said.answer, least) for said in conversation]

    def average(count: int) -> Follower:
        def follower(conversation: Conversation) -> list[str]:
            answers = [said.answer for said in conversation]
            return [
                named(np.mean(answers[max(0, end - count) : end], axis=0), 0.0) for end in range(1, len(answers) + 1)
            ]

        return follower

    def mood(config: MoodConfig) -> Follower:
        def follower(conversation: Conversation) -> list[str]:
            moods = Moods(labels, config, since=0.0)
            return [
                moods.hear(Answer(said.answer, said.end - said.start, said.end, said.end))[-1].label
                for said in conversation
            ]

        return follower

    standard = MoodConfig()
    ways = {'answers as published': raw(MIN_CONFIDENCE), 'most probable label of each': raw(0.0)}
    ways |= {f'moving average of {count}': average(count) for count in AVERAGED}
    ways['mood'] = mood(standard)
    ways |= {f'mood.hysteresis {value}': mood(MoodConfig(hysteresis=value)) for value in HYSTERESES}
    return ways | {f'mood.memory {value:.0f}': mood(MoodConfig(memory=value)) for value in MEMORIES}


def table(found: dict[str, dict[str, Followed]]) -> str:
    """Return the figures as Markdown."""
    columns = (
        *('corpus', 'what is followed', 'flips a minute', "of the answers'", 'utterances until right'),
        *('later than the answers', 'seconds until right', 'never right', 'right at a time'),
        'plain speech called an emotion',
    )
    lines = [f'| {" | ".join(columns)} |', '|---|---|' + '---:|' * (len(columns) - 2)]
    for corpus, ways in found.items():
        answers = next(iter(ways.values()))
        for name, figures in ways.items():
            share = f'{figures.flips / answers.flips:.0%}' if answers.flips else '-'
            lines.append(
                f'| {corpus} | {name} | {figures.flips:.2f} | {share} '
                f'| {figures.utterances:.2f} | {figures.utterances - answers.utterances:+.2f} | {figures.seconds:.0f} '
                f'| {figures.missed:.0%} | {figures.right:.0%} | {figures.alarms:.0%} |'
            )
    return '\n'.join(lines)


def draw(found: dict[str, dict[str, Followed]], example: Conversation, ways: dict[str, Follower], path: Path) -> None:
    """Draw every follower's figures, and a conversation."""
    figure = Figure(figsize=(9.0, 8.6), layout='constrained')
    points, strips = figure.subplots(2, 1, height_ratios=(3, 2))
    mean = {
        name: [np.mean([getattr(ways_[name], key) for ways_ in found.values()]) for key in ('flips', 'utterances')]
        for name in next(iter(found.values()))
    }
    by_hysteresis = sorted(
        [(float(name.split()[1]), point) for name, point in mean.items() if 'hysteresis' in name]
        + [(MoodConfig().hysteresis, mean['mood'])]
    )
    points.plot(*zip(*(point for _, point in by_hysteresis), strict=True), 's-', color=BLUE, markersize=4)
    for value, point in by_hysteresis:
        is_default = value == MoodConfig().hysteresis
        words, offset = (f'mood (hysteresis {value})', (6, 3)) if is_default else (f'{value}', (-22, -4))
        points.annotate(words, point, offset, textcoords='offset points', color=BLUE)
    for name, color, marker in (
        *((name, VERMILLION, 'o') for name in list(mean)[:2]),
        *((name, GREEN, '^') for name in mean if 'average' in name),
    ):
        points.plot(*mean[name], marker, color=color)
        points.annotate(name, mean[name], (6, 4), textcoords='offset points', color=color)
    flips, utterances = mean['answers as published']
    points.plot([0, flips / 4, flips / 4], [utterances + 2, utterances + 2, 0.0], '--', color=GREY, linewidth=1)
    points.annotate(
        'target: left of and below this', (0.05, utterances + 2), (0, 4), textcoords='offset points', color='#555555'
    )
    points.set(
        xlabel='flips a minute', ylabel='utterances until right', xlim=(0, 1.4 * max(mean[name][0] for name in mean))
    )
    points.set_ylim(min(mean[name][1] for name in mean) - 0.3, utterances + 2.6)
    points.set_title(f'Mean of {" and ".join(found)}')
    _draw_example(
        strips, example, {name: ways[name] for name in ('answers as published', 'moving average of 5', 'mood')}
    )
    figure.savefig(path, dpi=110)


def _draw_example(axes: Axes, conversation: Conversation, ways: dict[str, Follower]) -> None:
    rows = {'spoken': [said.mood for said in conversation]}
    rows |= {name: way(conversation) for name, way in ways.items()}
    colors = OF_LABELS | {UNKNOWN: _SILENT}
    ends = [*(said.end for said in conversation[1:]), conversation[-1].end + 5.0]
    for height, row in enumerate(rows.values()):
        begun = 0
        for index, label in enumerate(row):
            if index + 1 == len(row) or row[index + 1] != label:
                left = conversation[begun].end
                axes.barh(-height, ends[index] - left, left=left, height=0.8, color=colors[label], edgecolor='white')
                upright = 90 if ends[index] - left < _NARROW else 0
                place = (left + ends[index]) / 2, -height
                ink = 'white' if colors[label] in (BLACK, BLUE) else 'black'
                axes.text(*place, label, ha='center', va='center', fontsize=8, rotation=upright, color=ink)
                begun = index + 1
    axes.set_yticks([-height for height in range(len(rows))], list(rows))
    axes.set(xlabel='seconds')
    axes.spines[['top', 'right', 'left']].set_visible(False)
    axes.set_title('One conversation')


if __name__ == '__main__':
    sys.exit(main())
