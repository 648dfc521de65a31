"""The one door through which resources of other systems become rows of a clinic's record.

    intake = Intake(organization, dates=Dates(organization.zone))
    outcome = intake.take(items)                        # one transaction
    ...
    intake.take(those_deferred, is_last_chance=True)    # whatever waited for another resource

Taking the same resource again changes nothing; taking it changed changes its row. What cannot be
taken is refused by itself, with the reason, and the rest goes on.
"""

from collections.abc import Callable, Iterable, Sequence
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
from care.fhir.arrival import Arrival, Item, digest_of, name_of
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
                # For as long as the other one takes: a large document is minutes, and not stuck.
                cursor.execute("SET LOCAL lock_timeout = 0")
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
        admitted = [each for item in self.items if (each := self._admitted(item)) is not None]
        self.identities.load(arrival.name for arrival in admitted)
        by_type: dict[str, list[Arrival]] = {}
        for arrival in admitted:
            if self._has_news(arrival):
                by_type.setdefault(arrival.name.resource_type, []).append(arrival)
        for kind in PEOPLE:
            arrivals = by_type.get(kind, [])
            self.identities.load(name for each in arrivals for name in people.names_of(each.model))
            for arrival in arrivals:
                self._person(arrival)
        for arrival in by_type.get("CareTeam", []):
            self._care_team(arrival)
        changes = [
            change
            for kind in READERS
            for arrival in by_type.get(kind, [])
            if (change := self._entry(arrival)) is not None
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

    def _admitted(self, item: Item) -> Arrival | None:
        """The resource with its name and digest; None when it goes no further."""
        resource = item.resource
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if not isinstance(kind, str):
            self.outcome.refuse(item.index, "?", "?", "is not a FHIR resource: no resourceType")
            return None
        if kind not in TYPES:
            self.outcome.count(kind, Fate.SKIPPED)
            return None
        name = name_of(item)
        if name is None:
            reason = Refused("has neither an id nor an identifier, so it would be doubled")
            self._refuse(item, kind, reason)
            return None
        return Arrival(item, name, digest_of(resource, self.intake.dates.shift_days))

    def _has_news(self, arrival: Arrival) -> bool:
        """Whether a resource is valid and not the one that was imported last."""
        kind = arrival.name.resource_type
        known = self.identities.get(arrival.name)
        if known and known.digest == arrival.digest:
            self._join_team(kind, known.row_id)
            self.outcome.count(kind, Fate.UNCHANGED)
            return False
        try:
            arrival.model = validated(arrival.item.resource)
        except Refused as error:
            self._refuse(arrival.item, kind, error)
            return False
        return True

    def _person(self, arrival: Arrival) -> None:
        kind = arrival.name.resource_type
        take = self.clinic.patient if kind == "Patient" else self.clinic.provider
        try:
            with transaction.atomic():
                row, is_new = take(arrival.model, arrival.name)
                self.identities.remember(arrival.name, row._meta.db_table, row.pk, arrival.digest)
                self.identities.save()
        except (Refused, DatabaseError) as error:
            self.identities.forget()
            self._refuse(arrival.item, kind, error)
            return
        self._join_team(kind, row.pk)
        self.outcome.count(kind, Fate.NEW if is_new else Fate.CHANGED)

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

    def _care_team(self, arrival: Arrival) -> None:
        known = self.identities.get(arrival.name)
        try:
            places = care_team.read(arrival.model, self.context, is_last_chance=self.is_last_chance)
            patient_id = self.context.patient(arrival.model.subject)
            with transaction.atomic():
                for place in places:
                    self._give(place)
                self.identities.remember(arrival.name, "patients", patient_id, arrival.digest)
                self.identities.save()
        except Unresolved as error:
            self._defer(arrival.item, "CareTeam", error)
        except (Refused, DatabaseError) as error:
            self.identities.forget()
            self._refuse(arrival.item, "CareTeam", error)
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

    def _entry(self, arrival: Arrival) -> Change | None:
        kind = arrival.name.resource_type
        try:
            entry = READERS[kind](arrival.model, self.context)
        except Unresolved as error:
            self._defer(arrival.item, kind, error)
        except Refused as error:
            self._refuse(arrival.item, kind, error)
        else:
            return Change(arrival.item.index, arrival.name, arrival.digest, entry)
        return None

    def _defer(self, item: Item, kind: str, error: Unresolved) -> None:
        if self.is_last_chance:
            self._refuse(item, kind, error)
        else:
            self.outcome.deferred.append(item.index)

    def _refuse(self, item: Item, kind: str, error: Exception) -> None:
        reason = plainly(error) if isinstance(error, DatabaseError) else str(error)
        self.outcome.refuse(item.index, kind, f"{kind}/{item.resource.get('id', '?')}", reason)

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
