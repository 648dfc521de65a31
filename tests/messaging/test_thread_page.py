"""The page of a conversation: who reads it, and what they find there."""

from uuid import uuid4

import pytest
from django.urls import reverse

from messaging.models import Message
from tests.messaging.pages import HTMX, messages_url, text_of, thread_url
from tests.messaging.writing import QUESTION, answered_by, read_by

# The same in every worker: they must collect the same tests.
NOBODY = "01a1fde9-0000-7000-8000-000000000007"


@pytest.mark.parametrize("who", ["ana", "sam", "ada", "noor"])
def test_everyone_concerned_reads_the_conversation(cast, client_for, conversation, who):
    page = text_of(client_for(getattr(cast, who)).get(thread_url(conversation)))

    assert QUESTION in page
    assert "Swelling" in page


@pytest.mark.parametrize("who", ["ben", "boris", "carla", "olga", "admin"])
@pytest.mark.parametrize("address", ["thread", "messages", "read"])
def test_a_strangers_404_is_that_of_a_conversation_that_never_was(
    cast, client_for, conversation, who, address
):
    client = client_for(getattr(cast, who))
    method = client.post if address == "read" else client.get
    foreign = method(reverse(f"messaging:{address}", args=[conversation.pk]))
    unknown = method(reverse(f"messaging:{address}", args=[uuid4()]))

    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content


@pytest.mark.parametrize(
    "asked",
    ["?from=not-an-id", f"?from={NOBODY}", "?from=' OR 1=1", "?from=%00", "?from=" + "f" * 500],
)
def test_a_window_that_cannot_be_is_not_found(cast, client_for, conversation, asked):
    assert client_for(cast.ana).get(thread_url(conversation) + asked).status_code == 404


@pytest.mark.parametrize("asked", ["not-an-id", NOBODY, "%00"])
@pytest.mark.parametrize("address", ["/messages/new/", "/home/messages/"])
def test_a_patient_who_cannot_be_is_not_found(cast, client_for, asked, address):
    assert client_for(cast.ana).get(f"{address}?patient={asked}").status_code == 404


def test_whoever_is_signed_out_is_asked_to_sign_in(client, db, conversation):
    assert client.get(thread_url(conversation)).status_code == 302
    assert client.get(thread_url(conversation), headers=HTMX).status_code == 401


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("post", "messaging:index"),
        ("post", "messaging:thread"),
        ("get", "messaging:read"),
        ("get", "messaging:delivery"),
        ("put", "messaging:messages"),
        ("delete", "messaging:new"),
        ("post", "messaging:badge"),
    ],
)
def test_a_wrong_method_is_refused(cast, client_for, conversation, method, address):
    needs_id = address.rpartition(":")[2] in ("thread", "read", "messages")
    url = reverse(address, args=[conversation.pk] if needs_id else [])
    assert getattr(client_for(cast.ana), method)(url).status_code == 405


def test_looking_changes_nothing(cast, client_for, conversation, acting):
    from messaging.actions import undelivered, unread

    client = client_for(cast.ada)
    for address in (thread_url(conversation), messages_url(conversation), "/messages/"):
        client.get(address)
        client.get(address, headers=HTMX)
    with acting(cast.ada):
        assert unread(cast.ada.reader) == 1
        assert undelivered(cast.ada.reader)


def test_the_reading_is_on_record_for_the_page_and_not_for_its_refreshes(
    cast, client_for, conversation, acting
):
    from portal.models import AuditEntry

    client = client_for(cast.ada)
    page = client.get(thread_url(conversation))
    token = page.context["page"].token
    for _ in range(3):
        client.get(messages_url(conversation), headers=HTMX | {"X-Vigil-Refresh": token})
    with acting(cast.admin):
        read = AuditEntry.objects.filter(action="patient.read", actor_id=cast.ada.user.pk)
        assert read.count() == 1


