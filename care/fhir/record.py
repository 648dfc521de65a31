"""Writing the entries of a document: many at once, and one by one when the database objects."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DatabaseError, models, transaction

from care.corrections import BY_SENDER, correction_of
from care.fhir.entry import Entry
from care.fhir.errors import Refused
from care.fhir.identities import Identities
from care.fhir.outcome import Fate, Outcome
from care.fhir.references import Name
from care.models import (
    CarePlan,
    CarePlanActivity,
    Correction,
    Measurement,
    Result,
    Status,
    VitalSign,
)
from portal.identifiers import uuid7

# A few thousand rows of twenty columns stay far below PostgreSQL's 65,535 parameters per statement.
_BATCH = 500


@dataclass
class Change:
    """One entry with the resource it came from: its place, its name, its digest."""

    index: int
    name: Name
    digest: str
    entry: Entry


class Record:
    """The record of one organization's patients, as an import writes it."""

    def __init__(self, organization_id: UUID, identities: Identities, outcome: Outcome) -> None:
        self.organization_id = organization_id
        self.identities, self.outcome = identities, outcome

    def write(self, changes: Sequence[Change]) -> None:
        """Write every change; one that the database refuses does not take the others with it."""
        try:
            with transaction.atomic():
                fates = self._write(changes)
        except (DatabaseError, Refused) as error:
            self.identities.forget()
            if len(changes) == 1:
                change = changes[0]
                reason = str(error) if isinstance(error, Refused) else plainly(error)
                self.outcome.refuse(
                    change.index, change.name.resource_type, "/".join(change.name[::2]), reason
                )
                return
            # Halving finds one bad row among a thousand in some twenty savepoints.
            middle = len(changes) // 2
            self.write(changes[:middle])
            self.write(changes[middle:])
            return
        for change, fate in zip(changes, fates, strict=True):
            self.outcome.count(change.name.resource_type, fate)

    def _write(self, changes: Sequence[Change]) -> list[Fate]:
        new: dict[type[models.Model], list[Any]] = defaultdict(list)
        plans: list[tuple[UUID, Entry]] = []
        fates = []
        corrections: list[Correction] = []
        standing = self._standing(changes)
        for change in changes:
            entry = change.entry
            row = standing.get(change.index)
            if row is None:
                row_id = uuid7()
                new[entry.model].append(
                    entry.model(
                        id=row_id,
                        organization_id=self.organization_id,
                        patient_id=entry.patient_id,
                        **entry.fields,
                    )
                )
            else:
                row_id = row.pk
                was = _update(row, {"patient_id": entry.patient_id, **entry.fields})
                if was and isinstance(row, Measurement):
                    corrections.append(correction_of(row, was, BY_SENDER))
            if entry.model is CarePlan:
                plans.append((row_id, entry))
            self.identities.remember(change.name, entry.model._meta.db_table, row_id, change.digest)
            fates.append(Fate.NEW if row is None else Fate.CHANGED)
        for model, rows in new.items():
            model._default_manager.bulk_create(rows, batch_size=_BATCH)
        Correction.objects.bulk_create(corrections, batch_size=_BATCH)
        self._write_activities(plans)
        self.identities.save()
        return fates

    def _standing(self, changes: Sequence[Change]) -> dict[int, models.Model]:
        """The rows that some changes are about, by the index of the change.

        A resource that has become a row of another table (a result that turned out to be a vital
        sign) leaves the old one marked as a mistake.
        """
        wanted: dict[type[models.Model], dict[UUID, int]] = defaultdict(dict)
        for change in changes:
            known = self.identities.get(change.name)
            if known is None:
                continue
            model = change.entry.model
            if known.table == model._meta.db_table:
                wanted[model][known.row_id] = change.index
            else:
                _withdraw(known.table, known.row_id)
        return {
            indices[row.pk]: row
            for model, indices in wanted.items()
            for row in model._default_manager.filter(
                organization_id=self.organization_id, pk__in=list(indices)
            )
        }

    def _write_activities(self, plans: list[tuple[UUID, Entry]]) -> None:
        """A plan's activities keep their rows by place; one that is gone was a mistake."""
        standing: dict[tuple[UUID, int], CarePlanActivity] = {
            (row.plan_id, row.position): row
            for row in CarePlanActivity.objects.filter(plan_id__in=[plan for plan, _ in plans])
        }
        new = []
        for plan_id, entry in plans:
            for position, fields in enumerate(entry.activities):
                row = standing.pop((plan_id, position), None)
                if row is None:
                    new.append(
                        CarePlanActivity(
                            organization_id=self.organization_id,
                            patient_id=entry.patient_id,
                            plan_id=plan_id,
                            position=position,
                            **fields,
                        )
                    )
                else:
                    _update(row, fields)
        CarePlanActivity.objects.bulk_create(new, batch_size=_BATCH)
        for row in standing.values():
            _update(row, {"status": CarePlanActivity.Status.ENTERED_IN_ERROR})


def _update(row: models.Model, fields: dict[str, Any]) -> dict[str, Any]:
    """Change what differs; returns what it was."""
    was = {name: old for name, new in fields.items() if (old := getattr(row, name)) != new}
    for name in was:
        setattr(row, name, fields[name])
    if was:
        row.save(update_fields=list(was))
    return was


def _withdraw(table: str, row_id: UUID) -> None:
    for model in (Result, VitalSign):
        if model._meta.db_table == table:
            model.objects.filter(pk=row_id).update(status=Status.ENTERED_IN_ERROR)


def plainly(error: DatabaseError) -> str:
    """The database's own words without its detail, which quotes the row."""
    diagnosis = getattr(error.__cause__, "diag", None)
    message = diagnosis.message_primary if diagnosis else type(error).__name__
    return f"the database refused it: {message}"
