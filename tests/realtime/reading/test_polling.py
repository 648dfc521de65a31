"""The fallback without a socket: the same bindings, the same events, the same rights."""

import json
import uuid
from datetime import timedelta

import psycopg
import pytest
from django.utils import timezone

from realtime import polling
from realtime.audience import Press
from tests.realtime.reading.wire import Inbox, number
from tests.waiting import wait_until

VITALS = {"event": "*", "schema": "public", "table": "vital_signs"}


@pytest.fixture
def inbox(superuser, relay, committed):
    """Where events begin; a relay moves them into the log."""
    return Inbox(superuser)


@pytest.fixture
def put(inbox, ana, clinic):
    """`put(3)`: so many changes about Ana; their ids."""

    def put(count=1, **options):
        options = {"organization": clinic.pk} | options
        return [inbox.put([f"patient:{ana.patient.pk}"], **options) for _ in range(count)]

    return put


@pytest.fixture
def poll(client_for):
    """`poll(ana, cursor, VITALS)`: what a page of hers is answered."""
    clients = {}

    def poll(person, cursor, *bindings, status=200, **more):
        client = clients.setdefault(person.user.pk, client_for(person))
        body = {"cursor": cursor, "bindings": list(bindings), **more}
        response = client.post("/realtime/changes", body, content_type="application/json")
        assert response.status_code == status, response.content
        return response.json()

    return poll


def rows(answer):
    return [(each["data"].get("record") or {}).get("id") for each in answer["events"]]


def test_a_poll_tells_what_happened_since_the_cursor(poll, put, inbox, ana):
    before = inbox.head()
    expected = put(3)
    head = inbox.head()
    answer = poll(ana, before, VITALS)
    assert rows(answer) == expected
    # What watches over the engine may have said something of its own meanwhile.
    assert number(answer["cursor"]) >= number(head)
    assert answer["epoch"] == head.rpartition(":")[0]
    assert answer["at"].endswith("+00:00")
    assert (answer["more"], answer["resync"]) == (False, False)
    assert poll(ana, answer["cursor"], VITALS)["events"] == []


def test_events_name_the_bindings_by_their_place(poll, put, inbox, ana):
    before = inbox.head()
    put(code="a")
    put(code="b")
    put(table="goals")
    inbox.head()
    answer = poll(
        ana,
        before,
        {**VITALS, "filter": "code=eq.b"},
        VITALS,
        {**VITALS, "table": "goals"},
        VITALS,
    )
    assert [each["ids"] for each in answer["events"]] == [[1, 3], [0, 1, 3], [2]]


def test_a_poll_tells_nothing_of_others(poll, put, inbox, ada, ben, boris, olga, admin):
    before = inbox.head()
    expected = put(2)
    head = inbox.head()
    assert rows(poll(ada, before, VITALS)) == expected
    for stranger in (ben, boris, olga, admin):
        answer = poll(stranger, before, VITALS)
        assert answer["events"] == []
        # What is not theirs is passed over all the same.
        assert number(answer["cursor"]) >= number(head)


def test_a_revoked_reader_polls_nothing_of_the_past_either(poll, put, inbox, ada, system):
    from portal.models import CareTeamMembership

    before = inbox.head()
    put(2)
    with system():
        CareTeamMembership.objects.filter(provider=ada.provider).delete()
    inbox.head()
    assert rows(poll(ada, before, VITALS)) == []


def test_a_long_history_comes_in_pages(poll, put, inbox, ana, monkeypatch):
    monkeypatch.setattr(polling, "PAGE", 3)
    before = inbox.head()
    expected = put(7)
    inbox.head()
    found, cursor, pages, more = [], before, 0, True
    while more:
        answer = poll(ana, cursor, VITALS)
        found += rows(answer)
        cursor, more, pages = answer["cursor"], answer["more"], pages + 1
    assert found == expected
    assert pages == 3


def test_a_history_that_cannot_be_told_is_said_to_be_so(poll, put, inbox, ana, owner, clinic):
    before = inbox.head()
    epoch, seq = before.rpartition(":")[0], number(before)
    put(2)
    head = inbox.head()
    for cursor in (f"other:{seq}", f"{epoch}:{seq + 1_000}"):
        answer = poll(ana, cursor, VITALS)
        assert (answer["resync"], answer["events"], answer["cursor"]) == (True, [], head)
    owner.execute("UPDATE realtime_relay SET oldest_seq = %s", [seq + 2])
    assert poll(ana, before, VITALS)["resync"]
    owner.execute("UPDATE realtime_relay SET oldest_seq = 1")
    assert not poll(ana, head, VITALS)["resync"]
    inbox.resync("vital_signs", clinic.pk)
    inbox.head()
    assert poll(ana, head, VITALS)["resync"]
    assert not poll(ana, head, {**VITALS, "table": "goals"})["resync"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"[" * 5_000,
        b'{"cursor":"e:1"}',
        b'{"cursor":"e:1","bindings":{}}',
        b'{"cursor":"e","bindings":[]}',
        b'{"cursor":null,"bindings":[]}',
        b'{"cursor":-1,"bindings":[]}',
        b'{"cursor":"e:99999999999999999999","bindings":[]}',
        b'{"cursor":"e:1","bindings":[5]}',
        b'{"cursor":"e:1","bindings":[{"table":"users"}]}',
        b'{"cursor":"e:1","bindings":[{"table":"vital_signs","filter":"x=eq.1"}]}',
        b"\xff\xfe",
    ],
)
def test_a_body_that_is_not_understood_is_422(client_for, ana, body):
    response = client_for(ana).post("/realtime/changes", body, content_type="application/json")
    assert response.status_code == 422
    assert response.json()["error"]


