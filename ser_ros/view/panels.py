# SPDX-License-Identifier: Apache-2.0
"""The parts of the page that show what came: the sound, the answers, the mood, the lights."""

import statistics
import time
from typing import TypeVar

from nicegui import ui
from nicegui.element import Element

from ser_ros.colours import colours
from ser_ros.emotions import UNKNOWN
from ser_ros.view.charts import hearing_data, hearing_options, mood_data, mood_options
from ser_ros.view.record import SUBJECTS, Answer, Light, Mood, Reading, Snapshot, shown_mood

_LEVELS = {0: ('✔', 'OK', '#00664b'), 1: ('▲', 'WARN', '#7a5200'), 2: ('✖', 'ERROR', '#a03f00')}
"""Symbol, word and colour: Okabe and Ito's green, orange and vermillion, darkened for text on white."""
_SILENT = ('?', 'NOTHING HEARD', '#555555')

_E = TypeVar('_E', bound=Element)


def shows(element: _E, what: str) -> _E:
    """Name what `element` shows, so that a test or a script finds it in the page."""
    element.props['data-shows'] = what
    return element


def heading(text: str, *, level: int) -> None:
    """Show a heading, for people who look and for those who have the page read to them."""
    size = {1: 'text-2xl', 2: 'text-lg'}[level]
    ui.label(text).classes(f'{size} font-bold').props(f'role=heading aria-level={level}')


def card(title: str) -> Element:
    """Return a part of the page with its heading, to be filled."""
    box = ui.element('section').classes('bg-white rounded border border-gray-400 p-3')
    box.props['aria-label'] = title
    with box:
        heading(title, level=2)
    return box


class SoundPanel:
    """Level, the room's floor and speech probability as curves; the states of segmenter and gate in words."""

    def __init__(self) -> None:
        """Build it, with nothing heard."""
        self._shown: tuple[Reading, ...] = ()
        with card('Sound'):
            with ui.row().classes('gap-6'):
                self._state = shows(ui.label(), 'state').classes('font-bold')
                self._gate = shows(ui.label(), 'gate').classes('font-bold')
            self._figures = shows(ui.label(), 'figures').classes('font-mono text-sm')
            self._chart = shows(ui.echart(hearing_options()), 'curves').classes('w-full h-80')
            self._chart.props['role'] = 'img'
            self._chart.props['aria-label'] = 'Level, floor and speech probability of the last half minute'

    def update(self, snapshot: Snapshot) -> None:
        """Show what is new."""
        readings = snapshot.readings
        somebody = {None: '', True: '; somebody speaks', False: '; nobody speaks'}[snapshot.speaking]
        last = readings[-1] if readings else None
        self._state.text = f'segmenter: {last.state if last else "nothing heard yet"}{somebody}'
        self._gate.text = f'gate: closed, {last.gate}' if last and last.gate else 'gate: open' if last else 'gate: ?'
        if last is None or readings == self._shown:
            return
        self._shown = readings
        self._figures.text = (
            f'level {last.level:.0f} dBFS, room {last.floor:.0f} dBFS, speech {last.speech_probability:.2f}'
        )
        self._chart.run_chart_method('setOption', hearing_data(readings))


class AnswersPanel:
    """Each utterance as it is answered, the newest first, and how long the answers took."""

    def __init__(self) -> None:
        """Build it, with nothing answered."""
        self._shown: tuple[Answer, ...] = ()
        with card('Utterances'):
            self._latency = shows(ui.label('no utterance answered yet'), 'latency').classes('text-sm')
            self._list = shows(ui.element('div'), 'answers').classes('overflow-y-auto max-h-96')
            self._list.props('tabindex=0')

    def update(self, snapshot: Snapshot) -> None:
        """Show what is new."""
        if snapshot.answers == self._shown:
            return
        self._shown = snapshot.answers
        if latencies := snapshot.latencies:
            self._latency.text = (
                f'latency: last {latencies[-1]:.2f} s, median {statistics.median(latencies):.2f} s, '
                f'longest {max(latencies):.2f} s of {len(latencies)}'
            )
        self._list.clear()
        with self._list:
            for answer in reversed(snapshot.answers):
                _show_answer(answer)


