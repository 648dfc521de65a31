"""Joining a channel: who may, what is answered, and what follows."""

import uuid

import pytest

from tests.realtime.reading.wire import PAGE, ids, is_system, number, reply_of

VITALS = {"table": "vital_signs"}


def heard(page):
    """What is heard before the answer to a heartbeat; how far all is told comes by the clock."""
    return [frame for frame in page.heartbeat()[:-1] if not is_system(frame, "position")]


@pytest.mark.parametrize("vsn", ["1.0.0", "2.0.0"])
def test_a_change_reaches_the_patient_it_is_about(wire, inbox, ana, clinic, vsn):
    page = wire(ana, vsn=vsn)
    page.live(VITALS)
    told = inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk, code="8867-4")
    (change,) = page.changes()
    assert change["type"] == "INSERT"
    assert change["record"] == {"id": told, "code": "8867-4"}
    assert change["columns"][0] == {"name": "id", "type": "uuid"}


def test_it_reaches_those_who_look_after_her_and_nobody_else(
    wire, inbox, ana, ada, sam, ben, boris, olga, admin, clinic
):
    near = [wire(person) for person in (ana, ada, sam)]
    far = [wire(person) for person in (ben, boris, olga, admin)]
    for page in near + far:
        page.live(VITALS)
    told = inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk)
    for page in near:
        assert ids(page.changes()) == [told]
    head = inbox.head()
    for page in far:
        frames = page.up_to_date()
        assert reply_of(frames[-1])["position"] == head
        assert not [frame for frame in frames if frame[3] == "postgres_changes"]


def test_an_event_of_another_organization_stays_there(wire, inbox, ana, other_clinic):
    # Should a topic ever be written into the wrong organization's event.
    page = wire(ana)
    page.live(VITALS)
    inbox.put([f"patient:{ana.patient.pk}"], organization=other_clinic.pk)
    inbox.head()
    assert len([frame for frame in page.heartbeat() if frame[3] == "postgres_changes"]) == 0


def test_the_reply_comes_first_then_what_was_missed_then_that_it_is_live(wire, inbox, ana, clinic):
    before = inbox.head()
    missed = inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk)
    head = inbox.head()
    page = wire(ana)
    page.live({**VITALS, "since": before})
    reply, change, subscribed, position = page.seen
    assert reply[3] == "phx_reply"
    assert change[4]["data"]["record"]["id"] == missed
    assert change[4]["ids"] == [reply[4]["response"]["postgres_changes"][0]["id"]]
    assert subscribed[4] == {
        "extension": "postgres_changes",
        "status": "ok",
        "message": "Subscribed to PostgreSQL",
        "channel": "page",
    }
    assert change[4]["data"]["position"] == head
    # The audit of the join is an event too, and may have come already.
    assert number(position[4]["message"]) >= number(head)
    assert position[4]["at"].endswith("+00:00")


def test_bindings_come_back_in_order_with_their_ids(wire, ana):
    reply = wire(ana).join(
        VITALS, {"table": "vital_signs", "filter": "code=eq.8867-4", "extra": {"kept": True}}
    )
    first, second = reply["postgres_changes"]
    assert second["extra"] == {"kept": True}
    assert first["id"] != second["id"]
    assert min(first["id"], second["id"]) >= 1


def test_each_change_names_the_bindings_it_meets(wire, inbox, ana, clinic):
    page = wire(ana)
    reply = page.join(
        {**VITALS, "filter": "code=eq.a"},
        {**VITALS, "event": "INSERT"},
        {**VITALS, "event": "DELETE"},
        {"table": "goals"},
    )
    a, inserts, deletes, goals = [each["id"] for each in reply["postgres_changes"]]
    topics = [f"patient:{ana.patient.pk}"]
    inbox.put(topics, organization=clinic.pk, code="a")
    inbox.put(topics, organization=clinic.pk, code="b")
    inbox.put(topics, organization=clinic.pk, code="a", operation="DELETE")
    inbox.put(topics, organization=clinic.pk, code="b", operation="UPDATE")
    inbox.put(topics, organization=clinic.pk, table="goals")
    page.changes(4)
    met = [frame[4]["ids"] for frame in page.seen if frame[3] == "postgres_changes"]
    assert met == [[a, inserts], [inserts], [a, deletes], [goals]]


def test_a_selection_leaves_the_key_and_what_was_asked_for(wire, inbox, ana, clinic):
    page = wire(ana)
    page.live({**VITALS, "select": ["code"]})
    told = inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk, code="a", status="b")
    (change,) = page.changes()
    assert change["record"] == {"id": told, "code": "a"}


def test_a_binding_that_cannot_work_is_refused_at_the_join(wire, ana):
    page = wire(ana)
    for binding in (
        {"table": "nothing_like_it"},
        {"table": "portal_user"},  # a table, but not a published one
        {"table": "pg_class", "schema": "pg_catalog"},
        {"table": "vital_signs", "schema": "other"},
        {"table": "vital_signs", "filter": "value_quantity=eq.1"},
        {"table": "vital_signs", "filter": "id=eq.1"},
        {"table": "vital_signs", "filter": "code=match.("},
        {"table": "vital_signs", "select": ["organization_id"]},
        {"table": "vital_signs", "select": "id"},
        {"table": "vital_signs", "since": "yesterday"},
        {"table": 5},
        {"schema": None},
    ):
        reason = page.join(VITALS, binding, expect="error")["reason"]
        assert "Unable to subscribe to changes with given parameters" in reason
    # The channel is as if it had never been; the socket is well.
    page.live(VITALS)


