"""The cast: a small world with names, the same in every test.

Harbour Clinic (Boston): the patient Ana; Ada, clinician, and Noor, nurse, on her care team; her
daughter Sam, caregiver; Ben, a patient whom none of them looks after; Boris, a clinician who looks
after Ben and not after Ana; and Alma, administrator. Hill Clinic (Berlin): the patient Carla, Olga,
her clinician, and Otto, administrator.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import SimpleNamespace

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.test import Client

from portal.access import Reader
from portal.middleware.sessions import IDLE_KEY, idle_limit
from portal.models import (
    Caregiver,
    CareTeamMembership,
    Membership,
    Organization,
    Patient,
    Provider,
    Role,
    User,
)
from portal.sessions import ORGANIZATION_KEY, SessionStore
from portal.tenancy import acting_for

PASSWORD = "a quiet harbour at dawn"
BACKEND = "portal.authentication.EmailBackend"
# Whoever begins to lead tells of every right that began within the last day.
LONG_AGO = datetime(2020, 1, 6, 8, tzinfo=UTC)


@dataclass
class Person:
    """Somebody of the cast, with the rows that make them who they are."""

    user: User
    organization: Organization
    role: Role
    patient: Patient | None = None
    provider: Provider | None = None

    @property
    def reader(self) -> Reader:
        """The person as the application sees them."""
        return Reader(self.user.pk, self.organization.pk, self.role)


CAST = SimpleNamespace()


def _cast_roles() -> None:
    clinic = Organization(
        name="Harbour Clinic", slug="harbour", time_zone="America/New_York", phone="555 0100"
    )
    other = Organization(
        name="Hill Clinic", slug="hill", time_zone="Europe/Berlin", phone="555 0200"
    )
    CAST.clinic, CAST.other_clinic = clinic, other

    def person(name: str, role: Role, organization: Organization = clinic) -> Person:
        first = name.split(maxsplit=1)[0].lower()
        user = User(email=f"{first}@{organization.slug}.example", name=name)
        user.set_password(PASSWORD)
        return Person(user, organization, role)

    def patient(name: str, mrn: str, organization: Organization = clinic) -> Person:
        who = person(name, Role.PATIENT, organization)
        who.patient = Patient(
            organization=organization,
            user=who.user,
            mrn=mrn,
            name=name,
            birth_on=date(1964, 3, 2),
            sex="female",
            email=who.user.email,
        )
        return who

    def provider(name: str, role: Role, organization: Organization = clinic) -> Person:
        who = person(name, role, organization)
        who.provider = Provider(
            organization=organization, user=who.user, name=name, role=role.label
        )
        return who

    CAST.ana = patient("Ana Ruiz", "4471")
    CAST.ben = patient("Ben Cho", "4472")
    CAST.carla = patient("Carla Weiss", "9001", other)
    CAST.ada = provider("Ada Lee", Role.CLINICIAN)
    CAST.noor = provider("Noor Haddad", Role.NURSE)
    CAST.boris = provider("Boris Fell", Role.CLINICIAN)
    CAST.olga = provider("Olga Stein", Role.CLINICIAN, other)
    CAST.sam = person("Sam Ruiz", Role.CAREGIVER)
    CAST.admin = person("Alma Kay", Role.ADMIN)
    CAST.other_admin = person("Otto Kay", Role.ADMIN, other)
    CAST.teams = [
        CareTeamMembership(patient=who.patient, provider=clinician.provider, starts_at=LONG_AGO)
        for who, clinician in (
            (CAST.ana, CAST.ada),
            (CAST.ana, CAST.noor),
            (CAST.ben, CAST.boris),
            (CAST.carla, CAST.olga),
        )
    ]
    CAST.mandate = Caregiver(
        patient=CAST.ana.patient, user=CAST.sam.user, relationship="Daughter", scope="write"
    )


def people() -> list[Person]:
    """Everybody of the cast."""
    return [who for who in vars(CAST).values() if isinstance(who, Person)]


def seat() -> None:
    """Write the cast into empty tables, as the owner; the identifiers stay the same all run."""
    if not hasattr(CAST, "ana"):
        _cast_roles()
    rows: list[object] = [CAST.clinic, CAST.other_clinic]
    rows += [who.user for who in people()]
    rows += [
        Membership(organization=who.organization, user=who.user, role=who.role) for who in people()
    ]
    rows += [who.patient for who in people() if who.patient]
    rows += [who.provider for who in people() if who.provider]
    for place in CAST.teams:
        place.organization = place.patient.organization
    CAST.mandate.organization = CAST.clinic
    rows += [*CAST.teams, CAST.mandate]
    for row in rows:
        row._state.adding = True
        row._state.db = None
        row.save(using="owner", force_insert=True)
        # Made by the owner, used by the application.
        row._state.db = "default"


def signed_in(person: Person, **defaults: str) -> Client:
    """Return a browser in which the person is signed in to their organization."""
    client = Client(**defaults)
    session = SessionStore()
    session[SESSION_KEY] = str(person.user.pk)
    session[BACKEND_SESSION_KEY] = BACKEND
    session[HASH_SESSION_KEY] = person.user.get_session_auth_hash()
    session[ORGANIZATION_KEY] = str(person.organization.pk)
    session[IDLE_KEY] = int(idle_limit(person.role).total_seconds())
    with acting_for(person.organization.pk, person.user.pk):
        session.create()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return client
