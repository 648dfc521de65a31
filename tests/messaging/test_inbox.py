"""The lists of conversations: who waits longest, and whose they are."""

from tests.messaging.pages import text_of
from tests.messaging.writing import answered_by, started_by


def test_the_longest_waiting_stands_on_top_of_the_clinicians_inbox(cast, client_for):
    from datetime import timedelta

    from django.utils import timezone

    now = timezone.now()
    long, short, done = (
        started_by(cast.ana, cast.ana.patient, subject=subject, at=now - timedelta(hours=hours))
        for subject, hours in (("long", 9), ("short", 1), ("done", 20))
    )
    answered_by(cast.noor, done.conversation, at=now - timedelta(minutes=1))
    answered_by(cast.ana, long.conversation, body="Hello?", at=now)

    page = client_for(cast.ada).get("/messages/")
    assert [row.conversation.pk for row in page.context["waiting"]] == [
        long.conversation_id,
        short.conversation_id,
    ]
    assert page.context["waiting"][0].waiting_since == long.sent_at
    assert [row.conversation.pk for row in page.context["listed"]] == [done.conversation_id]


def test_two_identifiers_stand_beside_each_patient(cast, client_for, conversation):
    page = text_of(client_for(cast.ada).get("/messages/"))
    assert "born 2 Mar 1964 · MRN 4471" in page


def test_nobody_waits_for_an_answer_to_the_dead(cast, client_for, change, conversation):
    change.dies(cast.ana)
    assert client_for(cast.ada).get("/messages/").context["waiting"] == []


def test_an_administrator_finds_words_and_no_messages(cast, client_for, conversation):
    page = text_of(client_for(cast.admin).get("/messages/"))
    assert "Messages are between patients and their care teams" in page
    assert "Swelling" not in page


def test_a_caregiver_of_two_sees_whose_each_is(cast, client_for, conversation, system):
    from portal.models import Caregiver

    assert "about Ana Ruiz" not in text_of(client_for(cast.sam).get("/messages/"))
    with system():
        Caregiver.objects.create(
            organization=cast.clinic, patient=cast.ben.patient, user=cast.sam.user
        )
    assert "about Ana Ruiz" in text_of(client_for(cast.sam).get("/messages/"))