def test_a_long_conversation_shows_its_end_and_the_way_back(
    cast, client_for, conversation, monkeypatch
):
    monkeypatch.setattr("messaging.thread.NEWEST", 6)
    for number in range(13):
        answered_by(cast.ada, conversation, body=f"number {number:02}")
    client = client_for(cast.ana)

    page = client.get(thread_url(conversation))
    assert "number 12" in text_of(page)
    assert "number 06" not in text_of(page)
    earlier = page.context["window"].earlier
    wider = client.get(f"{thread_url(conversation)}?from={earlier}")
    assert "number 01" in text_of(wider)
    assert QUESTION not in text_of(wider)
    whole = client.get(f"{thread_url(conversation)}?from={wider.context['window'].earlier}")
    assert QUESTION in text_of(whole)
    assert whole.context["window"].earlier is None


def test_a_window_keeps_its_top_while_it_grows(cast, client_for, conversation, monkeypatch):
    monkeypatch.setattr("messaging.thread.NEWEST", 6)
    for number in range(7):
        answered_by(cast.ada, conversation, body=f"number {number:02}")
    client = client_for(cast.ana)
    page = client.get(thread_url(conversation))
    top = page.context["window"].lines[0].body

    for number in range(7, 12):
        answered_by(cast.ada, conversation, body=f"number {number:02}")
    again = client.get(f"{messages_url(conversation)}?{page.context['place']}", headers=HTMX)
    assert again.context["window"].lines[0].body == top
    assert "number 11" in text_of(again)


def test_days_stand_between_messages_in_the_clinics_zone(cast, client_for, conversation):
    from datetime import UTC, datetime

    # Ten in the evening and one in the morning in Boston: in UTC both are the same day.
    for hour in (3, 6):
        answered_by(
            cast.ada, conversation, body=f"at {hour}", at=datetime(2026, 3, 3, hour, tzinfo=UTC)
        )
    page = text_of(client_for(cast.ana).get(thread_url(conversation)))

    assert page.index("Monday 2 March") < page.index("at 3") < page.index("Tuesday 3 March")
    assert page.index("Tuesday 3 March") < page.index("at 6")
    assert "10 p.m." in page


def test_receipts_are_said_in_words_to_the_sender_only(cast, client_for, conversation):
    client = client_for(cast.ana)
    assert "Sent" in text_of(client.get(thread_url(conversation)))

    client_for(cast.ada).post(reverse("messaging:delivery"))
    assert "Delivered" in text_of(client.get(thread_url(conversation)))

    read_by(cast.ada, conversation)
    assert "Seen by Ada Lee" in text_of(client.get(thread_url(conversation)))
    assert "Seen by" not in text_of(client_for(cast.noor).get(thread_url(conversation)))


def test_that_her_daughter_has_seen_it_does_not_count_as_seen_by_the_team(
    cast, client_for, conversation
):
    read_by(cast.sam, conversation)
    line = client_for(cast.ana).get(thread_url(conversation)).context["window"].lines[0]

    assert line.seen == []
    assert [told.name for told in line.told if told.seen_at] == ["Sam Ruiz"]


def test_a_message_stays_when_its_author_may_no_longer_be_known(
    cast, client_for, conversation, system
):
    from portal.models import Caregiver

    answered_by(cast.sam, conversation, body="Mum has a fever.")
    with system():
        Caregiver.objects.filter(user=cast.sam.user).delete()

    page = text_of(client_for(cast.ana).get(thread_url(conversation)))
    assert "Mum has a fever." in page
    assert "Someone who is no longer here" in page


@pytest.mark.parametrize(
    "broken",
    [b"", b"\x01", b"\x01\x04testshort", b"\x01\x04test" + b"long" * 20, b"\x01\x02\xff\xff"],
)
def test_a_message_that_does_not_open_says_so_and_the_others_are_shown(
    cast, client_for, conversation, system, broken
):
    answered_by(cast.ada, conversation, body="Please rest.")
    with system():
        Message.objects.filter(author=cast.ana.user).update(body_sealed=broken)

    page = text_of(client_for(cast.noor).get(thread_url(conversation)))
    assert "This message cannot be opened" in page
    assert "Please rest." in page
