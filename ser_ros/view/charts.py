# SPDX-License-Identifier: Apache-2.0
"""What the two charts show, as options of Apache ECharts (https://echarts.apache.org/en/option.html)."""

from collections.abc import Sequence
from typing import Any

from ser_ros.colours import BLUE, GREEN, VERMILLION, colours
from ser_ros.view.record import CURVE_SECONDS, MOOD_SECONDS, Mood, Reading

Options = dict[str, Any]


def hearing_options() -> Options:
    """Return the empty chart of level, floor and speech probability; lines differ in dashes as well as in colour."""
    return {
        'animation': False,
        'aria': {'enabled': True},
        'legend': {'top': 0},
        'grid': {'left': 48, 'right': 44, 'top': 48, 'bottom': 40},
        'xAxis': {'type': 'value', 'min': -CURVE_SECONDS, 'max': 0, 'name': 'seconds', **_BELOW},
        'yAxis': [
            {'type': 'value', 'min': -90, 'max': 0, 'name': 'dBFS', **_LEFT},
            {'type': 'value', 'min': 0, 'max': 1, 'name': 'speech', 'splitLine': {'show': False}},
        ],
        'series': [
            _line('level', BLUE, 'solid', axis=0),
            _line("the room's floor", VERMILLION, 'dashed', axis=0),
            _line('speech probability', GREEN, 'dotted', axis=1),
        ],
    }


def hearing_data(readings: Sequence[Reading]) -> Options:
    """Return what changes in it: `readings`, the newest of them at 0."""
    now = readings[-1].time if readings else 0.0
    times = [round(reading.time - now, 2) for reading in readings]
    curves = (
        [round(reading.level, 1) for reading in readings],
        [round(reading.floor, 1) for reading in readings],
        [round(reading.speech_probability, 2) for reading in readings],
    )
    return {'series': [{'data': list(zip(times, curve, strict=True))} for curve in curves]}


def mood_options() -> Options:
    """Return the empty chart of the mood: each emotion's share over the last minutes."""
    return {
        'animation': False,
        'aria': {'enabled': True, 'decal': {'show': True}},
        'legend': {'top': 0},
        'grid': {'left': 48, 'right': 16, 'top': 64, 'bottom': 40},
        'xAxis': {'type': 'value', 'min': -MOOD_SECONDS / 60, 'max': 0, 'name': 'minutes', **_BELOW},
        'yAxis': {'type': 'value', 'min': 0, 'max': 1, 'name': 'probability', **_LEFT},
        'series': [],
    }


def mood_data(moods: Sequence[Mood], now: float) -> Options:
    """Return what changes in it: `moods`, the last of which lasts until `now` (seconds of `time.monotonic()`)."""
    labels = moods[-1].labels if moods else ()
    moods = [mood for mood in moods if mood.labels == labels]
    times = [max((mood.came - now) / 60, -MOOD_SECONDS / 60) for mood in moods] + [0.0]
    series = []
    for at, (label, colour) in enumerate(zip(labels, colours(labels), strict=True)):
        # Where nobody has spoken lately nothing is shown, however the probabilities stand.
        shares = [round(mood.probabilities[at], 3) if mood.utterances else 0.0 for mood in moods]
        data = [(round(time, 3), share) for time, share in zip(times, [*shares, *shares[-1:]], strict=True)]
        series.append(
            {
                'name': label,
                'type': 'line',
                'step': 'end',
                'stack': 'mood',
                'symbol': 'none',
                'color': colour,
                'lineStyle': {'width': 1},
                'areaStyle': {'opacity': 0.8},
                'data': data,
            }
        )
    return {'series': series}


_BELOW = {'nameLocation': 'middle', 'nameGap': 24, 'axisLine': {'onZero': False}}
_LEFT = {'axisLine': {'onZero': False}}
"""Otherwise an axis stands at the other's zero, which is now, on the right."""


def _line(name: str, colour: str, dashes: str, *, axis: int) -> Options:
    return {
        'name': name,
        'type': 'line',
        'symbol': 'none',
        'color': colour,
        'lineStyle': {'type': dashes, 'width': 2},
        'yAxisIndex': axis,
        'data': [],
    }
