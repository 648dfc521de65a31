"""The closed loop in numbers: from the result to told, seen, acknowledged, acted. Pure.

What an alert was about is not here: how fast it was answered can be told to whoever runs the
clinic, and a value or a name cannot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from statistics import median
from uuid import UUID

from alerts.models import Severity


class Stage(Enum):
    """What has to happen to an alert, in this order."""

    TOLD = "Told"
    SEEN = "Seen"
    ACKNOWLEDGED = "Acknowledged"
    ACTED = "Acted on"


class Standing(Enum):
    """How an alert stands to the target of a stage."""

    IN_TIME = "in time"
    LATE = "late"
    # It can still be in time; or it ended, by itself or as a mistake, while it could.
    OPEN = "open"
    # There is no target.
    FREE = "free"


@dataclass(frozen=True)
class Loop:
    """One alert: when each stage was first reached, and within what it should have been.

    `available_at` is when the result was there to be judged: the clock starts with it.
    """

    alert_id: UUID
    severity: Severity
    available_at: datetime
    raised_at: datetime
    closed_at: datetime | None = None
    reached: Mapping[Stage, datetime] = field(default_factory=dict)
    allowed: Mapping[Stage, timedelta] = field(default_factory=dict)
    # What may have been in the way, when it first was.
    unreached_at: datetime | None = None
    snoozed_at: datetime | None = None
    handed_on_at: datetime | None = None
    expired_at: datetime | None = None

    def took(self, stage: Stage) -> timedelta | None:
        """From the result to the stage; None while it is not reached."""
        at = self.reached.get(stage)
        return None if at is None else max(at - self.available_at, timedelta())

    def due_at(self, stage: Stage) -> datetime | None:
        """When the stage should have been reached."""
        allowed = self.allowed.get(stage)
        return None if allowed is None else self.available_at + allowed

    def standing(self, stage: Stage, now: datetime) -> Standing:
        """How it stands to the target of the stage."""
        due_at = self.due_at(stage)
        if due_at is None:
            return Standing.FREE
        at = self.reached.get(stage)
        if at is not None:
            return Standing.IN_TIME if at <= due_at else Standing.LATE
        return Standing.LATE if (self.closed_at or now) > due_at else Standing.OPEN

    def reason(self, stage: Stage) -> str:
        """Why a stage was reached late or not at all, as far as the record says."""
        due_at = self.due_at(stage)
        assert due_at is not None
        match stage:
            case Stage.TOLD:
                return self._why_told_late(due_at)
            case Stage.ACKNOWLEDGED:
                return self._why_acknowledged_late(due_at)
            case Stage.ACTED:
                return self._why_acted_late(due_at)
        return ""

    def _why_told_late(self, due_at: datetime) -> str:
        if self.raised_at > due_at:
            return "The result was judged late"
        if self._before(self.unreached_at, due_at):
            return "Nobody there to tell"
        return "Told late" if Stage.TOLD in self.reached else "Nobody was told"

    def _why_acknowledged_late(self, due_at: datetime) -> str:
        if not self._before(self.reached.get(Stage.TOLD), due_at):
            return "Told too late"
        if self._before(self.snoozed_at, due_at):
            return "Snoozed"
        if self._before(self.handed_on_at, due_at):
            return "Handed on, and not taken in time"
        if self._before(self.reached.get(Stage.SEEN), due_at):
            return "Seen, and not acknowledged in time"
        if self._before(self.unreached_at, due_at):
            return "Nobody there to tell at one of the steps"
        return "Told, and not looked at in time"

    def _why_acted_late(self, due_at: datetime) -> str:
        if not self._before(self.reached.get(Stage.ACKNOWLEDGED), due_at):
            return "Acknowledged too late"
        if self._before(self.expired_at, due_at):
            return "The acknowledgement ended without a result"
        return "Acknowledged, and nothing on record in time"

    @staticmethod
    def _before(at: datetime | None, due_at: datetime) -> bool:
        return at is not None and at <= due_at


@dataclass(frozen=True)
class Measure:
    """One stage of many alerts of one severity."""

    stage: Stage
    in_time: int
    late: int
    median: timedelta | None
    worst: timedelta | None
    # The targets in force: several, where policies differ or were changed.
    allowed: tuple[timedelta, ...]

    @property
    def measured(self) -> int:
        return self.in_time + self.late

    @property
    def share(self) -> int | None:
        """Per cent within target. 100 is said only of all of them."""
        return self.in_time * 100 // self.measured if self.measured else None


@dataclass(frozen=True)
class Level:
    """All alerts of one severity."""

    severity: Severity
    number: int
    measures: list[Measure]


@dataclass(frozen=True)
class Miss:
    """A target that an alert did not meet; `late_by` runs on while the stage is not reached."""

    loop: Loop
    stage: Stage
    late_by: timedelta
    reason: str


def levels(loops: Sequence[Loop], now: datetime) -> list[Level]:
    """Every severity, the worst first, with each stage measured."""
    found = []
    for severity in Severity:
        of_level = [loop for loop in loops if loop.severity == severity]
        measures = [measure(of_level, stage, now) for stage in Stage]
        found.append(Level(severity, len(of_level), measures))
    return found


def measure(loops: Sequence[Loop], stage: Stage, now: datetime) -> Measure:
    """One stage of some alerts."""
    standings = [loop.standing(stage, now) for loop in loops]
    times = [took for loop in loops if (took := loop.took(stage)) is not None]
    seconds = [took.total_seconds() for took in times]
    return Measure(
        stage,
        in_time=standings.count(Standing.IN_TIME),
        late=standings.count(Standing.LATE),
        median=timedelta(seconds=median(seconds)) if seconds else None,
        worst=max(times, default=None),
        allowed=tuple(sorted({loop.allowed[stage] for loop in loops if stage in loop.allowed})),
    )


def misses(loops: Sequence[Loop], now: datetime) -> list[Miss]:
    """Every target that was not met, of the newest alert first."""
    found = []
    for loop in sorted(loops, key=lambda each: each.available_at, reverse=True):
        for stage in Stage:
            if loop.standing(stage, now) is not Standing.LATE:
                continue
            due_at = loop.due_at(stage)
            assert due_at is not None
            until = loop.reached.get(stage) or loop.closed_at or now
            found.append(Miss(loop, stage, until - due_at, loop.reason(stage)))
    return found
