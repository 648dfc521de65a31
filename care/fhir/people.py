"""Patient and Practitioner: who they are, and which row they already have."""

from typing import Any

from django.utils import timezone

from care.fhir.coding import codes_of, words_of
from care.fhir.dates import Dates
from care.fhir.errors import Refused
from care.fhir.identities import Identities
from care.fhir.references import Name
from care.fhir.text import clean, person_name
from portal.models import Organization, Patient, Provider, Sex

MRN_TYPE = "MR"


def names_of(resource: Any) -> list[Name]:
    """The business identifiers of a person, the medical record number first."""
    identifiers = [each for each in resource.identifier or [] if each.value and each.use != "old"]
    identifiers.sort(key=lambda each: MRN_TYPE not in codes_of([each.type] if each.type else []))
    return [
        Name(resource.get_resource_type(), clean(each.system), clean(each.value))
        for each in identifiers
    ]


class Clinic:
    """The people of one organization, as an import finds and changes them."""

    def __init__(self, organization: Organization, identities: Identities, dates: Dates) -> None:
        self.organization, self.identities, self.dates = organization, identities, dates

    def patient(self, resource: Any, by_id: Name) -> tuple[Patient, bool]:
        """Return the patient a resource is, changed accordingly, and whether they are new.

        Found by resource id and identifiers, last by number. Ids such as `Patient/1` exist in every
        system and numbers are mistyped, so one of them alone counts only with the birth date.
        """
        names = names_of(resource)
        fields = self._patient_fields(resource, names, by_id)
        patient = self._known_patient(names, by_id, fields)
        if patient is None:
            patient = Patient(organization=self.organization, **fields)
            patient.save(force_insert=True)
            self._remember(names, patient)
            return patient, True
        if patient.deceased_at and resource.deceasedBoolean:
            # The first import noted when it learned of the death; a later one knows no better.
            fields["deceased_at"] = patient.deceased_at
        _change(patient, fields)
        self._remember(names, patient)
        return patient, False

    def provider(self, resource: Any, by_id: Name) -> tuple[Provider, bool]:
        """Return the provider a resource is, changed accordingly, and whether they are new."""
        names = names_of(resource)
        name = person_name(resource.name, with_title=True)
        if not name:
            raise Refused("has no name")
        qualifications = [each.code for each in resource.qualification or []]
        fields = {"name": name[:160], "specialty": words_of(qualifications)[:120]}
        provider = self._known_provider(names, by_id, fields["name"])
        is_new = provider is None
        if provider is None:
            provider = Provider(organization=self.organization, **fields)
            provider.save(force_insert=True)
        else:
            _change(provider, fields)
        self._remember(names, provider)
        return provider, is_new

    def _known_provider(self, names: list[Name], by_id: Name, name: str) -> Provider | None:
        """By id; by identifier only under the same name: one of our samples gives a physician and a
        nurse the same national number."""
        providers = Provider.objects.filter(organization=self.organization)
        if row_id := self.identities.row_of(by_id):
            return providers.filter(pk=row_id).first()
        rows = [row_id for each in names if (row_id := self.identities.row_of(each))]
        return providers.filter(pk__in=rows, name=name).first()

    def _patient_fields(self, resource: Any, names: list[Name], by_id: Name) -> dict[str, Any]:
        name = person_name(resource.name)
        if not name:
            raise Refused("has no name")
        birth_on = self.dates.day(resource.birthDate)
        if birth_on is None:
            raise Refused("has no birth date")
        sex = resource.gender or Sex.UNKNOWN
        if sex not in Sex.values:
            raise Refused("gender is not a FHIR code")
        deceased_at = self.dates.instant(resource.deceasedDateTime)
        if deceased_at is None and resource.deceasedBoolean:
            deceased_at = timezone.now()
        return {
            "mrn": (names[0].value if names else by_id.value)[:64],
            "name": name[:160],
            "birth_on": birth_on,
            "sex": sex,
            "language": _language(resource)[:12],
            "phone": _contact(resource, "phone")[:40],
            "email": _contact(resource, "email")[:254],
            "deceased_at": deceased_at,
        }

    def _known_patient(
        self, names: list[Name], by_id: Name, fields: dict[str, Any]
    ) -> Patient | None:
        by_identifier = {row_id for name in names if (row_id := self.identities.row_of(name))}
        if len(by_identifier) > 1:
            raise Refused("its identifiers belong to two patients here")
        row_id = next(iter(by_identifier), None)
        id_row = self.identities.row_of(by_id)
        if row_id and id_row and row_id != id_row:
            raise Refused("its id and its identifiers belong to two patients here")
        if found := row_id or id_row:
            patient = Patient.objects.get(organization=self.organization, pk=found)
            if patient.birth_on != fields["birth_on"] and not (row_id and id_row):
                what = "identifier" if row_id else "id"
                raise Refused(f"its {what} belongs to a patient with another birth date here")
            return patient
        namesake = Patient.objects.filter(organization=self.organization, mrn=fields["mrn"]).first()
        if namesake is not None and namesake.birth_on != fields["birth_on"]:
            raise Refused("its MRN belongs to a patient with another birth date here")
        return namesake

    def _remember(self, names: list[Name], row: Patient | Provider) -> None:
        """Note new identifiers; whoever read the resource notes its id, with the digest."""
        for name in names:
            if self.identities.get(name) is None:
                self.identities.remember(name, row._meta.db_table, row.pk)


def _change(row: Patient | Provider, fields: dict[str, Any]) -> None:
    changed = [name for name, value in fields.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, fields[name])
    if changed:
        row.save(update_fields=changed)


def _language(resource: Any) -> str:
    spoken = sorted(resource.communication or [], key=lambda each: not each.preferred)
    return next(iter(codes_of([spoken[0].language])), "en") if spoken else "en"


def _contact(resource: Any, system: str) -> str:
    values = [
        each for each in resource.telecom or [] if each.system == system and each.use != "old"
    ]
    values.sort(key=lambda each: each.rank or 99)
    return clean(values[0].value) if values else ""
