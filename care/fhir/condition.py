"""Condition."""

from typing import Any

from care.fhir.coding import SNOMED, chosen, code_of, codes_of
from care.fhir.entry import Context, Entry
from care.fhir.errors import Refused
from care.models import Condition


def read(resource: Any, context: Context) -> Entry:
    """A row of `conditions`. Without a clinical status it is resolved once it has ended."""
    code = code_of(resource.code, prefer=SNOMED)
    if not code.display:
        raise Refused("code has neither a coding nor a text")
    period = resource.onsetPeriod
    onset = resource.onsetDateTime or (period and period.start)
    ended = resource.abatementDateTime or (
        resource.abatementPeriod and resource.abatementPeriod.end
    )
    status = next(iter(codes_of([resource.clinicalStatus] if resource.clinicalStatus else [])), "")
    if not status:
        status = Condition.Status.RESOLVED if ended else Condition.Status.UNKNOWN
    fields = {
        **code.fields(),
        "category": next(iter(codes_of(resource.category)), "")[:40],
        "status": chosen(status, Condition.Status, "clinicalStatus"),
        "verification": next(
            iter(codes_of([resource.verificationStatus] if resource.verificationStatus else [])), ""
        )[:20],
        "onset_on": context.dates.day(onset or resource.recordedDate),
        "abated_on": context.dates.day(ended),
    }
    return Entry(Condition, context.patient(resource.subject), fields)
