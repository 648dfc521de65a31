"""The closed-loop report: which alerts it is about, and what is drawn and written of them.

A nurse or clinician reads it of the patients over whom they watch. An administrator reads it of the
whole clinic: in numbers, because an administrator reads no record.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from statistics import median
from typing import Any
from uuid import UUID

from django.db.models import Min, Q, QuerySet
from django.utils import timezone

from alerts.closed_loop import Loop, Stage, Standing
from alerts.models import Alert, AlertRecord, Outcome, Severity
from care.plots.overlay import Band, Ring
from care.plots.trend import Plot, Point, Series, plot_of
from care.vital_signs import Limits
from portal import access, tenancy
from portal.access import Reader

Kind = AlertRecord.Kind
# More alerts than any clinic has in a quarter; beyond them the newest count.
MOST = 20_000
# The records that say how far an alert has come.
TOLD_OF = (
    *(Kind.TOLD, Kind.SEEN, Kind.ACKNOWLEDGED, Kind.ACTED, Kind.CLOSED),
    *(Kind.UNREACHED, Kind.SNOOZED, Kind.HANDED_OVER, Kind.EXPIRED),
)
DRAWN = (Severity.CRITICAL, Severity.URGENT)
NOON = time(12)


def loops_of(reader: Reader, since: datetime) -> list[Loop]:
    """The alerts since an instant of which the reader may know how they were answered.

    One that rested on a wrong value is left out: nobody owed it an answer.
    """
    if reader.is_admin:
        with tenancy.acting_for(reader.organization_id, reader.user_id, system=True):
            return _read(
                access.of_organization(Alert.objects.all(), reader),
                access.of_organization(AlertRecord.objects.all(), reader),
                since,
            )
    return _read(
        access.of_watched_patients(Alert.objects.all(), reader),
        access.of_watched_patients(AlertRecord.objects.all(), reader),
        since,
    )


def _read(alerts: QuerySet[Alert], records: QuerySet[AlertRecord], since: datetime) -> list[Loop]:
    alerts = alerts.filter(available_at__gte=since).exclude(outcome=Outcome.WRONG_VALUE)
    reached = _reached(records, alerts, since)
    newest = alerts.select_related("policy_version").order_by("-available_at")[:MOST]
    return [_loop(alert, reached.get(alert.pk, {})) for alert in newest]


def _reached(
    records: QuerySet[AlertRecord], alerts: QuerySet[Alert], since: datetime
) -> dict[UUID, Mapping[str, Any]]:
    """By alert: when it first came to each thing that the report tells of.

    Nothing is done about an alert before it is there, which is what spares reading older records.
    """

    def first(*kinds: Kind, by_person: bool = False) -> Min:
        wanted = Q(kind__in=kinds)
        if by_person:
            wanted &= Q(user__isnull=False)
        return Min("at", filter=wanted)

    rows = (
        records.filter(kind__in=TOLD_OF, at__gte=since, alert__in=alerts.order_by())
        .order_by()
        .values("alert_id")
        .annotate(
            told_at=first(Kind.TOLD),
            # Whoever takes it, or ends it, has seen it; whoever ends it has taken it and acted.
            seen_at=first(Kind.SEEN, Kind.ACKNOWLEDGED),
            taken_at=first(Kind.ACKNOWLEDGED),
            acted_at=first(Kind.ACTED),
            ended_at=first(Kind.CLOSED, by_person=True),
            unreached_at=first(Kind.UNREACHED),
            snoozed_at=first(Kind.SNOOZED),
            handed_on_at=first(Kind.HANDED_OVER),
            expired_at=first(Kind.EXPIRED),
        )
    )
    return {row["alert_id"]: row for row in rows}


def _loop(alert: Alert, at: Mapping[str, datetime | None]) -> Loop:
    ended_at = at.get("ended_at")
    reached = {
        Stage.TOLD: at.get("told_at"),
        Stage.SEEN: _first(at.get("seen_at"), ended_at),
        Stage.ACKNOWLEDGED: _first(at.get("taken_at"), ended_at),
        Stage.ACTED: _first(at.get("acted_at"), ended_at),
    }
    policy = alert.policy_version
    allowed = {Stage.TOLD: timedelta(minutes=policy.told_within)}
    if alert.severity != Severity.NOTICE:
        # Nobody is waited for to take a notice.
        allowed[Stage.ACKNOWLEDGED] = timedelta(minutes=policy.acknowledged_within)
        allowed[Stage.ACTED] = timedelta(minutes=policy.acted_within)
    return Loop(
        alert.pk,
        Severity(alert.severity),
        alert.available_at,
        alert.raised_at,
        closed_at=alert.closed_at,
        reached={stage: when for stage, when in reached.items() if when is not None},
        allowed=allowed,
        unreached_at=at.get("unreached_at"),
        snoozed_at=at.get("snoozed_at"),
        handed_on_at=at.get("handed_on_at"),
        expired_at=at.get("expired_at"),
    )


def _first(*instants: datetime | None) -> datetime | None:
    return min((at for at in instants if at is not None), default=None)


# By day ------------------------------------------------------------------------------------------


def by_day(
    loops: Iterable[Loop], zone: tzinfo
) -> list[tuple[date, dict[Severity, tuple[float, int]]]]:
    """For each day: the median minutes from result to acknowledgement, and of how many alerts."""
    minutes: dict[date, dict[Severity, list[float]]] = defaultdict(lambda: defaultdict(list))
    for loop in loops:
        took = loop.took(Stage.ACKNOWLEDGED)
        if took is not None and loop.severity in DRAWN:
            day = loop.available_at.astimezone(zone).date()
            minutes[day][loop.severity].append(took / timedelta(minutes=1))
    return [
        (day, {level: (median(times), len(times)) for level, times in of_day.items()})
        for day, of_day in sorted(minutes.items())
    ]


def plot_by_day(loops: Sequence[Loop], zone: tzinfo) -> Plot | None:
    """The same, drawn, with the target of critical alerts as the range in which all is well."""
    days = by_day(loops, zone)
    series = [
        Series(
            str(level.label).capitalize(),
            [
                Point(
                    datetime.combine(day, NOON, zone),
                    Decimal(str(round(of_day[level][0], 1))),
                    f"{level.label.capitalize()}, {day:%-d %b}: {of_day[level][0]:.1f} minutes, "
                    f"{of_day[level][1]} acknowledged",
                )
                for day, of_day in days
                if level in of_day
            ],
        )
        for level in DRAWN
    ]
    targets = {
        loop.allowed[Stage.ACKNOWLEDGED] for loop in loops if loop.severity == Severity.CRITICAL
    }
    bands = []
    if len(targets) == 1:
        within = Decimal(targets.pop() / timedelta(minutes=1))
        bands = [Band("", Limits(Decimal(0), within), Ring.NORMAL)]
    summary = "Minutes from the result to the acknowledgement, the median of each day"
    return plot_of(series, bands=bands, zone=zone, summary=summary)


# As rows -----------------------------------------------------------------------------------------

COLUMNS = (
    *("alert", "severity", "result at", "raised at"),
    *(f"{stage.value.lower()} at" for stage in Stage),
    *(f"{stage.value.lower()} after (min)" for stage in Stage),
    *(f"{stage.value.lower()} in time" for stage in Stage if stage is not Stage.SEEN),
    *("closed at", "reasons"),
)


def as_rows(loops: Iterable[Loop], now: datetime) -> Iterator[list[str]]:
    """A row for each alert under `COLUMNS`, in the time of the clinic: no name, and no value."""
    words = {Standing.IN_TIME: "yes", Standing.LATE: "no"}
    for loop in loops:
        standings = {stage: loop.standing(stage, now) for stage in Stage}
        late = [stage for stage in Stage if standings[stage] is Standing.LATE]
        yield [
            *(str(loop.alert_id), loop.severity.value),
            *(_at(loop.available_at), _at(loop.raised_at)),
            *(_at(loop.reached.get(stage)) for stage in Stage),
            *(_minutes(loop.took(stage)) for stage in Stage),
            *(words.get(standings[stage], "") for stage in Stage if stage is not Stage.SEEN),
            _at(loop.closed_at),
            "; ".join(f"{stage.value}: {loop.reason(stage)}" for stage in late),
        ]


def _at(instant: datetime | None) -> str:
    return timezone.localtime(instant).isoformat(timespec="seconds") if instant else ""


def _minutes(took: timedelta | None) -> str:
    return "" if took is None else f"{took / timedelta(minutes=1):.1f}"
