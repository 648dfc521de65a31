"""When NEWS2 is scored, of whom, and from which readings.

The values of one round arrive apart, in any order, late or corrected. A score therefore belongs to
an instant: it takes the newest reading of each parameter in the 30 minutes before. Readings that
follow one another make one set, which is one row that grows; a parameter that is measured again
begins the next. Which readings are taken, and what they say, is in `care.early_warning_state`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from care import news2
from care.early_warning_state import WINDOW, State, readings_between, state_at, states_at
from care.models import Condition, EarlyWarningScore, OxygenTarget, Status, VitalSign
from care.news2 import Inputs, Parameter, Scale
from portal.models import Patient

# SNOMED CT: pregnant; normal, high-risk, multiple pregnancy. The chart is not for them.
PREGNANCY = ("77386006", "72892002", "47200007", "16356006")


@transaction.atomic
def rescore(patient: Patient, at: datetime) -> EarlyWarningScore | None:
    """Bring the scores that a reading of `at` may have changed up to date: entered, corrected or
    withdrawn, whichever it was.

    Returns the score that holds the reading, or the next one after it; None when there is nothing
    to score, or nobody (`is_scored`). Doing it twice changes nothing. Runs as the system: nobody
    enters a score. Other rows may change too, up to 30 minutes later.
    """
    if not is_scored(patient, at):
        return None
    _one_at_a_time(patient)
    row, dropped = _rescored(patient, at, may_grow=True)
    # A value that arrives late can take the place of an earlier one, which then has no score. It
    # may have been the worst of all: it gets one of its own.
    seen = {at}
    while lost := _lost(patient, dropped, seen):
        seen.add(lost)
        dropped |= _rescored(patient, lost, may_grow=False)[1]
    return row


def _rescored(
    patient: Patient, at: datetime, *, may_grow: bool
) -> tuple[EarlyWarningScore | None, set[UUID]]:
    """The score that holds the readings of `at`, and the readings that scores have let go of."""
    readings = readings_between(patient, at - WINDOW, at + WINDOW)
    state = state_at(readings, at)
    new = {each.reading_id for each in state.values() if each.at == at}
    rows = _rows(patient, at, {row.pk for row in readings if row.measured_at == at})
    scales = _scales_of(patient)
    dropped: set[UUID] = set()
    known = [row.scored_at for row in rows if at <= row.scored_at <= at + WINDOW]
    states = states_at(readings, known)
    for row in rows:
        is_known = at <= row.scored_at <= at + WINDOW
        said = next(states) if is_known else _state_of(patient, row.scored_at)
        dropped |= _write(row, said, scales(row.scored_at))
    after = [row for row in rows if row.scored_at >= at]
    holding = [row for row in after if new & set(row.reading_ids)]
    if new and new <= {each for row in holding for each in row.reading_ids}:
        _begin_no_later(holding[0], at, new)
        return holding[0], dropped
    if not new:
        return next(iter(after), None), dropped
    growing = _growing(patient, at, state) if may_grow else None
    row = growing or EarlyWarningScore(
        organization_id=patient.organization_id, patient=patient, begins_at=at
    )
    row.scored_at = at
    return row, dropped | _write(row, state, scales(at), is_moved=True)


def _lost(patient: Patient, dropped: set[UUID], seen: set[datetime]) -> datetime | None:
    """When a reading was measured that counts, and that no score holds any more."""
    for reading in VitalSign.objects.used().filter(pk__in=dropped).order_by("measured_at"):
        scores = EarlyWarningScore.objects.valid().filter(patient=patient)
        is_held = scores.filter(reading_ids__contains=[reading.pk]).exists()
        if not is_held and reading.measured_at not in seen:
            return reading.measured_at
    return None


def is_scored(patient: Patient, at: datetime) -> bool:
    """Whether NEWS2 is for this patient: 16 and over that day, and not pregnant."""
    day = at.astimezone(patient.organization.zone).date()
    if patient.age_on(day) < news2.YOUNGEST:
        return False
    pregnancies = Condition.objects.valid().filter(patient=patient, code__in=PREGNANCY)
    return not any(each.is_active for each in pregnancies)


def score_of(state: State, scale: Scale) -> news2.Score:
    """The score of a state."""
    values: dict[str, Any] = {
        "on_oxygen" if parameter == Parameter.OXYGEN else parameter.value: each.value
        for parameter, each in state.items()
    }
    return news2.score(Inputs(**values), scale)


def scale_at(patient: Patient, at: datetime) -> Scale:
    """Scale 2 where a clinician had prescribed it then, else scale 1."""
    is_prescribed = OxygenTarget.objects.in_force(at).filter(patient=patient).exists()
    return Scale.TWO if is_prescribed else Scale.ONE


def _scales_of(patient: Patient) -> Callable[[datetime], Scale]:
    """`scale_at` of a patient; most never had a target, and need not be asked for each instant."""
    if OxygenTarget.objects.filter(patient=patient).exists():
        return partial(scale_at, patient)
    return lambda at: Scale.ONE


def _state_of(patient: Patient, at: datetime) -> State:
    return state_at(readings_between(patient, at - WINDOW, at), at)


def _rows(patient: Patient, at: datetime, readings: set[UUID]) -> list[EarlyWarningScore]:
    """Scores whose 30 minutes hold `at`, or that rest on these readings: a corrected time moves a
    reading from one set to another."""
    touched = Q(scored_at__gte=at, scored_at__lte=at + WINDOW)
    if readings:
        touched |= Q(reading_ids__overlap=list(readings))
    rows = EarlyWarningScore.objects.filter(patient=patient).filter(touched)
    return list(rows.order_by("scored_at"))


def _growing(patient: Patient, at: datetime, state: State) -> EarlyWarningScore | None:
    """The score before `at` whose set goes on: of what it measured itself nothing was measured
    again, and it is not older than 30 minutes."""
    before = (
        EarlyWarningScore.objects.valid()
        .filter(patient=patient, scored_at__lt=at, scored_at__gte=at - WINDOW)
        .order_by("-scored_at")
        .first()
    )
    if before is None or at - before.begins_at > WINDOW:
        return None
    for name, kept in before.inputs.items():
        is_own = datetime.fromisoformat(kept["at"]) >= before.begins_at
        now = state.get(Parameter(name))
        if is_own and (now is None or str(now.reading_id) != kept["reading_id"]):
            return None
    return before


def _begin_no_later(row: EarlyWarningScore, at: datetime, readings: set[UUID]) -> None:
    """A reading that arrived late, and that no other score has, was part of this set."""
    others = (
        EarlyWarningScore.objects.valid()
        .filter(patient_id=row.patient_id, reading_ids__overlap=list(readings))
        .exclude(pk=row.pk)
    )
    if at < row.begins_at and not others.exists():
        row.begins_at = at
        row.save(update_fields=["begins_at", "updated_at"])


def _write(
    row: EarlyWarningScore, state: State, scale: Scale, *, is_moved: bool = False
) -> set[UUID]:
    """Score a row anew; one that says what it said is left alone, so that nothing is published.

    The row is as it is stored, but for its instant when `is_moved`. Returns the readings that it
    held and holds no longer.
    """
    scored = score_of(state, scale)
    inputs = {parameter.value: each.as_json() for parameter, each in state.items()}
    said = {
        "scale": scored.scale.value,
        "inputs": inputs,
        "reading_ids": sorted({each.reading_id for each in state.values()}),
        "parts": {parameter.value: points for parameter, points in scored.parts.items()},
        "missing": [parameter.value for parameter in scored.missing],
        "total": scored.total,
        "at_least": scored.at_least,
        "has_three": scored.has_three,
        "band": scored.band or "",
        "status": _status(row, state, inputs),
    }
    held = set(row.reading_ids)
    if is_moved or any(getattr(row, name) != value for name, value in said.items()):
        for name, value in said.items():
            setattr(row, name, value)
        row.save(force_insert=row._state.adding)
    return held - set(row.reading_ids)


def _status(row: EarlyWarningScore, state: State, inputs: Mapping[str, Any]) -> str:
    """Whether the score still rests on a reading of its own, and still says what it said."""
    if not any(each.at >= row.begins_at for each in state.values()):
        return Status.ENTERED_IN_ERROR
    is_corrected = any(
        name not in inputs or _is_other_value(kept, inputs[name])
        for name, kept in row.inputs.items()
    )
    if is_corrected or row.status == Status.ENTERED_IN_ERROR:
        return Status.CORRECTED
    return row.status


def _is_other_value(kept: Mapping[str, str], now: Mapping[str, str]) -> bool:
    return kept["reading_id"] == now["reading_id"] and kept["value"] != now["value"]


def _one_at_a_time(patient: Patient) -> None:
    """Two readings of one patient are often judged by two workers in the same second."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"care.early_warning:{patient.pk}"],
        )
