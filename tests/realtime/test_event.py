"""An event's moment on the wire, however it was written down."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from realtime.event import Event

MOMENTS = [
    datetime(2026, 3, 1, 12, 30, 15, fraction, UTC)
    for fraction in (0, 1, 999, 1_000, 120_000, 123_000, 123_400, 123_456, 999_999)
]


def an_event(created_at):
    return Event(seq=1, topics=("a",), table="notes", operation="INSERT", created_at=created_at)


def on_the_wire(moment):
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1_000:03}Z"


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns", "America/New_York"])
def test_as_postgresql_writes_it(superuser, zone):
    superuser.execute("SELECT set_config('TimeZone', %s, false)", [zone])
    for moment in MOMENTS:
        (text,) = (
            superuser.execute("SELECT %s::timestamptz::text AS at", [moment]).fetchone().values()
        )
        event = an_event(text)
        assert event.commit_timestamp == on_the_wire(moment), text
        assert event.created_at == moment


@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(hours=10)), timezone(-timedelta(hours=3.5))]
)
def test_as_python_writes_it(zone):
    for moment in MOMENTS:
        here = moment.astimezone(zone)
        for written in (here, here.isoformat(), here.isoformat(" ", "milliseconds")):
            assert an_event(written).commit_timestamp == on_the_wire(moment), written


def test_what_is_no_moment_is_refused_where_it_comes_in():
    row = {"seq": 1, "topics": [], "table_name": None, "operation": None, "kind": "change"}
    row |= {"organization_id": None, "row_id": None, "record": None, "old_record": None}
    with pytest.raises(ValueError, match="isoformat"):
        Event.from_row(row | {"created_at": "2026-03-01 12:30:15.123456+0o:00"})
