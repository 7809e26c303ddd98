# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

ENDLESS = """
import sys
from ser_ros.cli.sentences import ends_in_a_sentence

@ends_in_a_sentence
def main():
    while True:
        print('a line')

sys.exit(main())
"""


def test_a_reader_that_goes_away_ends_the_script_quietly():
    """As in `predict interview.wav | head`."""
    script = subprocess.Popen(
        [sys.executable, '-c', ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert script.stdout.readline() == 'a line\n'
    script.stdout.close()
    assert script.wait(60) == 1
    assert script.stderr.read() == ''
    script.stderr.close()
