# SPDX-License-Identifier: Apache-2.0
"""The page in a real headless Chromium, with the real link over DDS to a node that says what the test wants."""

import signal
import time

import pytest
import yaml
from diagnostic_msgs.msg import DiagnosticStatus

pytest.importorskip('nicegui')
Keys = pytest.importorskip('selenium.webdriver.common.keys').Keys

PATIENCE = 120.0
"""Seconds that a condition may take on a busy machine; nothing waits that long for luck."""


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f'waited in vain until {what}'
        time.sleep(0.05)


@pytest.fixture
def address(start_view):
    """Start the view of /robot/ser on any free port; return where it is."""
    process, line = start_view('--node', 'robot/ser', '--port', '0')
    assert 'http://127.0.0.1:' in line, line
    yield line.split()[4]
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0, rest
    assert 'Traceback' not in rest


def test_the_page_shows_what_is_published_also_after_the_node_has_died_and_come_back(
    make_stand_in, address, open_browser
):
    node = make_stand_in()
    assert node.lookers == 0
    page = open_browser(address)
    page.wait_for('node', 'connected: active')
    page.wait_for('model', 'model: made')
    page.wait_for('figures', 'level -31 dBFS, room -62 dBFS, speech 0.25')
    node.heard.state, node.heard.gate = 'speaking', 'robot speech'
    page.wait_for('state', 'segmenter: speaking')
    page.wait_for('gate', 'closed, robot speech')
    node.answer('happy', [0.2, 0.5, 0.3], utterance=7, is_final=False)
    page.wait_for('answer', 'HAPPY 50% (still speaking)')
    node.answer('angry', [0.1, 0.2, 0.7], utterance=7)
    page.wait_for('answer', 'ANGRY 70%')
    assert page.text('answer') == 'ANGRY 70%'
    assert [word in page.text('answers') for word in ('neutral', '10%', 'happy', '20%', 'angry')] == [True] * 5
    page.wait_for('latency', 'last 0.12 s')
    node.feel('angry', [0.1, 0.3, 0.6], utterances=2)
    page.wait_for('mood', 'mood: angry 60%')
    node.microphone = (DiagnosticStatus.ERROR, 'no sound for 2.0 s; check the microphone')
    page.wait_for('light microphone', '✖ ERROR')
    page.wait_for('message microphone', 'check the microphone')
    assert page.text('light gate') == '✔ OK'
    assert 'not what they feel' in page.text('honest')

    node.die()
    page.wait_for('node', 'no node /robot/ser is here')
    page.wait_for('light microphone', 'NOTHING HEARD')
    assert 'ANGRY 70%' in page.text('answer')

    node = make_stand_in()
    page.wait_for('node', 'connected: active')
    node.heard.level = -12.0
    page.wait_for('figures', 'level -12 dBFS')
    wait_until(lambda: node.emotion.get_subscription_count(), 'the view is heard of')
    node.answer('neutral', [0.8, 0.1, 0.1], utterance=1)
    page.wait_for('answer', 'NEUTRAL 80%')
    assert page.requested_hosts() == {'127.0.0.1'}
    assert page.complaints() == []

    page.close()
    wait_until(lambda: node.lookers == 0, 'nobody looks any more')


def test_two_viewers_share_one_link_and_what_one_sets_the_node_has_and_the_other_sees(
    make_stand_in, address, open_browser, tmp_path
):
    node = make_stand_in()
    pages = [open_browser(address), open_browser(address)]
    for page in pages:
        page.wait_for('figures', 'level -31 dBFS')
    assert node.lookers == 1
    first, second = pages
    first.wait_until(lambda: first.control('setting vad.threshold', '[role=slider]'), 'the sliders are there')
    slider = first.control('setting vad.threshold', '[role=slider]')
    assert slider.get_attribute('aria-valuenow') == '0.5'
    first.control('setting vad.threshold', '[tabindex]').send_keys(Keys.ARROW_RIGHT * 3)
    wait_until(lambda: node.parameter('vad.threshold') == 0.53, 'the slider has set the parameter')
    field = second.control('field vad.threshold', 'input')
    second.wait_until(lambda: field.get_property('value') == '0.53', 'the other page shows it')
    field.send_keys(Keys.CONTROL + 'a' + Keys.NULL, '0.99', Keys.ENTER)
    wait_until(lambda: node.parameter('vad.threshold') == 0.95, 'the field has set what the range allows')
    first.wait_until(lambda: slider.get_attribute('aria-valuenow') == '0.95', 'the first page shows it')

    first.driver.find_element('xpath', '//button[contains(., "Save them as a file")]').click()
    saved = tmp_path / 'ser_parameters.yaml'
    wait_until(saved.is_file, 'the file is there')
    parameters = yaml.safe_load(saved.read_text())['/**']['ros__parameters']
    assert parameters['vad']['threshold'] == 0.95
    assert parameters['adaptation']['enabled'] is True

    first.close()
    node.heard.level = -12.0
    second.wait_for('figures', 'level -12 dBFS')
    assert node.lookers == 1
