"""Encounter."""

from typing import Any

from care.fhir.coding import SNOMED, Code, chosen, code_of, words_of
from care.fhir.entry import Context, Entry
from care.fhir.text import clean
from care.models import Encounter


def read(resource: Any, context: Context) -> Entry:
    """A row of `encounters`, called by its type, else by its setting."""
    types = resource.type or []
    setting = clean(resource.class_fhir.code) if resource.class_fhir else ""
    code = code_of(types[0], prefer=SNOMED) if types else Code("", "", "")
    fields = {
        **code.fields(),
        "display": code.display or Encounter.SETTINGS.get(setting, "Visit"),
        "status": chosen(resource.status, Encounter.Status, "status"),
        "setting": setting[:16],
        "reason": words_of(resource.reasonCode),
        "starts_at": context.dates.instant(resource.period.start if resource.period else None),
        "ends_at": context.dates.instant(resource.period.end if resource.period else None),
    }
    return Entry(Encounter, context.patient(resource.subject), fields)
