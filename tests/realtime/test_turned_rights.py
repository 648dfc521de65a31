"""Whose right began or ended by the clock: what PostgreSQL finds between two looks, and tells."""

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from django.utils import timezone

from portal import access
from portal.models import AccessGrant, Caregiver, Membership, Role

HOUR = timedelta(hours=1)
LOOK = "SELECT portal_tell_turned_rights(%s) AS upto"


@pytest.fixture
def starts(owner):
    """`starts(boris, at)`: his place on a care team begins then, and never ends."""

    def starts(person, at):
        owner.execute(
            "UPDATE care_team_memberships SET starts_at = %s, ends_at = NULL"
            " WHERE provider_id = %s",
            [at, person.provider.pk],
        )

    return starts


@pytest.fixture
def told(superuser, engine, log):
    """`told(since)`: who is told by a look, as (organization, person); no trigger's doing."""

    def told(since):
        superuser.execute("DELETE FROM realtime_inbox")
        engine.execute(LOOK, [since])
        return whom()

    def whom():
        rows = log.inbox()
        assert {(row["kind"], row["operation"]) for row in rows} <= {("control", "grants")}
        # One event for each organization, however many rights of one person turned.
        assert len({row["organization_id"] for row in rows}) == len(rows)
        return sorted((row["organization_id"], topic) for row in rows for topic in row["topics"])

    told.whom = whom
    return told


def named(person, organization):
    return (organization.pk, f"user:{person.user.pk}")


@pytest.fixture
def now(superuser):
    """The database's time."""
    return superuser.execute("SELECT clock_timestamp() AS now").fetchone()["now"]


def test_what_began_or_ended_since_then_is_told_and_nothing_else(
    committed, told, starts, system, now, ana, ben, boris, sam, noor, clinic
):
    assert told(now - 2 * HOUR) == []
    starts(boris, now - HOUR)
    starts(noor, now + HOUR)
    with system():
        Caregiver.objects.update(ends_at=now - HOUR)
    assert told(now - 2 * HOUR) == sorted([named(boris, clinic), named(sam, clinic)])
    assert told(now - HOUR / 2) == []


def test_a_person_is_told_where_the_right_is_and_once(
    committed, told, starts, system, now, ana, boris, olga, clinic, other_clinic
):
    """Boris works in both clinics; in one his place began, in the other nothing changed."""
    with system(other_clinic):
        Membership.objects.create(organization=other_clinic, user=boris.user, role=Role.CLINICIAN)
    starts(boris, now - HOUR)
    with system():
        for _ in range(2):
            AccessGrant.objects.create(
                organization=clinic,
                patient=ana.patient,
                user=boris.user,
                subject_id=uuid4(),
                ends_at=now - HOUR,
            )
    assert told(now - 2 * HOUR) == [named(boris, clinic)]
    starts(olga, now - HOUR)
    assert named(olga, other_clinic) in told(now - 2 * HOUR)


def test_who_begins_to_lead_looks_back_a_day(committed, told, starts, now, boris, noor, clinic):
    starts(boris, now - 23 * HOUR)
    starts(noor, now - 25 * HOUR)
    assert told(None) == [named(boris, clinic)]


@pytest.mark.parametrize(("since", "is_told"), [("interval '1 us'", True), ("interval '0'", False)])
def test_the_instant_itself_belongs_to_one_look_alone(
    committed, told, superuser, boris, clinic, since, is_told
):
    """It ends a look and does not begin one: all statements that are sent at once have one time."""
    superuser.execute(
        "UPDATE care_team_memberships SET starts_at = statement_timestamp()"
        f" WHERE provider_id = '{boris.provider.pk}';"
        "DELETE FROM realtime_inbox;"
        f"SELECT portal_tell_turned_rights(statement_timestamp() - {since})"
    )
    assert told.whom() == ([named(boris, clinic)] if is_told else [])


def test_the_next_look_begins_where_this_one_ended(committed, engine, now):
    upto = engine.execute(LOOK, [now]).fetchone()["upto"]
    assert upto > now


def test_the_application_may_not_ask(committed, app, owner):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(LOOK, [None])
    # Nor anybody else, by way of PUBLIC.
    assert owner.execute(
        "SELECT NOT EXISTS (SELECT FROM pg_proc, aclexplode(proacl)"
        " WHERE proname = 'portal_tell_turned_rights' AND grantee = 0) AND proacl IS NOT NULL AS so"
        " FROM pg_proc WHERE proname = 'portal_tell_turned_rights'"
    ).fetchone()["so"]


def test_a_process_whose_clock_is_behind_reads_the_rights_of_now(
    db, system, monkeypatch, ana, boris, clinic
):
    """It is told once that a right turned; were it to see that a moment later, nobody would."""
    with system():
        ends = timezone.now()
        Caregiver.objects.create(
            organization=clinic, patient=ana.patient, user=boris.user, ends_at=ends
        )
        monkeypatch.setattr(timezone, "now", lambda: ends - HOUR)
        assert f"patient:{ana.patient.pk}" not in access.topics(boris.reader)
