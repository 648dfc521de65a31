"""What happened to an alert, as sentences: the closed loop for people to read."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from alerts.models import Alert, AlertRecord, Outcome
from care.units import figure, written

Kind = AlertRecord.Kind


@dataclass(frozen=True)
class Event:
    """One line of the history; `mark` is what the timeline shows beside it."""

    at: datetime
    words: str
    note: str = ""
    until: datetime | None = None
    mark: str = ""


def history_of(alert: Alert) -> list[Event]:
    """Every event of an alert, oldest first; people told at one instant share a line."""
    records = AlertRecord.objects.filter(alert=alert).select_related("user", "to")
    events = []
    for (at, kind), group in groupby(
        records.order_by("at", "pk"), key=lambda record: (record.at, record.kind)
    ):
        same = list(group)
        if kind == Kind.TOLD:
            names = ", ".join(sorted(str(record.user) for record in same))
            events.append(Event(at, f"Told {names}"))
        else:
            events += [_event(alert, record) for record in same]
    return events


def _event(alert: Alert, record: AlertRecord) -> Event:
    by = f" by {record.user}" if record.user_id else ""
    value = _value(alert, record.value)
    # What the system says of itself (whom it could not reach) reads as part of the sentence.
    words, note, mark = {
        Kind.RAISED: (f"Raised{value}", record.note, "critical"),
        Kind.REPEATED: (f"Another value{value}", record.note, ""),
        Kind.WORSENED: (f"A worse value{value}", record.note, "critical"),
        Kind.UNREACHED: (f"Nobody there to tell: {record.note or 'an empty target'}", "", ""),
        Kind.SEEN: (f"Seen{by}", record.note, ""),
        Kind.ACKNOWLEDGED: (f"Acknowledged{by}", record.note, "done"),
        Kind.ACTED: (f"Acted on{by}", record.note, "done"),
        Kind.HANDED_OVER: (f"Handed to {record.to}{by}", record.note, ""),
        Kind.ESCALATED: (f"Escalated{by}", record.note, ""),
        Kind.SNOOZED: (f"Snoozed{by}", record.note, ""),
        Kind.WOKEN: ("Woken: nobody has it", record.note, "critical"),
        Kind.EXPIRED: ("The acknowledgement ended without a result", record.note, "critical"),
        Kind.CORRECTED: ("A value was taken back", record.note, ""),
        Kind.IN_RANGE: (f"Back in range{value}", record.note, ""),
        Kind.CLOSED: (f"Closed{by}: {_outcome(alert)}", record.note, "done"),
    }.get(Kind(record.kind), (record.get_kind_display(), record.note, ""))
    return Event(record.at, words, note, record.until, mark)


def _value(alert: Alert, value: Decimal | None) -> str:
    return "" if value is None else f": {figure(value)} {written(alert.unit)}".rstrip()


def _outcome(alert: Alert) -> str:
    return Outcome(alert.outcome).label.lower() if alert.outcome else "ended"
