"""A dose in words: “1 tablet, 2 times a day, as needed”."""

from decimal import Decimal
from typing import Any

from care.fhir.coding import unit_of, words_of
from care.fhir.text import clean

_PERIODS = {
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "wk": "week",
    "mo": "month",
    "a": "year",
}
_TIMES = {1: "once", 2: "twice"}


def in_words(dosage: Any) -> str:
    """A FHIR Dosage as a person would say it; its own text, when it has one, is best."""
    if dosage.text:
        return clean(dosage.text)
    if dosage.patientInstruction:
        return clean(dosage.patientInstruction)
    needed = dosage.asNeededBoolean or dosage.asNeededCodeableConcept
    parts = [
        _amount(dosage),
        _rhythm(dosage.timing),
        words_of(dosage.route),
        "as needed" if needed else "",
        words_of(dosage.additionalInstruction),
    ]
    return ", ".join(filter(None, parts))


def _amount(dosage: Any) -> str:
    rates = dosage.doseAndRate or []
    quantity = rates[0].doseQuantity if rates else None
    if quantity is None or quantity.value is None:
        return ""
    # A bare 1 of nothing says nothing.
    return f"{_plain(quantity.value)} {unit_of(quantity) or 'dose'}"


def _rhythm(timing: Any) -> str:
    repeat = timing.repeat if timing else None
    if repeat is None or not repeat.periodUnit:
        return words_of(timing.code) if timing else ""
    often, period = repeat.frequency or 1, Decimal(str(repeat.period or 1))
    unit = _PERIODS.get(repeat.periodUnit, repeat.periodUnit)
    times = _TIMES.get(often, f"{often} times")
    if period == 1:
        return f"{times} a{'n' if unit == 'hour' else ''} {unit}"
    every = f"every {_plain(period)} {unit}s"
    return every if often == 1 else f"{times} {every}"


def _plain(number: Any) -> str:
    return f"{Decimal(str(number)).normalize():f}"
