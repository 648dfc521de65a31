"""The two walls say the same: portal/access.py and row-level security, over random worlds."""

from datetime import timedelta
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import access
from portal.models import (
    AccessGrant,
    Caregiver,
    CareTeamMembership,
    Membership,
    Patient,
    Provider,
    Role,
    User,
)
from portal.tenancy import acting_for
from tests.cast import CAST

# Hours, because the two sides ask the clock in two statements.
WHEN = st.sampled_from([None, timedelta(hours=-5), timedelta(hours=-1), timedelta(hours=5)])

place = st.tuples(
    st.integers(0, 3),  # patient
    st.integers(0, 3),  # provider
    st.sampled_from(["read", "write"]),
    st.sampled_from([timedelta(hours=-9), timedelta(hours=2)]),  # begins
    WHEN,  # ends
)
mandate = st.tuples(st.integers(0, 3), st.integers(0, 5), st.sampled_from(["read", "write"]), WHEN)
call = st.tuples(st.integers(0, 3), st.integers(0, 5), WHEN)
world = st.fixed_dictionaries(
    {
        "roles": st.lists(st.sampled_from(list(Role)), min_size=6, max_size=6),
        "ended": st.sets(st.integers(0, 5), max_size=2),
        "inactive": st.sets(st.integers(0, 5), max_size=2),
        "patient_users": st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=4, max_size=4),
        "provider_users": st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=4, max_size=4),
        "places": st.lists(place, max_size=8, unique_by=lambda item: item[:2]),
        "mandates": st.lists(mandate, max_size=5, unique_by=lambda item: item[:2]),
        "calls": st.lists(call, max_size=5),
    }
)


def build(world) -> list[User]:
    """Write a world into Harbour Clinic; return its six users."""
    now, clinic = timezone.now(), CAST.clinic
    users = [
        User.objects.create_user(f"u{index}@world.example", None, name=f"U{index}")
        for index in range(6)
    ]
    for index, user in enumerate(users):
        Membership.objects.create(
            organization=clinic,
            user=user,
            role=world["roles"][index],
            ended_at=now if index in world["ended"] else None,
        )
        if index in world["inactive"]:
            User.objects.filter(pk=user.pk).update(is_active=False)

    def each_once(indices):
        seen = set()
        for index in indices:
            yield None if index is None or index in seen else users[index]
            seen.add(index)

    patients = [
        Patient.objects.create(
            organization=clinic, user=user, mrn=f"W{number}", name="P", birth_on="1990-01-01"
        )
        for number, user in enumerate(each_once(world["patient_users"]))
    ]
    providers = [
        Provider.objects.create(organization=clinic, user=user, name="D")
        for user in each_once(world["provider_users"])
    ]
    for patient, provider, rights, begins, ends in world["places"]:
        starts_at = now + begins
        ends_at = None if ends is None else max(now + ends, starts_at)
        CareTeamMembership.objects.create(
            organization=clinic,
            patient=patients[patient],
            provider=providers[provider],
            access=rights,
            starts_at=starts_at,
            ends_at=ends_at,
        )
    for patient, user, scope, ends in world["mandates"]:
        Caregiver.objects.create(
            organization=clinic,
            patient=patients[patient],
            user=users[user],
            scope=scope,
            ends_at=None if ends is None else now + ends,
        )
    for patient, user, ends in world["calls"]:
        AccessGrant.objects.create(
            organization=clinic,
            patient=patients[patient],
            user=users[user],
            subject_id=uuid4(),
            ends_at=None if ends is None else now + ends,
        )
    return users


def said_by_sql(organization, user, function: str) -> set[str]:
    with acting_for(organization.pk, user.pk), connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}")
        return {str(value) for (value,) in cursor.fetchall()}


def said_by_application(organization, user) -> dict[str, set[str]]:
    """What access.py says, asked with row-level security wide open for this organization."""
    with acting_for(organization.pk, system=True):
        reader = access.reader_in(organization.pk, user.pk)
        if reader is None:
            return {
                "visible": set(),
                "writable": set(),
                "team": set(),
                "watched": set(),
                "known": set(),
                "topics": set(),
            }

        def ids(patients):
            return {str(pk) for pk in patients.values_list("pk", flat=True)}

        return {
            "visible": ids(access.visible_patients(reader)),
            "writable": ids(access.writable_patients(reader)),
            "team": ids(access.care_team_patients(reader)),
            "watched": ids(access.watched_patients(reader)),
            "known": ids(access.known_patients(reader)),
            "topics": set(access.topics(reader)),
        }


class Undo(Exception):
    """Ends an example without leaving its world behind."""


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=world)
def test_application_and_database_agree_on_who_sees_whom(cast, world):
    try:
        with transaction.atomic():
            with acting_for(cast.clinic.pk, system=True):
                users = build(world)
            for user in [*users, cast.ana.user, cast.ada.user, cast.sam.user, cast.olga.user]:
                for organization in (cast.clinic, cast.other_clinic):
                    said = said_by_application(organization, user)
                    for name, function in {
                        "visible": "portal_visible_patients()",
                        "writable": "portal_writable_patients()",
                        "team": "portal_care_team_patients()",
                        "watched": "portal_watched_patients()",
                        "known": "portal_known_patients()",
                        "topics": "unnest(realtime_granted_topics())",
                    }.items():
                        assert said_by_sql(organization, user, function) == said[name], name
            with acting_for(cast.clinic.pk, system=True):
                seen_by: dict[UUID, set[UUID]] = {}
                for user in [*users, cast.ana.user, cast.ada.user, cast.sam.user, cast.noor.user]:
                    reader = access.reader_in(cast.clinic.pk, user.pk)
                    for patient in access.visible_patients(reader) if reader else []:
                        seen_by.setdefault(patient.pk, set()).add(user.pk)
                for patient in Patient.objects.exclude(pk=cast.ben.patient.pk):
                    told = set(access.entitled_users(patient))
                    assert told == seen_by.get(patient.pk, set()), patient.mrn
            raise Undo
    except Undo:
        pass


def test_a_place_that_has_ended_shows_nobody_by_either_wall(cast):
    hour = timedelta(hours=1)
    with acting_for(cast.clinic.pk, system=True):
        CareTeamMembership.objects.filter(provider=cast.ada.provider).update(
            starts_at=timezone.now() - 2 * hour, ends_at=timezone.now() - hour
        )
    said = said_by_application(cast.clinic, cast.ada.user)
    for name in ("team", "watched", "visible"):
        assert said[name] == set()
    for function in ("care_team", "watched", "visible", "writable"):
        assert said_by_sql(cast.clinic, cast.ada.user, f"portal_{function}_patients()") == set()


def test_who_is_entitled_is_told_only_to_those_who_are(cast, acting):
    with acting(cast.ana):
        assert set(access.entitled_users(cast.ana.patient)) == {
            person.user.pk for person in (cast.ana, cast.ada, cast.noor, cast.sam)
        }
    for stranger in (cast.boris, cast.ben, cast.olga, cast.admin):
        with acting(stranger):
            assert access.entitled_users(cast.ana.patient) == []
