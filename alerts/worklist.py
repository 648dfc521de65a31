"""Who needs me now: the order of the worklist, and which alerts are on it.

Order (clinical.md 3): critical alerts that nobody has, then what is overdue, then what is urgent or
in somebody's hands, then the rest; the oldest first inside each.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from alerts.models import Alert, AlertRecord, Phase, Severity
from alerts.models.alert import AlertQuerySet
from portal import access
from portal.access import Reader

# What ended is looked up for a day; later it is in the patient's chart.
CLOSED_FOR = timedelta(hours=24)
# More than anybody can read; the page says how many there are.
SHOWN_AT_MOST = 200


class Band(IntEnum):
    """The parts of the worklist, from the top."""

    CRITICAL = 0
    OVERDUE = 1
    URGENT = 2
    ROUTINE = 3

    @property
    def title(self) -> str:
        """The part's heading."""
        return (
            "Critical, nobody has it",
            "Overdue",
            "Urgent and in hand",
            "Notices and snoozed",
        )[self]


@dataclass(frozen=True)
class Listed:
    """The worklist at one instant: what is shown, and how much waits to be shown."""

    alerts: list[Alert]
    arriving: int = 0
    left_out: int = 0


def band_of(
    severity: Severity, phase: Phase, answer_due_at: datetime | None, now: datetime
) -> Band:
    """Where an alert stands; `answer_due_at` is when somebody should have taken it."""
    if severity == Severity.CRITICAL and phase == Phase.OPEN:
        return Band.CRITICAL
    waits = phase == Phase.OPEN and severity != Severity.NOTICE
    if waits and answer_due_at is not None and now > answer_due_at:
        return Band.OVERDUE
    if severity == Severity.NOTICE or phase == Phase.SNOOZED:
        return Band.ROUTINE
    return Band.URGENT


def band(alert: Alert, now: datetime) -> Band:
    """Where an alert stands by the policy that it began under."""
    patience = timedelta(minutes=alert.policy_version.acknowledged_within)
    return band_of(Severity(alert.severity), Phase(alert.phase), alert.available_at + patience, now)


def in_order(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """Alerts in the order of the worklist."""
    return sorted(alerts, key=lambda alert: (band(alert, now), alert.raised_at, alert.pk))


def ongoing(
    reader: Reader, now: datetime, *, since: datetime | None = None, current: UUID | None = None
) -> Listed:
    """The reader's alerts that are not closed.

    What was raised after `since` waits to be asked for, so that no row moves under the hand; unless
    it is critical, or is the one the reader looks at.
    """
    found = in_order(_of(reader).ongoing(), now)
    shown = [
        alert
        for alert in found
        if since is None
        or alert.raised_at <= since
        or alert.severity == Severity.CRITICAL
        or alert.pk == current
    ]
    return Listed(
        shown[:SHOWN_AT_MOST],
        arriving=len(found) - len(shown),
        left_out=max(0, len(shown) - SHOWN_AT_MOST),
    )


def closed_lately(reader: Reader, now: datetime) -> Listed:
    """What ended in the last day, the last first."""
    found = _of(reader).filter(phase=Phase.CLOSED, closed_at__gt=now - CLOSED_FOR)
    return Listed(
        list(found.order_by("-closed_at")[:SHOWN_AT_MOST]),
        left_out=max(0, found.count() - SHOWN_AT_MOST),
    )


def of_patient(reader: Reader, patient_id: UUID, now: datetime, *, closed: int) -> Listed:
    """One patient's alerts: those that are not closed, then the last `closed` that are."""
    alerts = _of(reader).filter(patient_id=patient_id)
    ended = list(alerts.filter(phase=Phase.CLOSED).order_by("-closed_at")[: closed + 1])
    return Listed([*in_order(alerts.ongoing(), now), *ended[:closed]], left_out=len(ended[closed:]))


def waiting(reader: Reader) -> QuerySet[Alert]:
    """Critical and urgent alerts that nobody has taken, with what the bar asks of each.

    `is_seen`: the reader has had it before their eyes. `was_handed_on`: the reader gave it to
    somebody, and has not been told again since.
    """
    mine = AlertRecord.objects.filter(user_id=reader.user_id)
    told_since = mine.filter(
        alert=OuterRef("alert_id"), kind=AlertRecord.Kind.TOLD, at__gt=OuterRef("at")
    )
    handed_on = mine.filter(alert=OuterRef("pk"), kind=AlertRecord.Kind.HANDED_OVER)
    return (
        _of(reader)
        .waiting()
        .exclude(severity=Severity.NOTICE)
        .annotate(
            is_seen=Exists(mine.filter(alert=OuterRef("pk"), kind=AlertRecord.Kind.SEEN)),
            was_handed_on=Exists(handed_on.filter(~Exists(told_since))),
        )
    )


def _of(reader: Reader) -> AlertQuerySet:
    alerts = access.of_watched_patients(Alert.objects.all(), reader)
    return alerts.select_related("patient", "owner", "policy_version", "rule_version")
