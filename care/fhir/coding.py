"""Codes, quantities and units, as our rows keep them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from care.fhir.errors import Refused
from care.fhir.text import clean, without_semantic_tag

SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"

_PLACES = Decimal("0.000001")
_LARGEST = Decimal(10) ** 14


@dataclass(frozen=True)
class Code:
    """A code with its system and the words for it."""

    code: str
    system: str
    display: str

    def fields(self) -> dict[str, Any]:
        """As columns of a row."""
        return {"code": self.code, "code_system": self.system, "display": self.display}


def code_of(concept: Any, *, prefer: str | None = None) -> Code:
    """One code from a FHIR CodeableConcept; without any coding only the words."""
    if concept is None:
        return Code("", "", "")
    codings = [coding for coding in concept.coding or [] if coding.code]
    preferred = [coding for coding in codings if coding.system == prefer]
    coding = next(iter(preferred or codings), None)
    words = clean(concept.text) or clean(coding.display if coding else "")
    if coding is None:
        return Code("", "", words)
    code, system = clean(coding.code)[:64], clean(coding.system)[:200]
    return Code(code, system, without_semantic_tag(words) or code)


def words_of(concepts: Any) -> str:
    """The words of the first of some CodeableConcepts, or ""."""
    first = concepts[0] if isinstance(concepts, list) and concepts else concepts
    return code_of(first).display if first else ""


def codes_of(concepts: list[Any] | None) -> list[str]:
    """Every bare code of some CodeableConcepts, in order."""
    return [
        clean(coding.code)
        for concept in concepts or []
        for coding in concept.coding or []
        if coding.code
    ]


def number(value: Any) -> Decimal | None:
    """A decimal as a column keeps it: six places.

    Raises Refused for a number no measurement can have, before the database would.
    """
    if value is None:
        return None
    exact = Decimal(str(value))
    if not exact.is_finite() or exact.copy_abs() >= _LARGEST:
        raise Refused("a value is too large to be a measurement")
    return exact.quantize(_PLACES)


def unit_of(quantity: Any) -> str:
    """The UCUM code of a quantity, else the unit as it was written."""
    return clean(quantity.code or quantity.unit)[:40] if quantity else ""


def chosen(value: Any, choices: Any, what: str) -> str:
    """Return a code that is one of `choices`, or refuse it: fhir.resources checks no codes."""
    if value not in choices.values:
        raise Refused(f"{what} is not a FHIR code")
    return str(value)
