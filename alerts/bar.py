"""The alert bar: what lies across every staff page until somebody has it.

Two queries on every page while nothing waits; two or three more while something does.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from alerts.cards import Card, next_of
from alerts.models import Alert, AuditorAlarm, Severity
from alerts.worklist import band, in_order, waiting
from portal.access import Reader, of_organization

# So many are read out and counted by name; the rest is a number.
NAMED_AT_MOST = 10


@dataclass(frozen=True)
class Bar:
    """What waits for the reader now."""

    now: datetime
    first: Card | None = None
    others: list[Card] = field(default_factory=list)
    urgent: list[Card] = field(default_factory=list)
    waiting: int = 0
    unseen: list[UUID] = field(default_factory=list)
    # Since when alerts may come late or not at all: without them a page looks calm.
    failing: AuditorAlarm | None = None


def bar_for(reader: Reader, now: datetime) -> Bar:
    """The bar of somebody who answers alerts."""
    alerts = in_order(waiting(reader), now)
    critical = [
        alert
        for alert in alerts
        if alert.severity == Severity.CRITICAL and not _was_handed_on(alert)
    ]
    upcoming = next_of(critical) if critical else {}
    cards = [Card(alert, band(alert, now), next=upcoming.get(alert.pk)) for alert in critical]
    return Bar(
        now,
        first=cards[0] if cards else None,
        others=cards[1:],
        urgent=[
            Card(alert, band(alert, now)) for alert in alerts if alert.severity == Severity.URGENT
        ][:NAMED_AT_MOST],
        waiting=len(alerts),
        # Only what stands in the bar with its name has been before somebody's eyes.
        unseen=[alert.pk for alert in critical[:1] if not alert.is_seen],  # type: ignore[attr-defined]
        failing=of_organization(AuditorAlarm.objects.filter(ended_at=None), reader)
        .order_by("found_at")
        .first(),
    )


def _was_handed_on(alert: Alert) -> bool:
    return bool(alert.was_handed_on)  # type: ignore[attr-defined]
