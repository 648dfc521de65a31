"""What a channel may ask for, and which events meet it."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from realtime import bindings
from realtime.bindings import Match
from realtime.cursor import Cursor
from realtime.cursor import parse as parse_cursor
from realtime.errors import Refused
from realtime.event import Event

TABLES = {
    "notes": SimpleNamespace(columns={"id": "uuid", "ward": "text"}),
    "beds": SimpleNamespace(columns={"id": "uuid", "number": "int4"}),
}


def asked(*requests, **options):
    return bindings.parse(list(requests), TABLES, **options)


def an_event(operation="INSERT", table="notes", seq=5, **record):
    row = {"id": 1, **record}
    return Event(
        seq=seq,
        topics=(),
        table=table,
        operation=operation,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        record=None if operation == "DELETE" else row,
        old_record=row if operation == "DELETE" else None,
    )


def meets(request, event):
    return bool(asked(request).match(event))


@pytest.mark.parametrize(
    ("event", "operations"),
    [
        ("*", {"INSERT", "UPDATE", "DELETE"}),
        (None, {"INSERT", "UPDATE", "DELETE"}),
        ("truncate", {"INSERT", "UPDATE", "DELETE"}),  # an unknown value counts as *
        ("insert", {"INSERT"}),
        ("UPDATE", {"UPDATE"}),
        ("Delete", {"DELETE"}),
    ],
)
def test_the_event_chooses_the_operations(event, operations):
    found = {
        operation
        for operation in ("INSERT", "UPDATE", "DELETE")
        if meets({"event": event, "table": "notes"}, an_event(operation))
    }
    assert found == operations


@pytest.mark.parametrize(
    ("request_", "tables"),
    [
        ({"schema": "public", "table": "notes"}, {"notes"}),
        ({"table": "notes"}, {"notes"}),
        ({"schema": "public"}, {"notes", "beds"}),
        ({"schema": "*", "table": "*"}, {"notes", "beds"}),
        ({"schema": "public", "table": "*", "filter": "number=gt.1"}, {"beds"}),
    ],
)
def test_schema_and_table_choose_among_what_is_published(request_, tables):
    assert asked(request_).tables == tables


def test_a_filter_judges_the_new_row_or_of_a_delete_the_old_one():
    request = {"table": "notes", "filter": "ward=eq.a"}
    for operation in ("INSERT", "UPDATE", "DELETE"):
        assert meets(request, an_event(operation, ward="a"))
        assert not meets(request, an_event(operation, ward="b"))


def test_a_row_that_travelled_without_its_columns_is_untold():
    match = asked({"table": "notes", "filter": "ward=eq.a"}).match(an_event())
    assert match == Match((), untold=True)


def test_one_match_lists_all_bindings_grouped_by_what_they_select():
    found = asked(
        {"table": "notes"},
        {"schema": "public", "table": "notes", "select": ["ward"]},
        {"table": "notes", "event": "INSERT"},
        {"table": "beds"},
    )
    whole, ward, inserts, _ = [each.id for each in found.bindings]
    assert found.match(an_event()).ids == (
        (None, (whole, inserts)),
        (frozenset({"id", "ward"}), (ward,)),
    )


def test_in_history_each_binding_hears_only_what_is_past_its_own_cursor():
    found = asked(
        {"table": "notes", "since": "e:4"},
        {"table": "notes", "since": "e:5", "event": "*"},
        {"table": "notes", "event": "INSERT"},
    )
    first, second, third = [each.id for each in found.bindings]
    assert found.since == Cursor("e", 4)
    assert found.match(an_event(seq=5), history=True).ids == ((None, (first,)),)
    assert found.match(an_event(seq=6), history=True).ids == ((None, (first, second)),)
    assert found.match(an_event(seq=6)).ids == ((None, (first, second, third)),)


def test_equal_requests_are_one_audience_wherever_they_begin():
    one, two = asked({"table": "notes", "since": "e:4"}), asked({"table": "notes"})
    assert one.key == two.key != asked({"table": "beds"}).key


def test_too_many_and_too_deep_are_refused():
    with pytest.raises(Refused, match="at most 2"):
        asked(*[{"table": "notes"}] * 3, most=2)
    deep = {"table": "notes"}
    for _ in range(9):
        deep = {"table": "notes", "extra": deep}
    with pytest.raises(Refused, match="flat"):
        asked(deep)


@pytest.mark.parametrize(
    ("value", "epoch", "cursor"),
    [
        ("e:7", None, Cursor("e", 7)),
        ("a:b:7", "other", Cursor("a:b", 7)),
        ("7", "e", Cursor("e", 7)),
        (7, None, Cursor(None, 7)),
        ("e:0", None, Cursor("e", 0)),
    ],
)
def test_a_cursor_is_read(value, epoch, cursor):
    assert parse_cursor(value, epoch) == cursor


@pytest.mark.parametrize(
    "value", [None, True, 1.5, -1, "", "e:", "e", "e:-1", "e:1.5", "e: 1", "e:１", "9" * 19, [1]]
)
def test_what_is_no_cursor_is_refused(value):
    with pytest.raises(ValueError, match="cursor"):
        parse_cursor(value)
