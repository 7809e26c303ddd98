# SPDX-License-Identifier: Apache-2.0
"""One table of everything that was measured, for people (Markdown) and for programs (JSON)."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ser_ros.benchmarking.latency import LiveFigures
from ser_ros.benchmarking.recognition import PEER, PEER_IN_FLOAT32, Agreement, LinearFit, Timing, Way

_BAR = 20
"""Characters of the longest bar."""


class Report:
    """Collects sections; each is kept as Markdown lines and as plain values."""

    def __init__(self, machine: dict[str, str], model: dict[str, str], command: str):
        """Start with what was measured, on which machine, and by which command."""
        self.values: dict = {'command': command, 'machine': machine, 'model': model}
        self._lines = ['# Benchmark', '', f'`{command}`', '', *_table(('', ''), (machine | model).items())]

    def add_vad(self, median: float, percentile_95: float, runs: int) -> None:
        """Add the voice activity detector's milliseconds per chunk."""
        self.values['vad'] = {'median_ms': median, 'p95_ms': percentile_95, 'runs': runs}
        rows = [(f'{median:.2f} ms', f'{percentile_95:.2f} ms', runs)]
        self._section('Voice activity, one chunk of 32 ms, one thread', ('median', '95 %', 'runs'), rows)

    def add_ways(self, ways: dict[str, Way], peer_problem: str) -> None:
        """Add how each way runs the model, and why the peer does not, if it cannot."""
        settings = {name: way.settings for name, way in ways.items()}
        if peer_problem:
            settings[PEER] = f'cannot run this model: {peer_problem}'
        self.values['ways'] = settings
        self._section('Ways to run the model, timed in turns', ('', 'how'), settings.items())

    def add_recognition(self, timings: dict[str, list[Timing]], shown: Sequence[float]) -> None:
        """Add the milliseconds of each way at the lengths `shown`, and how many times as long the peer takes.

        If the peer runs in two number formats, the faster one counts.
        """
        self.values['recognition'] = {
            name: [
                {'seconds': row.seconds, 'median_ms': row.median, 'p95_ms': row.percentile_95, 'runs': row.runs}
                for row in rows
            ]
            for name, rows in timings.items()
        }
        peers = [row for name in (PEER, PEER_IN_FLOAT32) for row in timings.get(name, [])]
        for seconds in shown:
            found = {name: row for name, rows in timings.items() for row in rows if row.seconds == seconds}
            peer = min((row.median for row in peers if row.seconds == seconds), default=None)
            slowest = max(row.median for row in found.values())
            rows = [
                (
                    name,
                    f'{row.median:.1f} ms',
                    f'{row.percentile_95:.1f} ms',
                    row.runs,
                    f'{peer / row.median:.1f}' if peer else '',
                    f'`{"█" * max(1, round(_BAR * row.median / slowest))}`',
                )
                for name, row in found.items()
            ]
            headers = ('', 'median', '95 %', 'runs', 'times as fast as the peer', '')
            self._section(f'Recognition of {seconds:g} s', headers, rows)

    def add_lines(self, lines: dict[str, LinearFit], longest: float) -> None:
        """Add how the cost grows with the length."""
        self.values['lines'] = {name: vars(line) for name, line in lines.items()}
        rows = [
            (name, f'{line.constant:.1f} ms', f'{line.per_second:.2f} ms', f'{line.largest_deviation:.0%}')
            for name, line in lines.items()
        ]
        headers = ('', 'for nothing', 'for each second', 'largest deviation of a median')
        self._section(f'Cost against length, straight line through 1 to {longest:g} s', headers, rows)

    def add_agreement(self, agreements: dict[tuple[str, str], Agreement]) -> None:
        """Add how the ways agree; the keys are the two that were compared."""
        self.values['agreement'] = [{'between': list(pair), **vars(found)} for pair, found in agreements.items()]
        rows = [
            (' / '.join(pair), found.clips, f'{found.labels_equal:.2%}', _difference(found))
            for pair, found in agreements.items()
        ]
        self._section('Agreement', ('', 'clips', 'labels equal', 'largest difference of a probability'), rows)

    def add_live(self, measured: dict[str, LiveFigures]) -> None:
        """Add the measurements of running nodes, by their settings."""
        first = next(iter(measured.values()))
        reference = np.percentile(first.decision_to_message, 95) if first.answered else None
        self.values['live'] = {name: _plain(live) for name, live in measured.items()}
        rows = [
            (
                name,
                live.nodes,
                f'{live.answered} of {live.utterances}',
                _percentiles(live.decision_to_message),
                _percentiles(live.end_to_message),
                live.interim,
                f'{np.percentile(live.decision_to_message, 95) / reference:.2f}' if reference and live.answered else '',
            )
            for name, live in measured.items()
        ]
        headers = (
            '',
            'nodes',
            'answered',
            'decision to message',
            'end of speech to message',
            'interim',
            '95 % of the decision / first row',
        )
        self._section('Over real DDS, milliseconds: median / 95 % / longest', headers, rows)
        costs = [
            (
                name,
                f'{np.mean(live.idle_percent):.1f} %, at most {max(live.idle_percent):.1f} %',
                f'{live.megabytes:.0f} MB, {live.own_megabytes:.0f} MB',
                live.threads,
                f'{sum(live.start_seconds.values()):.2f} s',
                ', '.join(f'{stage} {seconds:.2f} s' for stage, seconds in live.start_seconds.items()),
            )
            for name, live in measured.items()
        ]
        cost_headers = (
            '',
            'one core, in silence over the topic',
            'memory, of it its own',
            'threads',
            'ready after',
            'of it',
        )
        self._section('Idle, memory, start', cost_headers, costs)

    def add_idle(self, percent: float, seconds: float) -> None:
        """Add the cost of silence for one node that hears it from a file."""
        self.values['idle'] = {'percent_of_a_core': percent, 'seconds': seconds}
        rows = [(f'{percent:.1f} % of one core', f'{seconds:.0f} s')]
        self._section('Silence, heard from a file at its own pace', ('uses', 'measured over'), rows)

    def add_floor(self, rows: dict[str, dict[str, float]]) -> None:
        """Add the least that the device needs for 3 s: see `floor.py`."""
        self.values['floor'] = rows
        shown = [
            (
                name,
                f'{row["gigaflop"]:.1f} at {row["gigaflop_per_second"]:.0f}/s',
                f'{row["gigabytes"]:.3f} at {row["gigabytes_per_second"]:.0f}/s',
                f'{row["floor_ms"]:.2f} ms',
                f'{row["median_ms"]:.2f} ms',
                f'{row["median_ms"] / row["floor_ms"]:.1f}',
            )
            for name, row in rows.items()
        ]
        headers = ('', 'GFLOP', 'GB of weights', 'needs', 'takes', 'times')
        self._section('3 s against what the device can do at the rates measured on it', headers, shown)

    def markdown(self) -> str:
        """Return the whole table."""
        return '\n'.join(self._lines) + '\n'

    def _section(self, title: str, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        self._lines += ['', f'## {title}', '', *_table(headers, rows)]


def _table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    lines = [f'| {" | ".join(headers)} |', f'|{"---|" * len(headers)}']
    return lines + [f'| {" | ".join(str(cell) for cell in row)} |' for row in rows]


def _difference(agreement: Agreement) -> str:
    if agreement.largest_difference is None:
        return 'not comparable: the peer does not apply the temperature'
    return f'{agreement.largest_difference:.4f}'


def _percentiles(milliseconds: np.ndarray) -> str:
    if not len(milliseconds):
        return 'none'
    return ' / '.join(f'{value:.1f}' for value in np.percentile(milliseconds, (50, 95, 100)))


def _plain(live: LiveFigures) -> dict:
    values = vars(live) | {
        'end_to_message': live.end_to_message.tolist(),
        'decision_to_message': live.decision_to_message.tolist(),
    }
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
