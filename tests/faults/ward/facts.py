"""What the database and the staff say of the critical alerts of a run: plain facts.

Times are seconds of the database's clock. Nothing here is the engine's: kinds are the words that
stand in the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A critical result that is in the record since `came`: somebody has to hear of it."""

    id: str
    patient: str
    came: float


@dataclass(frozen=True)
class Alert:
    """A row of the table of alerts, as it stood at the end."""

    id: str
    patient: str
    phase: str
    owner: str | None = None


@dataclass(frozen=True)
class Event:
    """A row of an alert's history."""

    alert: str
    kind: str
    at: float
    user: str | None = None
    step: str | None = None
    until: float | None = None


@dataclass(frozen=True)
class Pressed:
    """Somebody was told that what they did (seen, acknowledged) was done."""

    user: str
    alert: str
    kind: str


@dataclass(frozen=True)
class Promise:
    """After the wait for each telling it has to come, or an answer before it, within `late`.

    `waits` are counted from the telling before, the first from when the finding came.
    """

    waits: tuple[float, ...]
    late: float


@dataclass(frozen=True)
class Ward:
    """Everything that is known of a run; `ended` is when the database was looked at."""

    findings: Sequence[Finding]
    alerts: Sequence[Alert]
    events: Sequence[Event]
    pressed: Sequence[Pressed]
    ended: float
