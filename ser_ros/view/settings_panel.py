# SPDX-License-Identifier: Apache-2.0
"""The part of the page that changes the node: a slider for each parameter that takes effect at once."""

import asyncio

from nicegui import ui
from nicegui.events import GenericEventArguments

from ser_ros.view.panels import card, shows
from ser_ros.view.settings import Setting, as_yaml
from ser_ros.view.settings_link import SettingsLink

_PATIENCE = 5.0
"""Seconds for the node's answer."""
_FILE = 'ser_parameters.yaml'


class SettingsPanel:
    """The sliders, and the button that writes them into a file."""

    def __init__(self, link: SettingsLink, node: str):
        """Build it, without sliders until the node has told its parameters."""
        self._link = link
        self._node = node
        self._controls: dict[str, _Control] = {}
        with card('Settings that take effect at once') as box:
            box.classes('mt-3')
            self._remark = shows(ui.label('the node has not told its parameters yet'), 'settings')
            self._list = ui.element('div').classes('grid grid-cols-1 lg:grid-cols-2 gap-x-8 gap-y-2')
            ui.button('Save them as a file', on_click=self._save).props('no-caps outline color=black').classes('mt-2')
            ui.label(f'Start the node with it: ros2 launch ser_ros ser.launch.py params_file:={_FILE}').classes(
                'text-sm'
            )

    def update(self, is_there: bool) -> None:
        """Show values that have changed, whoever changed them; without a node nothing can be set."""
        settings = self._link.all()
        if [setting.name for setting in settings] != list(self._controls):
            self._list.clear()
            with self._list:
                self._controls = {setting.name: _Control(setting, self._link) for setting in settings}
        self._remark.text = '' if settings and is_there else 'the node has not told its parameters yet'
        for setting in settings:
            self._controls[setting.name].update(setting, is_there)

    def _save(self) -> None:
        settings = self._link.all()
        if settings:
            ui.download.content(as_yaml(self._node, settings), _FILE, 'application/yaml')
        else:
            ui.notify('there is nothing to save: the node has not told its parameters yet')


class _Control:
    """The slider and the field, or the switch, of one parameter."""

    def __init__(self, setting: Setting, link: SettingsLink):
        self._setting = setting
        self._link = link
        self._elements: list[ui.switch | ui.slider | ui.number]
        with ui.element('div'):
            ui.label(setting.name).classes('font-bold')
            ui.label(setting.description).classes('text-sm')
            if isinstance(setting.value, bool):
                switch = ui.switch(value=setting.value, on_change=lambda event: self._set(event.value))
                self._elements = [shows(switch, f'setting {setting.name}')]
            else:
                with ui.row().classes('w-full no-wrap items-center gap-4'):
                    self._elements = [self._slider(setting), self._field(setting)]
        for element in self._elements:
            element.props['aria-label'] = setting.name

    def _slider(self, setting: Setting) -> ui.slider:
        low = setting.minimum if setting.minimum is not None else 0.0
        high = setting.maximum if setting.maximum is not None else max(1.0, 2.0 * setting.value)
        slider = ui.slider(min=low, max=high, step=setting.step, value=setting.value).props('color=black')

        async def moved(event: GenericEventArguments) -> None:
            await self._set(event.args)

        slider.on('change', moved)
        return shows(slider, f'setting {setting.name}')

    def _field(self, setting: Setting) -> ui.number:
        field = ui.number(value=setting.value, min=setting.minimum, max=setting.maximum, step=setting.step)

        async def entered() -> None:
            if field.value is None:
                self._show(self._setting)
            else:
                await self._set(field.value)

        field.on('blur', entered).on('keydown.enter', entered)
        return shows(field.classes('w-24').props('dense outlined'), f'field {setting.name}')

    async def _set(self, value: bool | float) -> None:
        wanted = self._setting.typed(value)
        if wanted == self._setting.value:
            return
        try:
            problem = await asyncio.wait_for(
                asyncio.wrap_future(self._link.set(self._setting.name, wanted)), timeout=_PATIENCE
            )
        except asyncio.TimeoutError:
            problem = f'the node has not answered within {_PATIENCE:.0f} s'
        if problem:
            self._show(self._setting)
            ui.notify(f'{self._setting.name} is not set: {problem}', type='negative', timeout=10_000)

    def update(self, setting: Setting, is_there: bool) -> None:
        """Show another value, and whether it can be changed now."""
        if setting != self._setting:
            self._setting = setting
            self._show(setting)
        for element in self._elements:
            if element.enabled != is_there:
                element.set_enabled(is_there)

    def _show(self, setting: Setting) -> None:
        for element in self._elements:
            element.value = setting.value
