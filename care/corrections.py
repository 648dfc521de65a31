"""What a correction keeps: the columns of a measurement as they were before it."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from care.models import Correction, Measurement

# The reason of a change that came from where the measurement did.
BY_SENDER = "Changed by its sender"


def correction_of(
    row: Measurement, was: Mapping[str, Any], reason: str, *, by_id: UUID | None = None
) -> Correction:
    """The correction, not yet stored, of a row of which some columns were `was`."""
    return Correction(
        organization_id=row.organization_id,
        patient_id=row.patient_id,
        table=row._meta.db_table,
        row_id=row.pk,
        was={name: _plain(value) for name, value in was.items()},
        reason=reason,
        by_id=by_id,
    )


def _plain(value: Any) -> Any:
    """A column as JSON keeps it; a decimal as text, so that it stays exact."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
