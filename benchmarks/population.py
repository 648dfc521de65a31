"""Whom a run is about: clinics full of people who are signed in.

Two clinics of patients, each of whom has one open page; and one of clinicians, each on the care
team of a fifth of its patients. All of it are rows of the portal, and every session is one that the
portal's own store would open: nothing about sign-in, grants or row-level security is left out.
"""

import random
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils import timezone

from portal.middleware.sessions import IDLE_KEY
from portal.models import (
    CareTeamMembership,
    Membership,
    Organization,
    Patient,
    Provider,
    Role,
    Session,
    User,
)
from portal.sessions import ORGANIZATION_KEY, SessionStore, digest_of

FIFTH = 5
_IDLE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a page open: who they are to the portal, and the cookie that says so."""

    organization_id: str
    patient_id: str | None
    cookie: str


class Clinic:
    """An organization, its patients, and who is signed in there."""

    def __init__(self, slug: str) -> None:
        self.row = Organization(name=f"{slug.title()} Clinic", slug=slug)
        self.row.save(using="owner", force_insert=True)
        self.id = str(self.row.pk)
        self.patients: list[Patient] = []
        self.visitors: list[Visitor] = []

    def admit(self, count: int, *, with_page: bool) -> None:
        """Register patients; `with_page` has each of them signed in."""
        users = [self._user(f"p{number}") for number in range(count)] if with_page else []
        self._people(users, Role.PATIENT)
        self.patients = [
            Patient(
                organization=self.row,
                user=users[number] if with_page else None,
                mrn=str(number),
                name=f"Patient {number}",
                birth_on=date(1964, 3, 2),
            )
            for number in range(count)
        ]
        _keep(Patient, self.patients)
        self.visitors += self._signed_in(users, [str(each.pk) for each in self.patients])

    def employ(self, count: int) -> None:
        """Have clinicians, signed in, each on the care team of a fifth of the patients."""
        users = [self._user(f"c{number}") for number in range(count)]
        self._people(users, Role.CLINICIAN)
        providers = [
            Provider(organization=self.row, user=user, name=user.name, role="Clinician")
            for user in users
        ]
        _keep(Provider, providers)
        # The same teams in every run.
        chance = random.Random(count)
        _keep(
            CareTeamMembership,
            [
                CareTeamMembership(organization=self.row, patient=patient, provider=provider)
                for provider in providers
                for patient in chance.sample(self.patients, len(self.patients) // FIFTH)
            ],
        )
        self.visitors += self._signed_in(users, [None] * count)

    def _user(self, name: str) -> User:
        user = User(email=f"{name}@{self.row.slug}.example", name=f"Person {name}")
        # Nobody types it; each has one of their own, because sessions stand on it.
        user.password = f"!{secrets.token_hex(20)}"
        return user

    def _people(self, users: list[User], role: Role) -> None:
        _keep(User, users)
        _keep(
            Membership, [Membership(organization=self.row, user=user, role=role) for user in users]
        )

    def _signed_in(self, users: list[User], patients: list[str | None]) -> Iterator[Visitor]:
        store, ends = SessionStore(), timezone.now() + timedelta(hours=12)
        sessions = []
        for user, patient in zip(users, patients, strict=False):
            key = secrets.token_hex(16)
            data = {
                SESSION_KEY: str(user.pk),
                BACKEND_SESSION_KEY: "portal.authentication.EmailBackend",
                HASH_SESSION_KEY: user.get_session_auth_hash(),
                ORGANIZATION_KEY: self.id,
                IDLE_KEY: _IDLE_SECONDS,
            }
            sessions.append(
                Session(
                    digest=digest_of(key),
                    session_data=store.encode(data),
                    expire_date=ends,
                    user=user,
                    organization=self.row,
                )
            )
            yield Visitor(self.id, patient, f"{settings.SESSION_COOKIE_NAME}={key}")
        _keep(Session, sessions)


def _keep(model: type, rows: Iterable) -> None:
    """Write rows as the owner, who is bound by no reader's rights."""
    model._default_manager.using("owner").bulk_create(list(rows), batch_size=2_000)
