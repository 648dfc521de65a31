"""A mistake of ours about one page: it alone is closed, begins again, and the others hear all."""

import pytest
from django.conf import settings

from realtime.protocol import Envelope
from tests.realtime.reading.wire import changed_ids, is_system

VITALS = {"table": "vital_signs"}
ODD = "realtime:odd"


@pytest.fixture
def pages(wire, ana):
    """Three pages of Ana's; the one in the middle has a channel of another name."""
    pages = [wire(ana) for _ in range(3)]
    for page, topic in zip(pages, ("realtime:page", ODD, "realtime:page"), strict=True):
        page.live(VITALS, topic=topic)
    return pages


@pytest.fixture
def mistake(monkeypatch):
    """`mistake(id)`: a channel named `realtime:odd` cannot be told of the change of this row."""
    change = Envelope.change

    def mistake(row):
        def wrong(envelope, ids, data):
            frame = change(envelope, ids, data)
            if f'"{ODD}"' in frame and row in data:
                raise ZeroDivisionError(data)
            return frame

        monkeypatch.setattr(Envelope, "change", wrong)

    return mistake


class Unwritable:
    """A line on which writing is a mistake of ours."""

    def __init__(self, line):
        self._line = line

    def write(self, frames):
        raise ZeroDivisionError

    def __getattr__(self, name):
        return getattr(self._line, name)


def line_of(record):
    """What our log says of it."""
    factory = {**settings.LOGGING["formatters"]["lines"]}
    return factory.pop("()")(**factory).format(record)


def test_a_page_that_cannot_be_told_begins_again_and_the_others_are_told(
    pages, put, inbox, wire, ana, superuser, clinic, mistake, caplog
):
    first, odd, last = pages
    since = inbox.head()
    row = "3f1c6a58-0000-4000-8000-000000000001"
    mistake(row)
    inbox.put([f"patient:{ana.patient.pk}"], organization=clinic.pk, id=row)
    after = put()

    for page in (first, last):
        page.changes(2)
        assert changed_ids(page) == [row, after]
    assert odd.closed() == (4009, "resync")
    assert changed_ids(odd) == []
    (record,) = [each for each in caplog.records if "could not be told to every" in each.message]
    assert "ZeroDivisionError" in line_of(record)
    assert row not in line_of(record)

    # With the cursor that it had, it would be told the same again: it has to look by itself.
    again = wire(ana)
    again.live({**VITALS, "since": since}, topic=ODD)
    (resync,) = [frame for frame in again.seen if is_system(frame, "resync")]
    assert resync[4]["message"] == "the history could not be told"
    later = put()
    again.changes(1)
    assert changed_ids(again)[-1] == later


def test_a_socket_that_cannot_be_written_to_holds_no_batch_up(
    pages, server, superuser, ana, clinic, monkeypatch
):
    first, odd, last = pages
    (connection,) = [each for each in server.hub.connections if ODD in each.channels]

    monkeypatch.setattr(connection, "line", Unwritable(connection.line))
    superuser.execute(
        "INSERT INTO realtime_inbox"
        " (organization_id, kind, topics, table_name, row_id, operation, record)"
        " SELECT %s, 'change', %s, 'vital_signs', n::text, 'INSERT', jsonb_build_object('id', n)"
        " FROM generate_series(1, 50) AS n",
        [clinic.pk, [f"patient:{ana.patient.pk}"]],
    )
    for page in (first, last):
        page.changes(50)
        assert changed_ids(page) == list(range(1, 51))
    assert odd.closed() == (4009, "resync")
