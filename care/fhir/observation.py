"""Observation: a vital sign or a result, with its components."""

from decimal import Decimal
from typing import Any

from django.utils import timezone

from care.analytes import LOINC
from care.errors import ReadingError
from care.fhir.coding import chosen, code_of, codes_of, number, unit_of, words_of
from care.fhir.entry import Context, Entry
from care.fhir.errors import Refused
from care.fhir.text import clean
from care.models import Status
from care.reported import Part, Reported, gravest, kept

# One of our samples writes the singular.
_SPELLINGS = {"vital-sign": "vital-signs"}


def read(resource: Any, context: Context) -> Entry:
    """A row of `vital_signs` when the category or the code says so, else of `results`."""
    patient_id = context.patient(resource.subject)
    try:
        row = kept(reported(resource, context), now=timezone.now())
    except ReadingError as error:
        raise Refused(str(error)) from error
    return Entry(row.model, patient_id, row.fields)


def reported(resource: Any, context: Context) -> Reported:
    """A validated resource as what its sender reported."""
    code = code_of(resource.code, prefer=LOINC)
    if not code.display:
        raise Refused("code has neither a coding nor a text")
    when = _measured(resource)
    if when is None:
        raise Refused("has no time at which it was measured (effective or issued)")
    category = next(iter(codes_of(resource.category)), "")
    return Reported(
        code=code.code,
        code_system=code.system,
        display=code.display,
        **_value(resource, context),
        **_judgement(resource),
        category=_SPELLINGS.get(category, category),
        components=tuple(_component(part, context) for part in resource.component or []),
        measured_at=context.dates.instant(when),
        time_is_known=context.dates.knows_time(when),
        status=chosen(resource.status, Status, "status"),
        method=words_of(resource.method),
    )


def _measured(resource: Any) -> Any:
    period = resource.effectivePeriod
    return (
        resource.effectiveDateTime
        or resource.effectiveInstant
        or (period and (period.end or period.start))
        or resource.issued
    )


def _value(part: Any, context: Context) -> dict[str, Any]:
    """The value of an observation or component: a decimal with its unit, or words."""
    quantity = part.valueQuantity
    if quantity is not None and quantity.value is not None:
        return {
            "value": number(quantity.value),
            "unit": unit_of(quantity),
            "comparator": clean(quantity.comparator),
        }
    if part.valueInteger is not None:
        return {"value": Decimal(part.valueInteger)}
    return {"text": _words(part, context)}


def _words(part: Any, context: Context) -> str:
    if part.valueCodeableConcept is not None:
        return words_of(part.valueCodeableConcept)
    if part.valueString is not None:
        return clean(part.valueString)
    if part.valueBoolean is not None:
        return "Yes" if part.valueBoolean else "No"
    if part.valueDateTime is not None:
        return f"{context.dates.day(part.valueDateTime):%Y-%m-%d}"
    if part.valueTime is not None:
        return f"{part.valueTime}"
    if part.valueRange is not None:
        low, high = part.valueRange.low, part.valueRange.high
        ends = [f"{end.value}" if end else "" for end in (low, high)]
        return f"{'–'.join(ends)} {unit_of(low or high)}".strip()
    if part.valueRatio is not None:
        parts = (part.valueRatio.numerator, part.valueRatio.denominator)
        return ":".join(f"{each.value}" for each in parts if each and each.value is not None)
    return words_of(part.dataAbsentReason)


def _component(part: Any, context: Context) -> Part:
    code = code_of(part.code, prefer=LOINC)
    return Part(
        code=code.code,
        code_system=code.system,
        display=code.display,
        **_value(part, context),
    )


def _judgement(resource: Any) -> dict[str, Any]:
    """The range and the interpretation that came with the value."""
    ranges = resource.referenceRange or []
    normal = [
        each for each in ranges if not each.type or "normal" in codes_of([each.type])
    ] or ranges
    low = normal[0].low if normal else None
    high = normal[0].high if normal else None
    return {
        "range_low": number(low.value) if low else None,
        "range_high": number(high.value) if high else None,
        "interpretation": gravest(codes_of(resource.interpretation))[:8],
    }
