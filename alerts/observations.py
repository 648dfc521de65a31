"""Reading what is to be judged: rows of `care` become observations."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from alerts.judging import Bound, Earlier, Observation, Person, Value
from care.analytes import analyte_of
from care.errors import UnitRefused
from care.models import (
    CarePlan,
    EarlyWarningScore,
    QuestionnaireResponse,
    Result,
    Status,
    VitalSign,
)
from care.models.measurement import Measurement
from care.numerals import numeral_of
from care.units import converted
from portal.models import Patient

# A preliminary result that is critical is told at once: the laboratory would telephone.
JUDGED = (Status.PRELIMINARY, Status.FINAL, Status.AMENDED, Status.CORRECTED, Status.UNKNOWN)


def observation_of(source_table: str, source_id: UUID) -> Observation | None:
    """The observation of a row, or None when it is gone, withdrawn, not final or implausible."""
    return _READERS[source_table](source_id)


def person_of(patient: Patient, at: datetime) -> Person:
    """What rules may ask about a patient at a time."""
    programmes = CarePlan.objects.filter(patient=patient, status=CarePlan.Status.ACTIVE)
    return Person(
        patient.age_on(at.date()), frozenset(programmes.values_list("display", flat=True))
    )


def earlier_than(patient: Patient, at: datetime) -> Earlier:
    """Values of a patient before a time, for rules about change."""

    def earlier(codes: frozenset[str], since: datetime) -> list[Decimal]:
        found: list[Decimal] = []
        for model in (VitalSign, Result):
            rows = model.objects.filter(
                patient=patient,
                code__in=codes,
                status__in=JUDGED,
                is_implausible=False,
                measured_at__gte=since,
                measured_at__lt=at,
            )
            found += [number for row in rows for number in _own_numbers(row)]
        return found

    return earlier


def _own_numbers(row: Measurement) -> list[Decimal]:
    """The row's value in its analyte's own unit; nothing when it cannot be compared."""
    number, analyte = row.known_value, analyte_of(row.code)
    if number is None:
        return []
    if analyte is None:
        return [number]
    try:
        return [converted(number, row.unit, analyte)]
    except UnitRefused:
        return []


def _measurement(row: Measurement | None, table: str) -> Observation | None:
    if row is None or row.status not in JUDGED or row.is_implausible:
        return None
    values = [
        _value(
            part["code"],
            None if part.get("value") is None else Decimal(part["value"]),
            part.get("unit") or row.unit,
            part.get("text") or "",
            row.interpretation,
        )
        for part in row.components
    ]
    values.append(_value(row.code, row.value, row.unit, row.text_value, row.interpretation))
    return Observation(table, row.pk, row.measured_at, tuple(values))


def _value(code: str, number: Decimal | None, unit: str, text: str, flag: str) -> Value:
    """One value as rules see it; of a text that begins with a number, that number."""
    bound = Bound.NONE
    found = numeral_of(text) if number is None else None
    if found is not None and found.number is not None:
        if found.rest and not found.is_of_a_word:
            number, bound = found.number, Bound.UNCLEAR
        elif not found.rest:
            number, bound = found.number, Bound(found.comparator[:1])
    return Value(code, number, unit, text, flag.upper(), bound)


def _vital_sign(source_id: UUID) -> Observation | None:
    return _measurement(VitalSign.objects.filter(pk=source_id).first(), "vital_signs")


def _result(source_id: UUID) -> Observation | None:
    return _measurement(Result.objects.filter(pk=source_id).first(), "results")


def _score(source_id: UUID) -> Observation | None:
    score = EarlyWarningScore.objects.valid().filter(pk=source_id).first()
    if score is None:
        return None
    return Observation(
        "early_warning_scores",
        score.pk,
        score.scored_at,
        (
            Value(
                "news2",
                Decimal(score.at_least),
                bound=Bound.AT_LEAST if score.missing else Bound.NONE,
            ),
        ),
        subject="news2",
        has_three=score.has_three,
    )


def _response(source_id: UUID) -> Observation | None:
    response = (
        QuestionnaireResponse.objects.given()
        .select_related("questionnaire")
        .filter(pk=source_id)
        .first()
    )
    if response is None or response.completed_at is None:
        return None
    values = [Value(item, number) for item, number in response.answers().items()]
    if response.score is not None:
        values.append(Value("", Decimal(response.score)))
    return Observation(
        "questionnaire_responses",
        response.pk,
        response.amended_at or response.completed_at,
        tuple(values),
        subject=response.questionnaire.key,
    )


_READERS: dict[str, Callable[[UUID], Observation | None]] = {
    "vital_signs": _vital_sign,
    "results": _result,
    "early_warning_scores": _score,
    "questionnaire_responses": _response,
}