def test_tables_that_are_not_published_and_tables_that_are_not_there_are_the_same(wire, ana):
    page = wire(ana)
    reasons = [
        page.join({"table": name}, expect="error")["reason"].replace(name, "X")
        for name in ("portal_user", "no_such_table")
    ]
    assert reasons[0] == reasons[1]


def test_a_page_of_another_organization_is_told_to_reload(wire, ana, clinic, other_clinic):
    page = wire(ana)
    reason = page.join(VITALS, organization=str(other_clinic.pk), expect="error")["reason"]
    assert reason == "OrganizationChanged: This page belongs to another organization: reload it"
    page.live(VITALS, organization=str(clinic.pk))
    code, words = wire(ana, organization=str(other_clinic.pk)).closed()
    assert (code, words) == (4403, "This page belongs to another organization: reload it")


def test_a_heartbeat_is_answered_with_its_ref_and_the_position(wire, inbox, ana):
    page = wire(ana, vsn="1.0.0")
    page.socket.send('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":null}')
    _, ref, topic, event, payload = page.receive()
    assert (ref, topic, event) == (None, "phoenix", "phx_reply")
    assert payload["status"] == "ok"
    response = reply_of(page.up_to_date()[-1])
    assert response["position"] == inbox.head()
    assert response["at"].endswith("+00:00")


def test_a_channel_that_was_left_hears_nothing(wire, inbox, ana, clinic):
    page = wire(ana)
    page.live(VITALS)
    ref = page.send(PAGE, "phx_leave", {}, join_ref="1")
    reply, closed = page.receive(), page.receive()
    assert reply == ["1", ref, PAGE, "phx_reply", {"status": "ok", "response": {}}]
    assert closed == ["1", "1", PAGE, "phx_close", {}]
    inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk)
    inbox.head()
    assert heard(page) == []


def test_leaving_what_was_never_joined_is_answered_too(wire, ana):
    page = wire(ana)
    ref = page.send("realtime:elsewhere", "phx_leave", {})
    assert page.receive() == [
        None,
        ref,
        "realtime:elsewhere",
        "phx_reply",
        {"status": "ok", "response": {}},
    ]
    assert heard(page) == []


def test_a_second_join_replaces_the_first_without_closing_it(wire, inbox, ana, clinic):
    page = wire(ana)
    page.live(VITALS)
    page.live({"table": "goals"})
    inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk)
    told = inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk, table="goals")
    assert ids(page.changes()) == [told]
    assert not [frame for frame in page.seen if frame[3] == "phx_close"]


@pytest.mark.parametrize(
    ("topic", "event", "reason"),
    [
        ("realtime:unjoined", "broadcast", "unmatched topic"),
        ("elsewhere", "phx_join", "unmatched topic"),
        ("realtime:", "phx_join", "TopicNameRequired: You must provide a topic name"),
    ],
)
def test_what_goes_nowhere_is_said_to(wire, ana, topic, event, reason):
    page = wire(ana)
    ref = page.send(topic, event, {})
    _, answered, _, name, payload = page.receive()
    assert (answered, name) == (ref, "phx_reply")
    assert payload == {"status": "error", "response": {"reason": reason}}


def test_unknown_events_and_tokens_are_passed_over_in_silence(wire, ana):
    page = wire(ana)
    page.live(VITALS)
    page.send(PAGE, "access_token", {"access_token": "x"}, join_ref="1")
    page.send(PAGE, "unheard_of", {}, join_ref="0")
    page.send("phoenix", "unheard_of", {})
    assert heard(page) == []


def test_a_private_channel_needs_the_right_to_its_topic(wire, ana, ben):
    page = wire(ana)
    page.join(VITALS, topic=f"realtime:patient:{ana.patient.pk}", private=True)
    reasons = {
        page.join(topic=f"realtime:patient:{name}", private=True, expect="error")["reason"].replace(
            str(name), "X"
        )
        for name in (ben.patient.pk, uuid.uuid4())
    }
    assert reasons == {
        "Unauthorized: You do not have permissions to read from this Channel topic: patient:X"
    }


def test_a_join_is_audited_before_it_is_answered(wire, ana, system):
    from portal.models.audit import AuditEntry

    wire(ana).live(VITALS, {"table": "goals"})
    with system():
        (entry,) = AuditEntry.objects.filter(action="realtime.subscribe", actor_id=ana.user.pk)
    assert "vital_signs" in str(entry.detail)


def test_an_order_to_resync_reaches_whoever_listens_to_the_table(wire, inbox, ana, carla, clinic):
    page, stranger, other = wire(ana), wire(carla), wire(ana)
    page.live(VITALS)
    stranger.live(VITALS)
    other.live({"table": "goals"})
    inbox.resync("vital_signs", clinic.pk)
    page.until(lambda frame: is_system(frame, "resync"))
    inbox.head()
    assert heard(stranger) == heard(other) == []


def test_a_row_too_large_to_travel_tells_its_readers_to_look(wire, inbox, ana, clinic):
    page = wire(ana)
    page.live({**VITALS, "filter": "code=eq.8867-4"})
    inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk)  # the key alone
    page.until(lambda frame: is_system(frame, "resync"))
