"""The pages of messages: what each reader finds there, and what happens to what they typed."""

from uuid import uuid4

import pytest
from django.urls import reverse

from messaging.models import Conversation, Message
from tests.messaging.writing import QUESTION, answered_by, read_by, started_by

# The same in every worker: they must collect the same tests.
NOBODY = "01a1fde9-0000-7000-8000-000000000007"

HTMX = {"HX-Request": "true"}


def thread_url(conversation):
    return reverse("messaging:thread", args=[conversation.pk])


def messages_url(conversation):
    return reverse("messaging:messages", args=[conversation.pk])


def text_of(response) -> str:
    return response.content.decode()


@pytest.fixture
def written(cast, acting):
    """How many messages there are, as Ana sees them."""

    def written():
        with acting(cast.ana):
            return Message.objects.count()

    return written


# Reading --------------------------------------------------------------------------------------


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


# Writing --------------------------------------------------------------------------------------


def test_a_message_is_sent_without_scripts(cast, client_for, conversation):
    client = client_for(cast.ada)
    sent = client.post(messages_url(conversation), {"body": "Please rest.", "key": uuid4()})

    assert sent.status_code == 302
    assert "Please rest." in text_of(client.get(sent.url))


def test_a_page_with_scripts_gets_the_messages_and_an_empty_composer(
    cast, client_for, conversation
):
    key = uuid4()
    sent = client_for(cast.ada).post(
        messages_url(conversation), {"body": "Please rest.", "key": key}, headers=HTMX
    )

    page = text_of(sent)
    assert "Please rest." in page
    assert 'hx-swap-oob="true"' in page
    assert str(key) not in page.split('id="composer"')[1]


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("body", "words"),
    [("", "Please write your message first."), ("x" * 5001, "5,001"), (" \n ", "Please write")],
)
def test_what_cannot_be_sent_says_why_and_keeps_the_text_and_the_key(
    cast, client_for, conversation, written, headers, body, words
):
    key = str(uuid4())
    answer = client_for(cast.ada).post(
        messages_url(conversation), {"body": body, "key": key}, headers=headers
    )

    assert answer.status_code == 422
    assert words in text_of(answer)
    assert body.strip() in text_of(answer)
    assert key in text_of(answer)
    assert written() == 1


@pytest.mark.parametrize("key", ["", "not-a-key"])
def test_a_form_without_its_key_keeps_the_text_and_gets_a_new_one(
    cast, client_for, conversation, written, key
):
    client = client_for(cast.ada)
    answer = client.post(messages_url(conversation), {"body": "Please rest.", "key": key})

    assert answer.status_code == 422
    assert "Please press Send again." in text_of(answer)
    assert written() == 1
    again = {"body": "Please rest.", "key": answer.context["form"]["key"].value()}
    assert client.post(messages_url(conversation), again).status_code == 302
    assert written() == 2


def test_the_back_button_and_other_words_lose_nothing(cast, client_for, conversation, written):
    client, form = client_for(cast.ada), {"body": "Please rest.", "key": str(uuid4())}
    client.post(messages_url(conversation), form)
    answer = client.post(messages_url(conversation), form | {"body": "Please come in."})

    assert answer.status_code == 422
    assert "not sent yet" in text_of(answer)
    assert "Please come in." in text_of(answer)
    again = {"body": "Please come in.", "key": answer.context["form"]["key"].value()}
    assert client.post(messages_url(conversation), again).status_code == 302
    assert written() == 3


def test_what_is_written_is_shown_as_it_was_written(cast, client_for, conversation):
    body = "<script>alert(1)</script>\n\n  {{ 1 }} & “quotes” 日本 🙂"
    answered_by(cast.ada, conversation, body=body)

    page = text_of(client_for(cast.ana).get(thread_url(conversation)))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 1 }} &amp; “quotes” 日本 🙂" in page


def test_a_new_message_goes_to_the_care_team(cast, client_for, acting):
    client = client_for(cast.ana)
    form = {"category": "pain", "subject": "At night", "body": "It hurts.", "key": uuid4()}
    sent = client.post("/messages/new/", form)

    assert sent.status_code == 302
    assert "It hurts." in text_of(client.get(sent.url))
    with acting(cast.ada):
        assert Conversation.objects.get().category == "pain"


def test_a_new_message_without_a_category_keeps_what_was_typed(cast, client_for, written):
    form = {"subject": "At night", "body": "It hurts.", "key": uuid4()}
    answer = client_for(cast.ana).post("/messages/new/", form)

    assert answer.status_code == 422
    page = text_of(answer)
    assert "Please choose what it is about." in page
    assert "It hurts." in page
    assert "At night" in page
    assert written() == 0


def test_a_caregiver_of_two_says_for_whom(cast, client_for, system, acting):
    from portal.models import Caregiver

    with system():
        Caregiver.objects.create(
            organization=cast.clinic, patient=cast.ben.patient, user=cast.sam.user, scope="write"
        )
    client = client_for(cast.sam)
    form = {"category": "pain", "subject": "", "body": "It hurts.", "key": uuid4()}

    refused = client.post("/messages/new/", form)
    assert refused.status_code == 422
    assert "Please choose who it is about." in text_of(refused)
    assert "It hurts." in text_of(refused)

    assert client.post("/messages/new/", form | {"patient": cast.ben.patient.pk}).status_code == 302
    with acting(cast.boris):
        assert Conversation.objects.get().patient_id == cast.ben.patient.pk


def test_a_clinician_begins_from_the_chart(cast, client_for):
    client = client_for(cast.ada)
    assert client.get("/messages/new/").url == "/patients/"

    page = client.get(f"/messages/new/?patient={cast.ana.patient.pk}")
    assert "MRN <strong>4471</strong>" in text_of(page)
    assert client.get(f"/messages/new/?patient={cast.ben.patient.pk}").status_code == 404


def test_the_urgent_words_stand_before_the_box(cast, client_for, conversation):
    client = client_for(cast.ana)
    for address in (thread_url(conversation), "/messages/new/"):
        page = text_of(client.get(address))
        assert page.index("Is it urgent?") < page.index("<textarea")


@pytest.mark.parametrize("who", ["sam", "noor"])
def test_whoever_may_only_read_is_told_so_instead_of_a_box(
    cast, client_for, change, conversation, who
):
    change.caregiver(cast.sam, scope="read")
    change.place(cast.noor, access="read")
    client = client_for(getattr(cast, who))
    page = text_of(client.get(thread_url(conversation)))

    assert "<textarea" not in page
    assert "but not write" in page or "for reading only" in page
    assert client.post(messages_url(conversation), {"body": "x", "key": uuid4()}).status_code == 404
    new = text_of(client.get(f"/messages/new/?patient={cast.ana.patient.pk}"))
    assert "<textarea" not in new


@pytest.mark.parametrize("who", ["ana", "sam", "ada"])
def test_a_conversation_with_the_dead_says_why_nothing_can_be_sent(
    cast, client_for, change, conversation, who
):
    change.dies(cast.ana)
    client = client_for(getattr(cast, who))
    page = text_of(client.get(thread_url(conversation)))

    assert QUESTION in page
    assert "<textarea" not in page
    assert "please phone them" in page or "please call" in page
    answer = client.post(messages_url(conversation), {"body": "Hello?", "key": uuid4()})
    assert answer.status_code == 422
    new = client.get(f"/messages/new/?patient={cast.ana.patient.pk}")
    assert "<textarea" not in text_of(new)


# Lists ----------------------------------------------------------------------------------------


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
