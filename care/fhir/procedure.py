"""Procedure."""

from typing import Any

from care.fhir.coding import SNOMED, chosen, code_of, codes_of
from care.fhir.entry import Context, Entry
from care.fhir.errors import Refused
from care.models import Procedure


def read(resource: Any, context: Context) -> Entry:
    """A row of `procedures`; a period counts from its beginning."""
    code = code_of(resource.code, prefer=SNOMED)
    if not code.display:
        raise Refused("code has neither a coding nor a text")
    period = resource.performedPeriod
    performed = resource.performedDateTime or (period and (period.start or period.end))
    category = codes_of([resource.category] if resource.category else [])
    fields = {
        **code.fields(),
        "status": chosen(resource.status, Procedure.Status, "status"),
        "category": next(iter(category), "")[:64],
        "performed_at": context.dates.instant(performed),
    }
    return Entry(Procedure, context.patient(resource.subject), fields)
