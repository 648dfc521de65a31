"""Control events: that a right has changed, told in order with the data."""

import uuid

import psycopg
import pytest


def test_a_control_event_names_users_and_what_happened(log, app):
    organization, users = uuid.uuid4(), [uuid.uuid4(), uuid.uuid4()]
    app.execute(
        "SELECT realtime_control(%s, %s, 'session_ended', %s::jsonb)",
        [organization, users, '{"session": "abc"}'],
    )

    [event] = log.inbox()
    assert (event["kind"], event["operation"]) == ("control", "session_ended")
    assert event["organization_id"] == organization
    assert event["topics"] == [f"user:{user}" for user in users]
    assert event["record"] == {"session": "abc"}


def test_a_control_event_for_a_whole_clinic_comes_in_pieces(log, app):
    app.execute(
        "SELECT realtime_control(gen_random_uuid(),"
        " (SELECT array_agg(gen_random_uuid()) FROM generate_series(1, 1200)), 'grants')"
    )

    assert sorted(len(event["topics"]) for event in log.inbox()) == [200, 500, 500]
    assert sum(event["rings"] for event in log.inbox()) == 1


def test_a_control_event_of_an_unknown_kind_is_refused(app):
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        app.execute("SELECT realtime_control(gen_random_uuid(), '{}', 'hello')")


def test_nobody_concerned_nothing_written(log, app):
    app.execute("SELECT realtime_control(gen_random_uuid(), '{}', 'grants')")
    app.execute("SELECT realtime_control(gen_random_uuid(), ARRAY[NULL::uuid], 'grants')")

    assert log.inbox() == []
