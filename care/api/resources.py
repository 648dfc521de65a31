"""A measurement as FHIR shows it."""

import re
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from care.actions import Identifier
from care.analytes import LOINC, analyte_of
from care.models import FhirIdentity, Measurement
from care.units import written

UCUM = "http://unitsofmeasure.org"
_CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
_INTERPRETATIONS = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_BEYOND = re.compile(r"([<>]=?)(\d+(?:\.\d+)?)")
_NOT_USED = "Kept aside: no living person has this value. It is not judged and not scored."


def observation(row: Measurement, identities: list[FhirIdentity], zone: ZoneInfo) -> dict[str, Any]:
    """An Observation resource. Values are in the unit in which the record keeps them."""
    at = row.measured_at.astimezone(zone)
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "id": str(row.pk),
        "identifier": [
            {**({"system": each.system} if each.system else {}), "value": each.value}
            for each in (Identifier(row.system, row.value).as_sent() for row in identities)
        ],
        "status": row.status,
        "category": [{"coding": [{"system": _CATEGORIES, "code": row.category}]}]
        if row.category
        else [],
        "code": _concept(row.code_system, row.code, row.display),
        "subject": {"reference": f"Patient/{row.patient_id}"},
        "effectiveDateTime": at.isoformat() if row.time_is_known else f"{at:%Y-%m-%d}",
        **_value(row.code_system, row.code, row.value, row.text_value, row.unit),
        "component": [_component(part) for part in row.components],
        "interpretation": [{"coding": [{"system": _INTERPRETATIONS, "code": row.interpretation}]}]
        if row.interpretation
        else [],
        "referenceRange": _range(row),
        "method": {"text": row.method} if row.method else None,
        "note": [{"text": _NOT_USED}] if row.is_implausible else [],
    }
    # FHIR has no empty lists.
    return {name: value for name, value in resource.items() if value not in ([], None)}


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    if not code:
        return {"text": display}
    coding = {"system": system, "code": code, "display": display}
    return {
        "coding": [{name: value for name, value in coding.items() if value}],
        "text": display or code,
    }


def _value(system: str, code: str, value: Decimal | None, text: str, unit: str) -> dict[str, Any]:
    beyond = _BEYOND.fullmatch(text)
    if value is not None:
        return {"valueQuantity": {"value": value, **_unit(system, code, unit)}}
    if beyond:
        quantity = {"value": Decimal(beyond[2]), "comparator": beyond[1]}
        return {"valueQuantity": {**quantity, **_unit(system, code, unit)}}
    return {"valueString": text} if text else {}


def _unit(system: str, code: str, unit: str) -> dict[str, str]:
    if not unit:
        return {}
    # Of what the portal does not know it keeps the unit as it came, which may be no UCUM.
    is_ucum = system == LOINC and analyte_of(code) is not None
    shown = {"unit": written(unit) or unit}
    return {**shown, "system": UCUM, "code": unit} if is_ucum else shown


def _component(part: dict[str, Any]) -> dict[str, Any]:
    value = part.get("value")
    return {
        "code": _concept(LOINC, part.get("code", ""), part.get("display", "")),
        **_value(
            LOINC,
            part.get("code", ""),
            None if value is None else Decimal(value),
            part.get("text") or "",
            part.get("unit") or "",
        ),
    }


def _range(row: Measurement) -> list[dict[str, Any]]:
    ends = {"low": row.range_low, "high": row.range_high}
    shown = {
        name: {"value": value, **_unit(row.code_system, row.code, row.unit)}
        for name, value in ends.items()
        if value is not None
    }
    return [shown] if shown else []
