"""What a resource becomes: the row it asks for, and what readers need to know to say so."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Model

from care.fhir.dates import Dates
from care.fhir.errors import Unresolved
from care.fhir.references import Name, References, shown


@dataclass
class Entry:
    """A row as a resource describes it. `activities` are the parts of a care plan, in order."""

    model: type[Model]
    patient_id: UUID
    fields: dict[str, Any]
    activities: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Context:
    """The document and the clinic that a resource is read in."""

    dates: Dates
    references: References
    row_of: Callable[[Name], UUID | None]

    def patient(self, reference: Any) -> UUID:
        """The patient a resource is about; raises Unresolved while nobody has imported them."""
        patient_id = self._row(reference, "Patient")
        if patient_id is None:
            raise Unresolved("patient", shown(reference))
        return patient_id

    def provider(self, reference: Any) -> UUID | None:
        """The provider a reference means, if it means one that is known."""
        return self._row(reference, "Practitioner")

    def _row(self, reference: Any, resource_type: str) -> UUID | None:
        name = self.references.name(reference, resource_type)
        return self.row_of(name) if name else None
