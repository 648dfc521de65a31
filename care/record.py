"""One patient's record as pages show it. Each function costs one query, whatever the record's size.

Everything goes through the doors of `portal.access`; what is returned is ready to print.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import F, Model, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from care.models import (
    CarePlan,
    CarePlanActivity,
    Condition,
    Encounter,
    Goal,
    Measurement,
    Medication,
    Procedure,
    Result,
    VitalSign,
)
from care.plots.sparkline import Sparkline, sparkline_of
from care.readings import Trace, normal_in_words, normal_limits, range_in_words, traces_of
from care.recovery import Recovery, recovery_of
from care.vital_signs import Limits
from care.wording import in_plain_words, meaning_of, name_of_test
from portal.access import Reader, of_visible_patients
from portal.models import Patient

M = TypeVar("M", bound=Model)

# Enough for the shape of a sparkline; the trend page has them all.
READINGS_EACH = 24
RESULTS_EACH = 8
ENCOUNTERS = 20
# More points than a plot has room for; a page says so when it leaves older ones out.
TREND_READINGS = 500


@dataclass(frozen=True)
class Tile:
    """The latest reading of one thing, with its age, its shape and its normal range."""

    trace: Trace
    sparkline: Sparkline | None
    normal: str
    is_old: bool

    @property
    def short_name(self) -> str:
        """What a laboratory test is called in a list."""
        return name_of_test(self.trace.name)

    @property
    def meaning(self) -> str:
        """What it is, for patients."""
        return meaning_of(self.trace.code)

    @property
    def words(self) -> str:
        """Where it lies, for patients."""
        return in_plain_words(self.trace.latest)


def vital_signs(patient: Patient, reader: Reader) -> dict[str, Any]:
    """The latest of each vital sign, and the time of the last reading."""
    rows = _newest_of_each(_of(VitalSign.objects.valid(), patient, reader), READINGS_EACH)
    now = timezone.now()
    tiles = [tile_of(trace, patient, now) for trace in traces_of(rows, age_on=patient.age_on)]
    last_at = max((tile.trace.latest.at for tile in tiles), default=None)
    return {"tiles": tiles, "last_reading_at": last_at}


def laboratory(patient: Patient, reader: Reader) -> dict[str, Any]:
    """The latest of each laboratory result: numbers first, then what was reported in words."""
    results = _of(Result.objects.valid().filter(category="laboratory"), patient, reader)
    now = timezone.now()
    traces = traces_of(_newest_of_each(results, RESULTS_EACH), age_on=patient.age_on)
    # The newest report first; inside it what is out of range, then by name.
    traces.sort(key=lambda trace: (not trace.latest.flag, trace.name.casefold()))
    traces.sort(key=lambda trace: timezone.localtime(trace.latest.at).date(), reverse=True)
    tiles = [tile_of(trace, patient, now) for trace in traces]
    return {
        "results": [tile for tile in tiles if tile.trace.latest.numbers],
        "worded_results": [tile for tile in tiles if not tile.trace.latest.numbers],
    }


def conditions(patient: Patient, reader: Reader) -> dict[str, Any]:
    """Conditions, the active ones first and the newest first among them.

    An active condition that was recorded at many visits is one condition, since its first record.
    """
    rows = list(_of(Condition.objects.valid(), patient, reader).order_by(_newest("onset_on")))
    active = {_same(row): row for row in rows if row.is_active}
    return {
        "active_conditions": list(active.values()),
        "past_conditions": [row for row in rows if not row.is_active],
    }


def medications(patient: Patient, reader: Reader) -> dict[str, Any]:
    """Medicines: what is taken now, and what was. Of one ordered again the newest order counts."""
    orders = _of(Medication.objects.valid(), patient, reader).select_related("prescriber")
    current: dict[str, Medication] = {}
    past: dict[str, Medication] = {}
    for row in orders.order_by(_newest("authored_on")):
        (current if row.is_active else past).setdefault(_same(row), row)
    return {
        "current_medications": list(current.values()),
        "past_medications": [row for key, row in past.items() if key not in current],
    }


def plan(patient: Patient, reader: Reader) -> dict[str, Any]:
    """Goals, and plans with their activities (three queries)."""
    goals = _of(Goal.objects.valid(), patient, reader).order_by(
        F("due_on").asc(nulls_last=True), "created_at"
    )
    plans = list(_of(CarePlan.objects.valid(), patient, reader).order_by(_newest("starts_on")))
    activities: dict[Any, list[CarePlanActivity]] = {row.pk: [] for row in plans}
    for activity in _of(CarePlanActivity.objects.valid(), patient, reader).order_by("position"):
        activities.get(activity.plan_id, []).append(activity)
    shown = [(row, activities[row.pk]) for row in plans]
    return {
        "goals": list(goals),
        "active_plans": [each for each in shown if each[0].is_active],
        "past_plans": [each for each in shown if not each[0].is_active],
    }


def encounters(patient: Patient, reader: Reader) -> dict[str, Any]:
    """The newest encounters, and whether there are more."""
    rows = _of(Encounter.objects.valid(), patient, reader).order_by(_newest("starts_at"))
    newest = list(rows[: ENCOUNTERS + 1])
    return {"encounters": newest[:ENCOUNTERS], "has_more_encounters": len(newest) > ENCOUNTERS}


def recovery(patient: Patient, reader: Reader) -> Recovery | None:
    """What the patient is recovering from, while its days are counted."""
    return recovery_of(
        _of(Procedure.objects.done(), patient, reader),
        today=timezone.localdate(),
        zone=timezone.get_current_timezone(),
    )


def trend(
    model: type[VitalSign] | type[Result],
    patient: Patient,
    reader: Reader,
    codes: Iterable[str],
    since: datetime | None,
) -> Trace | None:
    """The readings of one thing since a time, newest first."""
    rows = _of(model.objects.valid(), patient, reader).filter(code__in=list(codes))
    if since is not None:
        rows = rows.filter(measured_at__gte=since)
    newest = rows.order_by("-measured_at")[:TREND_READINGS]
    traces = traces_of(newest, age_on=patient.age_on)
    return traces[0] if traces else None


def tile_of(trace: Trace, patient: Patient, now: datetime) -> Tile:
    """The newest reading of a trace, with its shape."""
    latest = trace.latest
    limits = normal_limits(trace.kind, patient.age) if trace.kind else []
    own = latest.row.range_low, latest.row.range_high
    if any(end is not None for end in own):
        limits, normal = [Limits(*own)], range_in_words(Limits(*own))
    else:
        normal = normal_in_words(trace.kind, patient.age) if trace.kind else ""
    points = [
        (each.at, each.numbers[0])
        for each in reversed(trace.readings)
        if each.numbers and each.is_plausible
    ]
    return Tile(
        trace=trace,
        sparkline=sparkline_of(points, limits[0] if limits else None),
        normal=normal,
        is_old=latest.is_old(now, trace.fresh_for),
    )


def _of(rows: QuerySet[M], patient: Patient, reader: Reader) -> QuerySet[M]:
    return of_visible_patients(rows, reader).filter(patient_id=patient.pk)


def _same(entry: Condition | Medication) -> str:
    """What makes two entries the same thing: the code, else the words."""
    return f"{entry.code_system}|{entry.code}" if entry.code else entry.display.casefold()


def _newest(field: str) -> Any:
    return F(field).desc(nulls_last=True)


def _newest_of_each(rows: QuerySet[Any], count: int) -> list[Measurement]:
    """The newest rows of each code, newest first."""
    numbered = rows.annotate(
        place=Window(RowNumber(), partition_by=F("code"), order_by=F("measured_at").desc())
    )
    return list(numbered.filter(place__lte=count).order_by("-measured_at"))
