"""The door for one observation, whoever sends it. `care.fhir.intake` takes many at once."""

import hashlib
from dataclasses import astuple, dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from care.corrections import BY_SENDER, correction_of
from care.errors import IdentifierTaken, IncompleteReading, ReadingOutOfTime
from care.fhir.outcome import Fate
from care.models import FhirIdentity, Measurement, Result, Source, Status, VitalSign
from care.reported import Kept, Reported, kept
from portal import audit
from portal.access import Reader
from portal.identifiers import uuid7
from portal.models import Patient

_TABLES: dict[str, type[Measurement]] = {
    model._meta.db_table: model for model in (VitalSign, Result)
}
_LONGEST = 255
_OF_PERSON = "urn:vigil:person:"


class Identifier(NamedTuple):
    """What a sender calls an observation: once in a clinic, whoever the patient is.

    People have systems of their own: they may name any, a laboratory's too.
    """

    system: str
    value: str

    def of_person(self, user_id: UUID) -> "Identifier":
        """The same, among what this person sends."""
        return self._replace(system=f"{_OF_PERSON}{user_id}:{self.system}")

    def as_sent(self) -> "Identifier":
        """What its sender wrote."""
        if not self.system.startswith(_OF_PERSON):
            return self
        return self._replace(system=self.system[len(_OF_PERSON) + len(str(UUID(int=0))) + 1 :])


@dataclass(frozen=True)
class Recorded:
    """The row of an observation, and whether it is new, changed or was there already."""

    row: Measurement
    fate: Fate


@transaction.atomic
def record_observation(
    patient: Patient,
    reported: Reported,
    *,
    source: Source,
    identifier: Identifier | None = None,
    by: Reader | None = None,
    sent_by: UUID | None = None,
    row_id: UUID | None = None,
) -> Recorded:
    """Record one observation of a patient whom the caller may write for.

    The caller has been through a door of its own (`writable_patients`, a service account's scope);
    row-level security looks a second time. With an `identifier` it may come again: the same is
    UNCHANGED, also when somebody corrected the row meanwhile, and other content corrects its row.
    `sent_by` is the service account, where `by` is nobody; `row_id` is the id of a new row, where
    its caller has one. An implausible value is kept aside.
    Raises ReadingError: UnitRefused, ReadingOutOfTime, IncompleteReading, IdentifierTaken.
    """
    entry = kept(reported, now=timezone.now())
    if patient.deceased_at and entry.fields["measured_at"] > patient.deceased_at:
        raise ReadingOutOfTime("This patient has died.")
    identity = _identity(patient.organization_id, identifier) if identifier else None
    digest = _digest(reported)
    standing = _standing(identity, patient)
    if standing and identity and identity.digest == digest:
        return Recorded(standing, Fate.UNCHANGED)
    if standing and isinstance(standing, entry.model):
        recorded = Recorded(standing, _change(standing, entry, by))
    else:
        if standing:
            # A result that turned out to be a vital sign: the old row was a mistake.
            _correct(standing, {"status": Status.ENTERED_IN_ERROR}, by)
        row = _new(patient, entry, by, source=source, sent_by_id=sent_by, id=row_id or uuid7())
        recorded = Recorded(row, Fate.NEW)
    if identifier:
        _remember(identity, identifier, recorded.row, digest)
    if recorded.fate is not Fate.UNCHANGED:
        kind = "vital_sign" if entry.model is VitalSign else "result"
        audit.record(
            f"{kind}.{'recorded' if recorded.fate is Fate.NEW else 'corrected'}",
            organization_id=patient.organization_id,
            actor_id=by.user_id if by else sent_by,
            subject=recorded.row,
            source=str(source),
        )
    return recorded


def _identity(organization_id: UUID, identifier: Identifier) -> FhirIdentity | None:
    if not identifier.value or max(map(len, identifier)) > _LONGEST:
        raise IncompleteReading("Its identifier is empty or longer than 255 characters.")
    with connection.cursor() as cursor:
        # Sent twice at once it is one row: the second waits here for the first.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"care.observation {organization_id} {identifier.system}|{identifier.value}"],
        )
    return FhirIdentity.objects.filter(
        organization_id=organization_id,
        resource_type="Observation",
        system=identifier.system,
        value=identifier.value,
    ).first()


def _standing(identity: FhirIdentity | None, patient: Patient) -> Measurement | None:
    """The row that the observation became earlier, locked."""
    if identity is None:
        return None
    rows = _TABLES[identity.table]._default_manager.select_for_update(of=["self"])
    row = rows.filter(pk=identity.row_id).first()
    # A row of somebody whom the sender may not see is not there for it.
    if row is None or row.patient_id != patient.pk:
        raise IdentifierTaken("Its identifier already names an observation of another patient.")
    return row


def _new(patient: Patient, entry: Kept, by: Reader | None, **origin: Any) -> Measurement:
    own = {"recorded_by_id": by.user_id} if by and entry.model is VitalSign else {}
    return entry.model._default_manager.create(
        organization_id=patient.organization_id,
        patient_id=patient.pk,
        **origin,
        **entry.fields,
        **own,
    )


def _change(row: Measurement, entry: Kept, by: Reader | None) -> Fate:
    changed = {name: value for name, value in entry.fields.items() if getattr(row, name) != value}
    if not changed:
        return Fate.UNCHANGED
    _correct(row, changed, by)
    return Fate.CHANGED


def _correct(row: Measurement, fields: dict[str, Any], by: Reader | None) -> None:
    was = {name: getattr(row, name) for name in fields}
    correction_of(row, was, BY_SENDER, by_id=by.user_id if by else None).save(force_insert=True)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=list(fields))


def _remember(
    identity: FhirIdentity | None, identifier: Identifier, row: Measurement, digest: str
) -> None:
    identity = identity or FhirIdentity(
        organization_id=row.organization_id,
        resource_type="Observation",
        system=identifier.system,
        value=identifier.value,
    )
    identity.table, identity.row_id, identity.digest = row._meta.db_table, row.pk, digest
    identity.imported_at = timezone.now()
    identity.save()


def _digest(reported: Reported) -> str:
    """What differs when a sender says something else under the same identifier."""
    return hashlib.sha256(repr(astuple(reported)).encode()).hexdigest()
