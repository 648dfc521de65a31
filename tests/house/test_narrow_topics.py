"""What only some may hear of: their pages stay live, and the others' are told nothing."""

import uuid
from datetime import timedelta
from importlib import import_module

import psycopg
import pytest
from django.urls import reverse
from django.utils import timezone

from appointments.actions import book_visit, claim_visit
from care.questionnaires.shelf import CHECK_IN, PHQ_9
from portal import access
from portal.actions.invitations import invite_patient
from portal.models import AccessGrant, Patient
from tests.house.every_row import answer_all, every_row, everybody
from tests.open_page import Ear, OpenPage

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def ear(database_urls):
    return Ear(database_urls.superuser)


@pytest.fixture
def hearers(cast, acting):
    """`hearers(events, "invitations")`: who of the clinic hears of a change of that table."""

    def hearers(events, table):
        topics = [set(event.topics) for event in events if event.table == table]
        assert topics, f"nothing was told of {table}"
        found = set()
        for name in ("ana", "sam", "ada", "noor", "boris", "ben", "admin"):
            person = getattr(cast, name)
            with acting(person):
                granted = set(access.topics(person.reader))
            found |= {name} if any(granted & told for told in topics) else set()
        return found

    return hearers


@pytest.fixture
def called(cast, system):
    """Boris, whom an escalation has called to Ana."""
    with system():
        AccessGrant.objects.create(
            organization=cast.clinic,
            patient=cast.ana.patient,
            user=cast.boris.user,
            subject_id=uuid.uuid4(),
        )
    return cast.boris


@pytest.mark.parametrize(
    ("key", "told"),
    [(PHQ_9, {"ana", "ada", "noor", "boris"}), (CHECK_IN, {"ana", "sam", "ada", "noor", "boris"})],
)
def test_answers_reach_the_open_pages_of_those_who_may_read_them(
    cast, client_for, called, ear, hearers, key, told
):
    panel = reverse("care:panel_questionnaires", args=[cast.ana.patient.pk])
    pages = [
        OpenPage(client_for(person), person, address)
        for person, address in (
            (cast.ada, panel),
            (called, panel),
            (cast.ana, "/home/check-in/"),
            (cast.sam, "/home/check-in/"),
        )
    ]
    before = [page.shown() for page in pages]
    answer_all(cast.ana, key)
    events = ear.news()
    for page in pages:
        page.hear(events)

    assert hearers(events, "questionnaire_responses") == told
    assert [page.shown() for page in pages] == [page.afresh().shown() for page in pages]
    changed = [page.shown() != was for page, was in zip(pages, before, strict=True)]
    # The home page shows the daily check-in and no more.
    assert changed == [True, True, key == CHECK_IN, key == CHECK_IN]


def test_a_claim_is_told_to_the_team_and_not_to_whoever_was_called(
    cast, acting, client_for, called, ear, hearers
):
    starts_at = timezone.now() + timedelta(hours=1)
    with acting(cast.ada):
        visit = book_visit(
            cast.ana.patient.pk, kind="Wound check", starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=30), by=cast.ada.reader,
        )  # fmt: skip
    page = OpenPage(
        client_for(cast.ada), cast.ada, reverse("appointments:staff_visit", args=[visit.pk])
    )
    ear.news()
    with acting(cast.noor):
        claim_visit(visit.pk, by=cast.noor.reader)
    events = ear.news()
    page.hear(events)

    assert "Noor Haddad is on this" in page.shown()
    assert hearers(events, "appointment_claims") == {"ada", "noor"}


def test_an_invitation_is_told_to_the_team_and_not_to_whoever_was_called(
    cast, acting, system, client_for, called, ear, hearers
):
    with system():
        Patient.objects.filter(pk=cast.ana.patient.pk).update(user=None)
    page = OpenPage(client_for(cast.ada), cast.ada, f"/patients/{cast.ana.patient.pk}/")
    assert "has not come yet" not in page.shown()
    ear.news()
    with acting(cast.ada):
        invite_patient(
            cast.ana.patient.pk, "ana@home.example", by=cast.ada.reader, site="https://clinic"
        )
    events = ear.news()
    page.hear(events)

    assert "has not come yet" in page.shown()
    assert hearers(events, "invitations") == {"ada", "noor", "admin"}


def test_a_call_is_told_to_the_one_who_is_called_and_to_the_team(
    cast, called, ear, hearers, system
):
    ear.news()
    with system():
        AccessGrant.objects.create(
            organization=cast.clinic,
            patient=cast.ana.patient,
            user=cast.ben.user,
            subject_id=uuid.uuid4(),
        )
    assert hearers(ear.news(), "access_grants") == {"ben", "ada", "noor"}


# What was told before ---------------------------------------------------------------------------

MIGRATIONS = (
    "care.migrations.0009_narrowed_log",
    "portal.migrations.0015_narrowed_log",
    "appointments.migrations.0011_narrowed_log",
)
# As their triggers had it.
WIDER = """
    UPDATE {events} SET topics = CASE table_name
        WHEN 'questionnaire_responses' THEN ARRAY['patient:' || (record ->> 'patient_id')]
        ELSE ARRAY(SELECT replace(topic, 'team:', 'care:') FROM unnest(topics) AS topic)
    END
    WHERE table_name = ANY(%s)
"""
NARROWED = ["questionnaire_responses", "access_grants", "invitations", "appointment_claims"]


def test_what_the_log_kept_is_told_to_nobody_else_either(cast, database_urls):
    everything = "realtime_inbox", "realtime_events"
    with psycopg.connect(database_urls.superuser, autocommit=True) as superuser:
        superuser.execute("DELETE FROM realtime_inbox")
        every_row(cast, everybody(cast))
        # Half of it waits still, as at any moment.
        superuser.execute(
            "SELECT count(*) FROM realtime_relay, realtime_move(leader_epoch,"
            " (SELECT count(*)::int / 2 FROM realtime_inbox), false)"
        )

        def told():
            return [
                superuser.execute(
                    "SELECT table_name, row_id, operation, created_at, topics"
                    f" FROM {events} ORDER BY created_at"
                ).fetchall()
                for events in everything
            ]

        as_now = told()
        assert all(as_now)
        for events in everything:
            superuser.execute(WIDER.format(events=events), [NARROWED])
        assert told() != as_now
        with psycopg.connect(database_urls.owner, autocommit=True) as owner:
            for name in MIGRATIONS:
                migration = import_module(name).Migration
                assert not migration.atomic
                for operation in migration.operations:
                    owner.execute(operation.sql[0])
        assert told() == as_now
