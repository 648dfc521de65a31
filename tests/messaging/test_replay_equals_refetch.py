"""Every action: a page that received its events equals a page freshly loaded."""

import re

import pytest
from django.urls import reverse

from appointments.actions import book_visit, cancel_visit
from messaging.actions import mark_delivered
from notifications.actions import mark_all_read
from portal.tenancy import acting_for
from tests.messaging.writing import answered_by, read_by, started_by
from tests.open_page import Ear, OpenPage

# Where "New" stands and where a page begins belong to the moment in which it was opened.
OF_THE_MOMENT = re.compile(
    r"(from|new)=[0-9a-f-]{36}&?|^ *<li \{'class': 'thread__new'.*\n.*\n", re.M
)


def acting(person):
    return acting_for(person.organization.pk, person.user.pk)


def visit(cast, days=1):
    from datetime import timedelta

    from django.utils import timezone

    starts_at = timezone.now() + timedelta(days=days)
    with acting(cast.ada):
        return book_visit(
            cast.ana.patient.pk,
            kind="Wound check",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=30),
            by=cast.ada.reader,
        )


def deliver(cast, conversation):
    with acting(cast.ada):
        mark_delivered(by=cast.ada.reader)


def see_all(cast, conversation):
    with acting(cast.sam):
        mark_all_read(by=cast.sam.reader)


def call_off(cast, conversation):
    booked = visit(cast, days=2)
    with acting(cast.ada):
        cancel_visit(booked.pk, by=cast.ada.reader)


# In an order in which each changes what somebody sees.
ACTIONS = {
    "start_conversation": lambda cast, _: started_by(cast.ana, cast.ana.patient, subject="Pain"),
    "start_conversation by the team": lambda cast, _: started_by(cast.noor, cast.ana.patient),
    "reply by the patient": lambda cast, talk: answered_by(cast.ana, talk, body="It is red now."),
    "mark_delivered": deliver,
    "mark_read": lambda cast, talk: read_by(cast.ada, talk),
    "reply by the caregiver": lambda cast, talk: answered_by(cast.sam, talk, body="I can drive."),
    "reply by the team": lambda cast, talk: answered_by(cast.ada, talk),
    "mark_read by the patient": lambda cast, talk: read_by(cast.ana, talk),
    "mark_all_read": see_all,
    "book_visit": lambda cast, _: visit(cast),
    "cancel_visit": call_off,
    "many at once": lambda cast, talk: [
        answered_by(cast.noor, talk, body=f"number {number}") for number in range(7)
    ],
}


def pages_of(cast, conversation):
    """Who has what open: everything that shows messages, notifications or visits."""
    thread = reverse("messaging:thread", args=[conversation.pk])
    panels = [
        reverse(f"{app}:panel", args=[cast.ana.patient.pk]) for app in ("messaging", "appointments")
    ]
    shared = ["/messages/", thread, "/notifications/", "/visits/"]
    return {
        "ana": [*shared, "/home/messages/", "/home/visit/"],
        "sam": [*shared, "/home/messages/", "/home/visit/"],
        "ada": [*shared, *panels, "/dashboard/messages/", "/dashboard/today/"],
        "noor": ["/messages/", thread],
        "boris": ["/messages/", "/notifications/", "/dashboard/messages/"],
    }


def shown(page):
    return OF_THE_MOMENT.sub("", page.shown())


@pytest.mark.parametrize("who", ["ana", "sam", "ada", "noor", "boris"])
def test_pages_that_heard_equal_pages_freshly_loaded(
    committed, cast, client_for, database_urls, who
):
    # One afternoon: the pages stay open and hear one action after the other, so that what the one
    # left behind would be seen in the next.
    person = getattr(cast, who)
    conversation = started_by(cast.ana, cast.ana.patient).conversation
    ear = Ear(database_urls.superuser)
    addresses = pages_of(cast, conversation)[who]
    client = client_for(person)
    # The frame, with the bell and the count in the navigation, is the same around all of them.
    open_pages = [
        OpenPage(client, person, address, whole=address == addresses[0]) for address in addresses
    ]
    changed = 0

    for action, act in ACTIONS.items():
        before = [shown(page) for page in open_pages]
        act(cast, conversation)
        events = ear.news()
        assert events, action
        for page in open_pages:
            page.hear(events)
        changed += before != [shown(page) for page in open_pages]
        for page in open_pages:
            assert shown(page) == shown(page.afresh()), (action, page.address)

    # Boris looks after somebody else: of all this, nothing reaches him.
    assert changed == 0 if who == "boris" else changed >= len(ACTIONS) / 2


def test_the_harness_notices_a_region_that_listens_to_too_little(
    committed, cast, client_for, database_urls
):
    conversation = started_by(cast.ana, cast.ana.patient).conversation
    ear = Ear(database_urls.superuser)
    page = OpenPage(client_for(cast.ada), cast.ada, "/dashboard/messages/")
    answered_by(cast.ana, conversation, body="It is red now.")
    page.hear([event for event in ear.news() if event.table == "portal_notifications"])

    assert shown(page) != shown(page.afresh())
