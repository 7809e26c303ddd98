# SPDX-License-Identifier: Apache-2.0
"""The page: what is on it, and how one browser's copy of it follows the link."""

from nicegui import Client, ui

from ser_ros.colours import GREEN, VERMILLION
from ser_ros.view.link import Link
from ser_ros.view.panels import AnswersPanel, LightsPanel, MoodPanel, SoundPanel, heading, shows
from ser_ros.view.record import Snapshot
from ser_ros.view.settings_panel import SettingsPanel

_REFRESH = 0.25
"""Seconds between looks at what came."""

HONEST = (
    'It hears how people sound, not what they feel: an actor, a tired friend and a bad telephone line sound like '
    'something too.'
)


def show_page(link: Link) -> None:
    """Build the page for one browser, and keep it up to date while that is open."""
    ui.query('body').style('background: #f5f5f5; color: #000')
    with ui.element('main').classes('w-full max-w-screen-xl mx-auto p-2'):
        header = _Header(link.followed.name)
        with ui.element('div').classes('grid grid-cols-1 lg:grid-cols-2 gap-3 mt-3'):
            panels = (SoundPanel(), AnswersPanel(), MoodPanel(), LightsPanel())
        settings = SettingsPanel(link.settings, link.followed.name)

    client = ui.context.client

    def refresh() -> None:
        note_watcher(link, client)
        snapshot = link.snapshot()
        header.update(snapshot)
        for panel in panels:
            panel.update(snapshot)
        settings.update(snapshot.is_there)

    refresh()
    ui.timer(_REFRESH, refresh)
    client.on_disconnect(lambda: note_watcher(link, client))
    client.on_delete(lambda: link.unwatch(client.id))


def note_watcher(link: Link, client: Client) -> None:
    """Let `link` know whether the browser of `client` is connected.

    Asked rather than told: a browser that has connected anew may lose its old connection only afterwards.
    """
    if client.has_socket_connection:
        link.watch(client.id)
    else:
        link.unwatch(client.id)


class _Header:
    """Which node it is, whether it is there, and what all this can tell."""

    def __init__(self, name: str):
        self._name = name
        heading(f'What {name} hears', level=1)
        self._state = shows(ui.label(), 'node').classes('font-bold').props('role=status')
        self._model = shows(ui.label(), 'model').classes('text-sm')
        shows(ui.label(HONEST), 'honest')

    def update(self, snapshot: Snapshot) -> None:
        facts = snapshot.facts
        if snapshot.is_there:
            self._state.text = f'● connected: {facts.get("lifecycle state", "")}'
        else:
            self._state.text = (
                f'○ no node {self._name} is here; the page waits for it. `ros2 node list` shows the names; --node, '
                'ROS_DOMAIN_ID and ROS_AUTOMATIC_DISCOVERY_RANGE decide which are found. What is below is old.'
            )
        self._state.style(f'color: {GREEN if snapshot.is_there else VERMILLION}; filter: brightness(0.8)')
        told = {key: facts[key] for key in ('model', 'device', 'backend', 'adaptation') if facts.get(key)}
        self._model.text = ', '.join(f'{key}: {value}' for key, value in told.items())
