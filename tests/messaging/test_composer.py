"""What happens to what is typed: it is sent, once, or it is kept and says why it was not sent."""

from uuid import uuid4

import pytest

from messaging.models import Conversation, Message
from tests.messaging.pages import HTMX, messages_url, text_of, thread_url
from tests.messaging.writing import QUESTION, answered_by


@pytest.fixture
def written(cast, acting):
    """How many messages there are, as Ana sees them."""

    def written():
        with acting(cast.ana):
            return Message.objects.count()

    return written


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
