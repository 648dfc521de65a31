"""What time it is in the database, which all processes share, for whoever cannot stop to ask it.

A machine's own clock may be an hour off, or jump. What ends by the clock, a session or a right,
ends at the same moment in every process all the same: each answer of the database says what time it
is there, and in between the time since then is counted.
"""

from __future__ import annotations

import math
import time


class SharedClock:
    """The database's time. Until it has said anything, that of this machine."""

    __slots__ = ("_least", "_most")

    def __init__(self) -> None:
        # By how much the database's time is ahead of this process's monotonic clock, in seconds.
        self._least, self._most = -math.inf, time.time() - time.monotonic()

    def hear(self, said: float, asked_at: float) -> None:
        """Take in an answer that has just come to what was asked at `asked_at` (monotonic).

        `said`: what time it was in the database in between, in seconds since 1970.
        """
        least, most = said - time.monotonic(), said - asked_at
        if least <= self._most and most >= self._least:
            # Both are true, and together say it more exactly: the quickest answers say it best.
            least, most = max(least, self._least), min(most, self._most)
        self._least, self._most = least, most

    def time(self) -> float:
        """Seconds since 1970: the latest that it may be there, so that nothing lasts longer."""
        return time.monotonic() + self._most