def test_everything_else_has_its_own_answer(client_for, client, ana, clinic, other_clinic):
    from django.test import Client

    signed_in = client_for(ana)
    ask = {"cursor": "e:1", "bindings": []}

    def post(client, body, **options):
        return client.post("/realtime/changes", body, content_type="application/json", **options)

    assert post(client, ask).status_code == 401
    assert post(signed_in, {**ask, "organization": str(other_clinic.pk)}).status_code == 409
    assert post(signed_in, {**ask, "organization": str(clinic.pk)}).status_code == 200
    assert post(signed_in, {**ask, "bindings": ["x" * 20_000]}).status_code == 413
    assert signed_in.get("/realtime/changes").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = signed_in.cookies
    assert post(strict, ask).status_code == 403


def test_the_answer_is_never_kept(client_for, ana):
    response = client_for(ana).post(
        "/realtime/changes",
        json.dumps({"cursor": f"{uuid.uuid4()}:1", "bindings": []}),
        content_type="application/json",
    )
    assert "no-store" in response["Cache-Control"]
    assert wait_until(lambda: response.json()["resync"])


def test_a_poll_says_when_nothing_new_can_reach_it(poll, put, inbox, ana, database_urls):
    before = inbox.head()
    expected = put(2)
    inbox.head()
    assert poll(ana, before, VITALS)["fresh"]
    with psycopg.connect(database_urls.superuser) as connection:
        connection.execute("SELECT FROM realtime_relay FOR UPDATE")
        answer = wait_until(lambda: not (told := poll(ana, before, VITALS))["fresh"] and told)
        # What there is, is told all the same.
        assert rows(answer) == expected
        assert not poll(ana, "another:1", VITALS)["fresh"]


def test_a_poll_says_when_rights_have_changed(poll, inbox, ada, ben, ana, clinic, system):
    from portal.models import CareTeamMembership

    before = inbox.head()
    with system():
        # Of long ago: one that begins now is told of again, by the clock.
        CareTeamMembership.objects.create(
            organization=clinic,
            patient=ben.patient,
            provider=ada.provider,
            starts_at=timezone.now() - timedelta(days=365),
        )
    after = inbox.head()
    assert poll(ada, before, VITALS)["resync"]
    assert not poll(ada, after, VITALS)["resync"]
    assert not poll(ana, before, VITALS)["resync"]


def test_a_change_that_cannot_be_told_is_passed_and_the_page_looks(
    poll, put, inbox, ana, monkeypatch, caplog
):
    """A mistake of ours about one row, as on a socket (test_mistakes): no poll meets it twice."""
    before = inbox.head()
    odd, _ = put(2)
    data = Press.data

    def wrong(press, event, select):
        if event.row_id == odd:
            raise ZeroDivisionError(event.row_id)
        return data(press, event, select)

    monkeypatch.setattr(Press, "data", wrong)
    head = inbox.head()
    answer = poll(ana, before, VITALS)
    assert (answer["resync"], answer["events"], answer["more"]) == (True, [], False)
    assert number(answer["cursor"]) >= number(head)
    (record,) = [each for each in caplog.records if "could not be told" in each.message]
    assert record.exc_info[0] is ZeroDivisionError
    later = put()
    inbox.head()
    assert rows(poll(ana, answer["cursor"], VITALS)) == later


def test_a_poll_that_we_cannot_answer_says_when_to_come_again(client_for, ana, monkeypatch, caplog):
    """The page says that it is behind, as after any refusal, and asks from the same cursor."""

    def wrong(*args, **kwargs):
        raise ZeroDivisionError

    client = client_for(ana)
    monkeypatch.setattr(polling.replay, "read", wrong)
    body = {"cursor": "e:1", "bindings": [VITALS]}
    response = client.post("/realtime/changes", body, content_type="application/json")
    assert (response.status_code, response.json()) == (500, {"error": "Unknown Error"})
    assert int(response["Retry-After"]) == polling.MISTAKE_SECONDS
    assert [record.message for record in caplog.records if record.exc_info] == ["A poll failed."]
