"""Observation: a vital sign or a result, with its components."""

from decimal import Decimal
from typing import Any

from care import vital_signs
from care.fhir.coding import LOINC, chosen, code_of, codes_of, number, unit_of, words_of
from care.fhir.entry import Context, Entry
from care.fhir.errors import Refused
from care.fhir.text import clean
from care.models import Result, Status, VitalSign

# One of our samples writes the singular.
_SPELLINGS = {"vital-sign": "vital-signs"}


def read(resource: Any, context: Context) -> Entry:
    """A row of `vital_signs` when the category or the code says so, else of `results`."""
    code = code_of(resource.code, prefer=LOINC)
    if not code.display:
        raise Refused("code has neither a coding nor a text")
    when = _measured(resource)
    if when is None:
        raise Refused("has no time at which it was measured (effective or issued)")
    category = next(iter(codes_of(resource.category)), "")
    category = _SPELLINGS.get(category, category)
    is_vital_sign = category == "vital-signs" or vital_signs.is_always_one(code.code)
    fields = {
        **code.fields(),
        **_value(resource, context),
        **_judgement(resource),
        "category": "vital-signs" if is_vital_sign else category[:40],
        "components": [_component(part, context) for part in resource.component or []],
        "measured_at": context.dates.instant(when),
        "time_is_known": context.dates.knows_time(when),
        "status": chosen(resource.status, Status, "status"),
    }
    model = VitalSign if is_vital_sign else Result
    return Entry(model, context.patient(resource.subject), fields)


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
        value = number(quantity.value)
        if quantity.comparator:
            # “<5” is not 5: it stays words.
            words = f"{quantity.comparator}{quantity.value}"
            return {"value": None, "text_value": words, "unit": unit_of(quantity)}
        return {"value": value, "text_value": "", "unit": unit_of(quantity)}
    if part.valueInteger is not None:
        return {"value": Decimal(part.valueInteger), "text_value": "", "unit": ""}
    return {"value": None, "text_value": _words(part, context), "unit": ""}


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
        ratio = part.valueRatio
        return f"{ratio.numerator.value}:{ratio.denominator.value}"
    return words_of(part.dataAbsentReason)


def _component(part: Any, context: Context) -> dict[str, Any]:
    """A component as JSON keeps it: the decimal as text, so that it stays exact."""
    code = code_of(part.code, prefer=LOINC)
    value = _value(part, context)
    return {
        "code": code.code,
        "display": code.display,
        "value": None if value["value"] is None else f"{value['value'].normalize():f}",
        "text": value["text_value"],
        "unit": value["unit"],
    }


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
        "interpretation": next(iter(codes_of(resource.interpretation)), "")[:8],
    }
