# SPDX-License-Identifier: Apache-2.0
"""Logs the faults that diagnostics report: not everyone watches those, and `ros2 topic echo` truncates them."""

import re
import time

from rclpy.impl.rcutils_logger import RcutilsLogger

from ser_ros.node.subjects import Level, Subject

_QUIET = 60.0
"""Seconds during which the same fault is logged once, however often it comes and goes."""

_FIGURES = re.compile(r'\d+(\.\d+)?')


class FaultLog:
    """Writes a fault of one subject into the log once when it begins, and once when it has ended."""

    def __init__(self, logger: RcutilsLogger):
        """Take the node's logger."""
        self._logger = logger
        self._fault = ''
        self._is_logged = False
        self._logged_at: dict[str, float] = {}

    def look(self, subject: Subject, now: float | None = None) -> None:
        """Note the state of the subject at `now` (seconds of `time.monotonic()`)."""
        now = time.monotonic() if now is None else now
        # The figures in its sentence change while the fault stays the same.
        fault = _FIGURES.sub('', subject.message) if subject.level > Level.OK else ''
        if fault == self._fault:
            return
        if fault:
            if now - self._logged_at.get(fault, -_QUIET) >= _QUIET:
                self._logged_at[fault] = now
                self._is_logged = True
                # Two calls, because rclpy's logger allows one severity for each line of code.
                if subject.level is Level.ERROR:
                    self._logger.error(f'{subject.name}: {subject.message}')
                else:
                    self._logger.warning(f'{subject.name}: {subject.message}')
        elif self._is_logged:
            self._is_logged = False
            self._logger.info(f'{subject.name}: in order again, {subject.message}')
        self._fault = fault
