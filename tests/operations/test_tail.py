"""Following a topic: what is shown, what is not, and that whoever looked is on record."""

import json
import time
import uuid
from itertools import count
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from portal.models import AuditEntry
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def told(log, superuser, clinic):
    """`told(topic)` puts an event on a topic of Harbour Clinic into the log; returns its row."""

    def told(topic, organization=clinic.pk):
        row_id = str(uuid.uuid4())
        superuser.execute(
            "INSERT INTO realtime_inbox (organization_id, kind, topics, table_name, row_id,"
            " operation, record) VALUES (%s, 'change', %s, 'patients', %s, 'UPDATE', %s)",
            [organization, [topic], row_id, json.dumps({"id": row_id, "word": "CANARY"})],
        )
        wait_until(log.is_settled)
        return row_id

    return told


def tail(capsys, topic, *options):
    call_command("tail", topic, "--organization", "harbour", "--seconds", "0", *options)
    return capsys.readouterr().out


def test_the_events_of_a_topic_are_shown_in_order(relays, told, capsys):
    relays()
    ours = [told("care:1"), told("care:1")]
    other = told("care:2")
    shown = [json.loads(line) for line in tail(capsys, "care:1", "--json").splitlines()]
    assert [event["row"] for event in shown] == ours
    assert other not in {event["row"] for event in shown}
    assert shown[0] | {"seq": 0, "at": "", "waited_ms": 0, "row": "", "bytes": 0} == {
        "seq": 0, "kind": "change", "operation": "UPDATE", "table": "patients", "row": "",
        "topics": ["care:1"], "at": "", "waited_ms": 0, "bytes": 0,
    }  # fmt: skip


def test_nothing_of_what_a_row_says_is_shown(relays, told, capsys):
    relays()
    row_id = told("care:1")
    for options in ([], ["--json"]):
        shown = tail(capsys, "care:1", *options)
        assert row_id in shown
        assert "CANARY" not in shown


def test_another_organizations_events_are_not_shown(relays, told, capsys, other_clinic):
    relays()
    told("care:1", organization=other_clinic.pk)
    assert tail(capsys, "care:1") == ""


def test_only_so_many_older_ones_are_shown(relays, told, capsys):
    relays()
    newest = [told("care:1") for _ in range(3)][-1]
    shown = tail(capsys, "care:1", "--last", "1", "--json").splitlines()
    assert [json.loads(line)["row"] for line in shown] == [newest]


@pytest.fixture
def while_it_looks(monkeypatch):
    """`while_it_looks(act)`: has `act(1)`, `act(2)` … done between its looks, until it ends."""
    from portal.management.commands import tail as module

    def while_it_looks(act):
        looks = count(1)
        # Not the sleep of those who wait in between.
        clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: act(next(looks)))
        monkeypatch.setattr(module, "time", clock)
        call_command("tail", "care:1", "--organization", "harbour", "--last", "0")

    return while_it_looks


def test_what_comes_while_one_looks_is_shown(relays, told, capsys, while_it_looks):
    relays()
    late = []

    def tell_then_leave(look):
        if look > 2:
            raise KeyboardInterrupt
        late.append(told("care:1"))

    while_it_looks(tell_then_leave)
    shown = capsys.readouterr().out
    assert [row for row in late if row in shown] == late


def test_after_a_restore_it_goes_on_in_a_log_that_stands_lower(
    relays, told, capsys, while_it_looks, superuser
):
    moved = "UPDATE realtime_relay SET last_seq = last_seq + %s, log_epoch = %s"
    late = []

    def restore_then_tell(look):
        match look:
            case 1:
                superuser.execute(moved, [-1000, "another"])
                relays()
            case 2:
                late.append(told("care:1"))
            case 4:
                raise KeyboardInterrupt

    superuser.execute(moved, [1000, "one"])
    while_it_looks(restore_then_tell)
    said = capsys.readouterr()
    assert late[0] in said.out
    assert "The log is another one now" in said.err


def test_whoever_looked_is_on_record(log, capsys, system):
    tail(capsys, "care:1")
    with system():
        entry = AuditEntry.objects.get(action="realtime.tailed")
    assert entry.detail["topic"] == "care:1"
    assert entry.detail["account"]


def test_an_unknown_organization_is_named():
    with pytest.raises(CommandError, match="no organization “nowhere”"):
        call_command("tail", "care:1", "--organization", "nowhere")
