"""An alert as a page shows it: what, how bad, who was told, who has it, what comes next.

Read for many alerts at once: so many queries, whether it is one card or a hundred.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from alerts.errors import PolicyUnusable
from alerts.escalation import Target, Told
from alerts.models import (
    Alert,
    AlertRecord,
    AlertStep,
    Outcome,
    Phase,
    Rota,
    RuleKind,
    Severity,
    StepKind,
)
from alerts.progress import plan_for
from alerts.worklist import Band, band
from care.units import figure, written
from portal.models import User

ROLES = {"nurse": "every nurse", "clinician": "every clinician", "admin": "every administrator"}


@dataclass(frozen=True)
class Hearing:
    """Somebody who was told, when last, and whether they have seen it."""

    name: str
    at: datetime
    is_seen: bool


@dataclass(frozen=True)
class Upcoming:
    """What comes next if nobody does anything."""

    kind: StepKind
    due_at: datetime
    who: str = ""


@dataclass(frozen=True)
class Card:
    """One alert, in the fixed order of its card."""

    alert: Alert
    band: Band
    told: list[Hearing] = field(default_factory=list)
    next: Upcoming | None = None
    taken: AlertRecord | None = None

    @property
    def is_critical(self) -> bool:
        return self.alert.severity == Severity.CRITICAL

    @property
    def waits(self) -> bool:
        """Nobody has it."""
        return self.alert.phase == Phase.OPEN

    @property
    def marks(self) -> str:
        """The mark of its severity."""
        return Severity(self.alert.severity).marks.split()[0]

    @property
    def value(self) -> str:
        """The worst value with its unit, without what was measured."""
        return _value(self.alert, self.alert.worst_value)

    @property
    def last_value(self) -> str:
        """The last value, where it is another than the worst."""
        alert = self.alert
        return "" if alert.last_value == alert.worst_value else _value(alert, alert.last_value)

    @property
    def limit(self) -> str:
        """The limit that was met, without its unit."""
        return _limit(self.alert)

    @property
    def what(self) -> str:
        """What was measured, and its value: “Potassium 6.4 mmol/L”."""
        return finding(self.alert)

    @property
    def flag(self) -> str:
        """As `parts/value.html` names it."""
        if self.alert.direction not in ("low", "high"):
            return ""
        critically = "critically-" if self.is_critical else ""
        return f"{critically}{self.alert.direction}"

    @property
    def outcome(self) -> str:
        """How it ended, in words."""
        return Outcome(self.alert.outcome).label if self.alert.outcome else ""

    @property
    def summary(self) -> str:
        """The card as one line, for whoever hears it."""
        alert, patient = self.alert, self.alert.patient
        limit = f" (limit {self.limit})" if self.limit else ""
        return (
            f"{alert.get_severity_display()}: {self.what}{limit}, {patient.name}, {patient.age},"
            f" MRN {patient.mrn}, born {patient.birth_on:%Y-%m-%d}"
        )


def finding(alert: Alert) -> str:
    """What an alert is about, with its worst value."""
    match alert.rule_version.kind:
        case RuleKind.SILENCE:
            return f"{alert.what}: no reading for {_number(alert.limit)} hours"
        case RuleKind.CHANGE:
            change = "fallen" if alert.condition.endswith(":falling") else "risen"
            return f"{alert.what} {change} by {_value(alert, alert.worst_value)}"
    if alert.condition.endswith(":flagged"):
        return f"{alert.what}, called critical by the laboratory"
    value = _value(alert, alert.worst_value)
    return f"{alert.what} {value}" if value else alert.what


def card_of(alert: Alert, now: datetime) -> Card:
    """The card of one alert."""
    (card,) = cards_of([alert], now)
    return card


def cards_of(alerts: Sequence[Alert], now: datetime) -> list[Card]:
    """Cards of alerts, in their order; patient, owner, policy and rule have been fetched."""
    ids = [alert.pk for alert in alerts]
    upcoming = next_of(alerts)
    records: dict[UUID, list[AlertRecord]] = defaultdict(list)
    kinds = (AlertRecord.Kind.TOLD, AlertRecord.Kind.SEEN, AlertRecord.Kind.ACKNOWLEDGED)
    for record in (
        AlertRecord.objects.filter(alert__in=ids, kind__in=kinds)
        .select_related("user")
        .order_by("at", "pk")
    ):
        records[record.alert_id].append(record)
    return [
        Card(
            alert,
            band(alert, now),
            told=_told(records[alert.pk]),
            next=upcoming.get(alert.pk),
            taken=_taken(alert, records[alert.pk]),
        )
        for alert in alerts
    ]


def next_of(alerts: Iterable[Alert]) -> dict[UUID, Upcoming]:
    """What comes next for each of the alerts."""
    by_id = {alert.pk: alert for alert in alerts}
    steps = list(AlertStep.objects.filter(alert__in=list(by_id), done_at=None, cancelled_at=None))
    targets = {step.pk: _target(by_id[step.alert_id], step) for step in steps}
    names = _names(targets.values())
    return {
        step.alert_id: Upcoming(StepKind(step.kind), step.due_at, _who(targets[step.pk], names))
        for step in steps
    }


def _told(records: list[AlertRecord]) -> list[Hearing]:
    seen = {record.user_id for record in records if record.kind == AlertRecord.Kind.SEEN}
    last = {
        record.user_id: record
        for record in records
        if record.kind == AlertRecord.Kind.TOLD and record.user is not None
    }
    return [
        Hearing(str(record.user), record.at, user_id in seen)
        for user_id, record in sorted(last.items(), key=lambda each: each[1].at)
    ]


def _taken(alert: Alert, records: list[AlertRecord]) -> AlertRecord | None:
    if alert.phase != Phase.ACKNOWLEDGED:
        return None
    by_owner = [
        record
        for record in records
        if record.kind == AlertRecord.Kind.ACKNOWLEDGED and record.user_id == alert.owner_id
    ]
    return by_owner[-1] if by_owner else None


def _target(alert: Alert, step: AlertStep) -> Target | None:
    if step.kind != StepKind.TELL:
        return None
    try:
        return plan_for(alert.policy_version).target(step.position)
    except PolicyUnusable:
        # A policy that cannot be read must not keep anybody from the alert itself.
        return None


def _names(targets: Iterable[Target | None]) -> dict[str, str]:
    """The names of rotas and people whom the targets mean."""
    wanted: dict[Told, set[str]] = defaultdict(set)
    for target in targets:
        if target is not None:
            wanted[target.kind].add(target.who)
    names: dict[str, str] = {}
    if rotas := wanted[Told.ON_CALL]:
        for pk, name in Rota.objects.filter(pk__in=rotas).values_list("pk", "name"):
            names[str(pk)] = f"on call ({name})"
    if people := wanted[Told.PERSON]:
        for pk, name in User.objects.filter(pk__in=people).values_list("pk", "name"):
            names[str(pk)] = name
    return names


def _who(target: Target | None, names: dict[str, str]) -> str:
    match target:
        case None:
            return ""
        case Target(kind=Told.CARE_TEAM):
            return "the care team"
        case Target(kind=Told.ROLE, who=role):
            return ROLES.get(role, role)
        case Target(kind=Told.ON_CALL, who=rota):
            return names.get(rota, "whoever is on call")
        case Target(who=person):
            return names.get(person, "one person")


def _value(alert: Alert, value: Decimal | None) -> str:
    return "" if value is None else f"{_number(value)} {written(alert.unit)}".strip()


def _limit(alert: Alert) -> str:
    if alert.limit is None or alert.rule_version.kind == RuleKind.SILENCE:
        return ""
    # As many places as the value beside it: "6.4 (limit 6.0)".
    shown = "" if alert.worst_value is None else _number(alert.worst_value)
    places = len(shown.partition(".")[2])
    return max(_number(alert.limit), figure(alert.limit, places), key=len)


def _number(value: Decimal | None) -> str:
    return "" if value is None else figure(value)
