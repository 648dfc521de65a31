"""Pages ask the database as often for a hundred as for one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.messaging.writing import answered_by, started_by

HTMX = {"HX-Request": "true"}
MORE = 7


@pytest.fixture
def queries(client_for):
    """How many statements a page takes."""

    def queries(person, address, **headers):
        client = client_for(person)
        client.get(address, headers=headers)  # what is remembered after the first time
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address, headers=headers).status_code == 200
        return len(captured)

    return queries


def addresses(cast, conversation, who):
    thread = reverse("messaging:thread", args=[conversation.pk])
    shared = [("/messages/", {}), (thread, {}), ("/notifications/", {})]
    if who == "ada":
        panel = reverse("messaging:panel", args=[cast.ana.patient.pk])
        return [*shared, ("/dashboard/messages/", HTMX), (panel, HTMX)]
    return [*shared, ("/home/messages/", HTMX)]


@pytest.mark.parametrize("who", ["ana", "ada"])
def test_pages_take_as_many_queries_for_many_as_for_one(cast, conversation, queries, who):
    person = getattr(cast, who)
    answered_by(cast.ada, conversation)
    started_by(cast.ana, cast.ana.patient)
    asked = addresses(cast, conversation, who)
    for_few = [queries(person, address, **headers) for address, headers in asked]

    for number in range(MORE):
        other = started_by(cast.ana, cast.ana.patient, subject=f"{number}").conversation
        answered_by(cast.noor, other)
        for author in (cast.ana, cast.sam, cast.ada, cast.noor):
            answered_by(author, conversation, body=f"{number}")
    assert [queries(person, address, **headers) for address, headers in asked] == for_few


def test_a_thread_and_an_inbox_stay_within_their_means(cast, conversation, queries):
    thread = reverse("messaging:thread", args=[conversation.pk])
    assert queries(cast.ana, thread) <= 26
    assert queries(cast.ada, thread) <= 34
    assert queries(cast.ada, "/messages/") <= 20
    assert queries(cast.ada, "/messages/unread/") <= 10