def _show_answer(answer: Answer) -> None:
    clock = time.strftime('%H:%M:%S', time.localtime(answer.time))
    kind = '' if answer.is_final else ' (still speaking)'
    voice = f', voice {answer.voice}' if answer.voice else ''
    sure = f'most probable {answer.confidence:.0%}' if answer.emotion == UNKNOWN else f'{answer.confidence:.0%}'
    with ui.element('article').classes('border-t border-gray-300 py-2'):
        shows(ui.label(f'{answer.emotion.upper()} {sure}{kind}'), 'answer').classes('font-bold')
        ui.label(
            f'utterance {answer.utterance}, {clock}{voice}: {answer.duration:.1f} s of speech, '
            f'latency {answer.latency:.2f} s'
        ).classes('text-sm')
        show_bars(answer.labels, answer.probabilities)


def show_bars(labels: tuple[str, ...], probabilities: tuple[float, ...]) -> None:
    """Show a bar for each emotion, with its word and its figure beside it."""
    with ui.element('div').classes('grid gap-x-2 items-center text-sm').style('grid-template-columns: auto 1fr auto'):
        for label, probability, colour in zip(labels, probabilities, colours(labels), strict=True):
            ui.label(label)
            bar = ui.linear_progress(value=probability, show_value=False, size='0.8em', color=colour)
            bar.props('track-color=grey-3 instant-feedback').style('border: 1px solid #555')
            bar.props['aria-label'] = f'{label} {probability:.0%}'
            ui.label(f'{probability:.0%}').classes('text-right font-mono')


class MoodPanel:
    """The mood now, in words, and over the last minutes."""

    def __init__(self) -> None:
        """Build it, with no mood known."""
        self._shown: tuple[Mood, ...] = ()
        self._drawn = 0.0
        with card('Mood'):
            self._now = shows(ui.label('no mood has come yet'), 'mood').classes('font-bold')
            self._since = shows(ui.label(), 'mood since').classes('text-sm')
            self._chart = shows(ui.echart(mood_options()), 'moods').classes('w-full h-64')
            self._chart.props['role'] = 'img'
            self._chart.props['aria-label'] = 'Probabilities of the mood over the last five minutes'

    def update(self, snapshot: Snapshot) -> None:
        """Show what is new; the chart moves on every second."""
        moods, now = snapshot.moods, time.monotonic()
        if not moods or (moods == self._shown and now < self._drawn + 1.0):
            return
        last = moods[-1]
        if moods != self._shown:
            self._now.text = f'mood: {shown_mood(moods)}{f", of voice {last.voice}" if last.voice else ""}'
            since = time.strftime('%H:%M:%S', time.localtime(last.since))
            self._since.text = f'since {since}, from {last.utterances} utterance(s) that still count'
        self._shown, self._drawn = moods, now
        self._chart.run_chart_method('setOption', mood_data(moods, now))


class LightsPanel:
    """The five subjects of diagnostics: a symbol, a word, and the sentence that names the cure."""

    def __init__(self) -> None:
        """Build it, with nothing heard."""
        self._rows = {}
        self._shown: dict[str, Light] | None = None
        with card('Diagnostics'):
            for subject in SUBJECTS:
                with ui.row().classes('w-full no-wrap items-start py-1 border-t border-gray-300'):
                    level = shows(ui.label(), f'light {subject}').classes('w-36 shrink-0 font-bold')
                    ui.label(subject).classes('w-24 shrink-0')
                    self._rows[subject] = (level, shows(ui.label(), f'message {subject}').props('role=status'))

    def update(self, snapshot: Snapshot) -> None:
        """Show what is new."""
        lights = snapshot.lights if snapshot.is_there else {}
        if lights == self._shown:
            return
        self._shown = lights
        for subject, (level, message) in self._rows.items():
            light = lights.get(subject)
            symbol, word, colour = _LEVELS.get(light.level, _SILENT) if light else _SILENT
            level.text = f'{symbol} {word}'
            level.style(f'color: {colour}')
            message.text = light.message if light else ''
