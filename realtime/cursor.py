"""Where in the log a reader stands: "epoch:seq".

The epoch names the log itself. It changes when the log is not the one it was (a restore, a
failover that lost its tail), because then the same number may stand for another event: a cursor of
another epoch is never replayed from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# The largest bigint: whatever is above it was not given out by a log.
LAST = 9_223_372_036_854_775_807
_NUMBER = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """All events up to and with `seq` are known; `epoch` None stands for whatever log there is."""

    epoch: str | None
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch or ''}:{self.seq}"


def parse(value: object, epoch: str | None = None) -> Cursor:
    """Read a cursor as a client sends it: "epoch:seq", or a bare number with `epoch` beside it.

    Raises ValueError for anything else.
    """
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    named, colon, number = text.rpartition(":")
    if not _NUMBER.fullmatch(number) or int(number) > LAST:
        raise ValueError("a cursor ends in a number")
    return Cursor(named if colon else epoch, int(number))
