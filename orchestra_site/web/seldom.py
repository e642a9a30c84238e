"""Warnings that many would give at the same moment."""

from __future__ import annotations

import logging
import time

QUIET_S = 10.0


class Seldom:
    """One warning, with a place for the error; said again only after a while."""

    def __init__(self, logger: logging.Logger, words: str, *, quiet_s: float = QUIET_S) -> None:
        self._logger, self._words, self._quiet_s = logger, words, quiet_s
        self._quiet_until = 0.0

    def warn(self, error: Exception) -> None:
        """Warn, unless that was done a moment ago."""
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + self._quiet_s
            self._logger.warning(self._words, error)
