"""The number of unread messages is one number, everywhere, after every act."""

import re

import pytest
from django.urls import reverse

from messaging.actions import mark_delivered, unread
from tests.messaging.writing import answered_by, read_by, started_by

HTMX = {"HX-Request": "true"}
BOTH_SIDES = ("ana", "sam", "ada", "noor")


def number_in(words: str) -> int:
    """The first number that a fragment says; none is nought."""
    text = re.sub(r"<[^>]*>", " ", words)
    found = re.search(r"\d+", text)
    return int(found.group()) if found else 0


@pytest.fixture
def numbers(client_for, acting):
    """Every unread number that somebody can see, by where it stands."""

    def numbers(person):
        client = client_for(person)
        with acting(person):
            found = {"action": unread(person.reader)}
        found["navigation"] = number_in(client.get("/messages/unread/").content.decode())
        index = client.get("/messages/").context
        rows = [*index.get("waiting", []), *index["listed"].object_list]
        found["list"] = index["unread"]
        found["rows"] = sum(row.unread for row in rows)
        found["threads"] = sum(
            client.get(reverse("messaging:thread", args=[row.conversation.pk]))
            .context["window"]
            .unread
            for row in rows
        )
        found["bell"] = number_in(client.get("/notifications/bell/count/").content.decode())
        if person.reader.is_clinical:
            dashboard = client.get("/dashboard/messages/", headers=HTMX).context
            found["dashboard"] = dashboard["unread"]
            found["dashboard rows"] = sum(row.unread for row in dashboard["listed"])
        else:
            home = client.get("/home/messages/", headers=HTMX)
            found["home"] = home.context["unread"]
        return found

    return numbers


def deliver(cast, acting, conversation):
    with acting(cast.ada):
        mark_delivered(by=cast.ada.reader)


ACTS = {
    "nothing": lambda cast, acting, conversation: None,
    "a second question": lambda cast, acting, conversation: answered_by(
        cast.ana, conversation, body="And now it is red."
    ),
    "an answer": lambda cast, acting, conversation: answered_by(cast.ada, conversation),
    "the caregiver's word": lambda cast, acting, conversation: answered_by(
        cast.sam, conversation, body="I can drive her."
    ),
    "a reading": lambda cast, acting, conversation: read_by(cast.ada, conversation),
    "the patient's reading": lambda cast, acting, conversation: read_by(cast.ana, conversation),
    "a delivery": deliver,
    "another conversation": lambda cast, acting, conversation: started_by(
        cast.noor, cast.ana.patient, subject="Your visit"
    ),
    "one without an end": lambda cast, acting, conversation: [
        answered_by(cast.noor, conversation, body=f"{number}") for number in range(12)
    ],
}


@pytest.mark.parametrize("act", ACTS)
def test_the_numbers_agree_everywhere_after(cast, acting, conversation, numbers, act):
    ACTS[act](cast, acting, conversation)

    for name in BOTH_SIDES:
        found = numbers(getattr(cast, name))
        assert len(set(found.values())) == 1, (name, found)


def test_the_number_is_right_and_not_only_the_same(cast, acting, conversation, numbers):
    answered_by(cast.ada, conversation)
    answered_by(cast.ada, conversation, body="How far can you bend it?")

    assert set(numbers(cast.ana).values()) == {2}
    assert set(numbers(cast.noor).values()) == {3}
    assert set(numbers(cast.ada).values()) == {0}
    read_by(cast.ana, conversation)
    assert set(numbers(cast.ana).values()) == {0}


def test_the_numbers_agree_when_a_right_ends(cast, change, conversation, numbers, acting):
    from django.utils import timezone

    change.place(cast.noor, ends_at=timezone.now())

    found = numbers(cast.noor)
    assert set(found.values()) == {0}, found


def test_the_page_that_is_read_says_so_by_itself(cast, client_for, conversation, numbers):
    client = client_for(cast.ada)
    page = client.get(reverse("messaging:thread", args=[conversation.pk]))
    seen = page.context["window"].last
    answered_by(cast.ana, conversation, body="This came a moment later.")

    client.post(reverse("messaging:read", args=[conversation.pk]), {"seen": seen})
    assert set(numbers(cast.ada).values()) >= {1}
    found = numbers(cast.ada)
    assert found["action"] == found["navigation"] == found["rows"] == 1
