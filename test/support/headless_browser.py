# SPDX-License-Identifier: Apache-2.0
"""A real headless Chromium that looks at a page, and what it has requested from the network."""

import json
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 120.0
"""Seconds; nothing waits that long for luck."""

_OPTIONS = ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--window-size=1280,2000')
_REQUESTS = ('Network.requestWillBeSent', 'Network.webSocketCreated')


def browser_problem() -> str:
    """Return why there is no browser here; '' if there is one."""
    missing = [name for name in ('chromium', 'chromedriver') if shutil.which(name) is None]
    return f'{" and ".join(missing)} missing: sudo apt install chromium chromium-driver' if missing else ''


class Browser:
    """One window."""

    def __init__(self, downloads: Path):
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which('chromium')
        for option in _OPTIONS:
            options.add_argument(option)
        options.add_experimental_option('prefs', {'download.default_directory': str(downloads)})
        options.set_capability('goog:loggingPrefs', {'performance': 'ALL', 'browser': 'ALL'})
        self.driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which('chromedriver')))

    def open(self, address: str) -> None:
        self.driver.get(address)

    def close(self) -> None:
        self.driver.quit()

    def control(self, what: str, kind: str) -> WebElement | None:
        """Return what people use of the control that shows `what`, such as its `input`; None if it is not there."""
        selector = f'[data-shows="{what}"] {kind}, {kind}[data-shows="{what}"]'
        return next(iter(self.driver.find_elements(By.CSS_SELECTOR, selector)), None)

    def text(self, what: str) -> str:
        """Return what is read there now, of all elements that show `what`."""
        script = 'return [...document.querySelectorAll(arguments[0])].map(found => found.innerText).join("\\n")'
        return self.driver.execute_script(script, f'[data-shows="{what}"]')

    def wait_for(self, what: str, text: str) -> None:
        self.wait_until(lambda: text in self.text(what), f'{what} shows {text!r}')

    def wait_until(self, condition, what: str) -> None:
        waiting = WebDriverWait(self.driver, PATIENCE, poll_frequency=0.1)
        waiting.until(lambda _: condition(), f'waited in vain until {what}; the page: {self.page_text()}')

    def page_text(self) -> str:
        return self.driver.execute_script('return document.body.innerText')

    def requested_hosts(self) -> set[str]:
        """Return the hosts of everything that was requested since the last call."""
        hosts = set()
        for entry in self.driver.get_log('performance'):
            message = json.loads(entry['message'])['message']
            if message['method'] in _REQUESTS:
                told = message['params']
                address = urlsplit(told.get('url') or told['request']['url'])
                if address.scheme in ('http', 'https', 'ws', 'wss'):
                    hosts.add(address.hostname)
        return hosts

    def complaints(self) -> list[str]:
        """Return the errors that the page wrote to the console since the last call."""
        return [entry['message'] for entry in self.driver.get_log('browser') if entry['level'] == 'SEVERE']
