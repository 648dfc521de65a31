"""MedicationRequest."""

from typing import Any

from care.fhir.coding import RXNORM, Code, chosen, code_of, words_of
from care.fhir.dosage import in_words
from care.fhir.entry import Context, Entry
from care.fhir.errors import Refused
from care.fhir.text import clean
from care.models import Medication


def read(resource: Any, context: Context) -> Entry:
    """A row of `medications`, with the dose in words."""
    code = _medicine(resource)
    if not code.display:
        raise Refused("names no medicine")
    dosages = resource.dosageInstruction or []
    fields = {
        **code.fields(),
        "status": chosen(resource.status, Medication.Status, "status"),
        "dosage": "; ".join(filter(None, (in_words(dosage) for dosage in dosages))),
        "is_as_needed": any(
            bool(dosage.asNeededBoolean or dosage.asNeededCodeableConcept) for dosage in dosages
        ),
        "reason": words_of(resource.reasonCode),
        "authored_on": context.dates.day(resource.authoredOn),
        "prescriber_id": context.provider(resource.requester),
    }
    return Entry(Medication, context.patient(resource.subject), fields)


def _medicine(resource: Any) -> Code:
    """The medicine, coded in place, contained, or at least named by a reference."""
    if resource.medicationCodeableConcept:
        return code_of(resource.medicationCodeableConcept, prefer=RXNORM)
    reference = resource.medicationReference
    for contained in resource.contained or []:
        if reference.reference == f"#{contained.id}":
            return code_of(contained.code, prefer=RXNORM)
    return Code("", "", clean(reference.display))
