"""The one door through which resources of other systems become rows of a clinic's record.

    intake = Intake(organization, dates=Dates(organization.zone))
    outcome = intake.take(items)                        # one transaction
    ...
    intake.take(those_deferred, is_last_chance=True)    # whatever waited for another resource

Taking the same resource again changes nothing; taking it changed changes its row. What cannot be
taken is refused by itself, with the reason, and the rest goes on.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from care.fhir import (
    care_plan,
    care_team,
    condition,
    encounter,
    goal,
    medication_request,
    observation,
    people,
    procedure,
)
from care.fhir.dates import Dates
from care.fhir.entry import Context, Entry
from care.fhir.errors import Refused, Unresolved
from care.fhir.identities import Identities
from care.fhir.outcome import Fate, Outcome
from care.fhir.record import Change, Record, plainly
from care.fhir.references import Name, References
from care.fhir.validation import validated
from portal import audit
from portal.models import CareTeamMembership, Organization, Provider
from portal.tenancy import acting_for

READERS: dict[str, Callable[[Any, Context], Entry]] = {
    "Encounter": encounter.read,
    "Condition": condition.read,
    "Procedure": procedure.read,
    "Observation": observation.read,
    "MedicationRequest": medication_request.read,
    "Goal": goal.read,
    "CarePlan": care_plan.read,
}
PEOPLE = ("Patient", "Practitioner")
TYPES = (*PEOPLE, "CareTeam", *READERS)

# Part of each digest: raise it when a reader changes what it makes of the same resource, and the
# next import brings the rows up to date.
READING = 1


@dataclass(frozen=True)
class Item:
    """One raw resource at its place in a document."""

    index: int
    resource: Any
    full_url: str = ""


class Intake:
    """Takes resources into one organization, acting as the system itself."""

    def __init__(
        self,
        organization: Organization,
        *,
        dates: Dates | None = None,
        care_team: Sequence[Provider] = (),
    ) -> None:
        self.organization, self.care_team = organization, care_team
        self.dates = dates or Dates(organization.zone)

    def take(self, items: Iterable[Item], *, is_last_chance: bool = False) -> Outcome:
        """Take the resources of one document, in one transaction.

        What refers to a patient or practitioner who is not known yet is deferred, and refused
        when this is its last chance.
        """
        with acting_for(self.organization.pk, system=True):
            # One import of a clinic at a time: two at once could give one resource two rows.
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                    [f"care.fhir.intake {self.organization.pk}"],
                )
            return _Taking(self, list(items), is_last_chance).run()


class _Taking:
    """One transaction of an intake."""

    def __init__(self, intake: Intake, items: list[Item], is_last_chance: bool) -> None:
        self.intake, self.items, self.is_last_chance = intake, items, is_last_chance
        self.organization = intake.organization
        self.outcome = Outcome()
        self.identities = Identities(self.organization.pk)
        self.clinic = people.Clinic(self.organization, self.identities, intake.dates)
        self.record = Record(self.organization.pk, self.identities, self.outcome)
        names = {item.full_url: name_of(item) for item in items if item.full_url}
        self.context = Context(
            intake.dates,
            References({url: name for url, name in names.items() if name}),
            self.identities.row_of,
        )

    def run(self) -> Outcome:
        """Take people first, then their teams, then what is known about them."""
        by_type: dict[str, list[tuple[Item, Name, Any, str]]] = {}
        for item in self.items:
            if (taken := self._admitted(item)) is not None:
                by_type.setdefault(taken[1].resource_type, []).append(taken)
        admitted = [each for group in by_type.values() for each in group]
        self.identities.load(name for _, name, _, _ in admitted)
        for kind in PEOPLE:
            self.identities.load(
                name for _, _, model, _ in by_type.get(kind, []) for name in people.names_of(model)
            )
            for each in by_type.get(kind, []):
                self._person(*each)
        for each in by_type.get("CareTeam", []):
            self._care_team(*each)
        changes = [
            change
            for kind in READERS
            for each in by_type.get(kind, [])
            if (change := self._entry(*each)) is not None
        ]
        for batch in self._batches(changes):
            self.record.write(batch)
        self._note(changes)
        return self.outcome

    def _batches(self, changes: list[Change]) -> list[list[Change]]:
        """Changes in groups in which no resource comes twice, the first version before the next."""
        batches: list[dict[Name, Change]] = []
        for change in changes:
            earlier = [batch[change.name] for batch in batches if change.name in batch]
            if earlier and earlier[-1].digest == change.digest:
                self.outcome.count(change.name.resource_type, Fate.UNCHANGED)
                continue
            if len(earlier) == len(batches):
                batches.append({})
            batches[len(earlier)][change.name] = change
        return [list(batch.values()) for batch in batches]

    def _admitted(self, item: Item) -> tuple[Item, Name, Any, str] | None:
        """The validated resource with its name and digest; None when it goes no further."""
        resource = item.resource
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if not isinstance(kind, str):
            self.outcome.refuse(item.index, "?", "?", "is not a FHIR resource: no resourceType")
            return None
        if kind not in TYPES:
            self.outcome.count(kind, Fate.SKIPPED)
            return None
        try:
            model = validated(resource)
            name = name_of(item)
            if name is None:
                raise Refused("has neither an id nor an identifier, so it would be doubled")
        except Refused as error:
            self._refuse(item, kind, error)
            return None
        return item, name, model, self._digest(resource)

    def _person(self, item: Item, name: Name, model: Any, digest: str) -> None:
        known = self.identities.get(name)
        if known and known.digest == digest:
            self._join_team(name.resource_type, known.row_id)
            self.outcome.count(name.resource_type, Fate.UNCHANGED)
            return
        take = self.clinic.patient if name.resource_type == "Patient" else self.clinic.provider
        try:
            with transaction.atomic():
                row, is_new = take(model, name)
                self.identities.remember(name, row._meta.db_table, row.pk, digest)
                self.identities.save()
        except (Refused, DatabaseError) as error:
            self.identities.forget()
            self._refuse(item, name.resource_type, error)
            return
        self._join_team(name.resource_type, row.pk)
        self.outcome.count(name.resource_type, Fate.NEW if is_new else Fate.CHANGED)

    def _join_team(self, resource_type: str, patient_id: UUID) -> None:
        """Put the import's own providers on a patient's team.

        A place that was ended stays ended: a right that was taken away does not come back because
        the same folder is imported every night.
        """
        if resource_type != "Patient" or not self.intake.care_team:
            return
        places = CareTeamMembership.objects.filter(
            organization=self.organization, patient_id=patient_id
        )
        seated = set(places.values_list("provider_id", flat=True))
        CareTeamMembership.objects.bulk_create(
            CareTeamMembership(
                organization=self.organization, patient_id=patient_id, provider=provider
            )
            for provider in self.intake.care_team
            if provider.pk not in seated
        )

    def _care_team(self, item: Item, name: Name, model: Any, digest: str) -> None:
        known = self.identities.get(name)
        if known and known.digest == digest:
            self.outcome.count("CareTeam", Fate.UNCHANGED)
            return
        try:
            places = care_team.read(model, self.context, is_last_chance=self.is_last_chance)
            patient_id = self.context.patient(model.subject)
            with transaction.atomic():
                for place in places:
                    self._give(place)
                self.identities.remember(name, "patients", patient_id, digest)
                self.identities.save()
        except Unresolved as error:
            self._defer(item, "CareTeam", error)
        except (Refused, DatabaseError) as error:
            self.identities.forget()
            self._refuse(item, "CareTeam", error)
        else:
            self.outcome.count("CareTeam", Fate.CHANGED if known else Fate.NEW)

    def _give(self, place: care_team.Place) -> None:
        # Which places came by import: those that the clinic gave by itself are its own.
        mark = Name("CareTeam", "place", f"{place.patient_id}/{place.provider_id}")
        given = care_team.give(
            place,
            organization_id=self.organization.pk,
            was_imported=self.identities.get(mark) is not None,
        )
        if given is not None:
            self.identities.remember(mark, given._meta.db_table, given.pk)

    def _entry(self, item: Item, name: Name, model: Any, digest: str) -> Change | None:
        known = self.identities.get(name)
        if known and known.digest == digest:
            self.outcome.count(name.resource_type, Fate.UNCHANGED)
            return None
        try:
            entry = READERS[name.resource_type](model, self.context)
        except Unresolved as error:
            self._defer(item, name.resource_type, error)
        except Refused as error:
            self._refuse(item, name.resource_type, error)
        else:
            return Change(item.index, name, digest, entry)
        return None

    def _defer(self, item: Item, kind: str, error: Unresolved) -> None:
        if self.is_last_chance:
            self._refuse(item, kind, error)
        else:
            self.outcome.deferred.append(item.index)

    def _refuse(self, item: Item, kind: str, error: Exception) -> None:
        reason = plainly(error) if isinstance(error, DatabaseError) else str(error)
        self.outcome.refuse(item.index, kind, f"{kind}/{item.resource.get('id', '?')}", reason)

    def _digest(self, resource: dict[str, Any]) -> str:
        content = json.dumps(resource, sort_keys=True, default=str)
        how = f"{READING} {self.intake.dates.shift_days}"
        return hashlib.sha256(f"{how} {content}".encode()).hexdigest()

    def _note(self, changes: list[Change]) -> None:
        """One audit entry for each patient whose record the import wrote to."""
        counts: dict[UUID, int] = {}
        for change in changes:
            counts[change.entry.patient_id] = counts.get(change.entry.patient_id, 0) + 1
        for patient_id, count in counts.items():
            audit.record(
                "patient.imported",
                organization_id=self.organization.pk,
                actor_id=None,
                patient_id=patient_id,
                resources=count,
            )


def name_of(item: Item) -> Name | None:
    """The name under which a resource is kept: its id, its `urn:uuid:`, or an identifier."""
    resource = item.resource
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return None
    kind = resource["resourceType"]
    if resource.get("id"):
        return Name(kind, "", str(resource["id"]))
    if item.full_url.startswith("urn:"):
        return Name(kind, "", item.full_url.rpartition(":")[2])
    for identifier in resource.get("identifier") or []:
        if isinstance(identifier, dict) and identifier.get("value"):
            return Name(kind, str(identifier.get("system") or ""), str(identifier["value"]))
    return None
