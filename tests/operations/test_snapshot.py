"""The debug snapshot: enough to help, and nothing of anybody."""

import json
import re
import uuid

import pytest
from django.conf import settings
from django.utils import timezone

from portal.models import AuditEntry
from portal.operations import kept_totals
from portal.operations.models import Finding, HubSample
from portal.tenancy import acting_for
from realtime.tally import Totals
from tests.house.record import CANARIES, IDENTITY, anas_record
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("committed", "log")

TOKEN = "CANARYTOKEN"


@pytest.fixture
def record(cast, relays, log, monkeypatch):
    """Ana's record has passed through the log, and something was found."""
    monkeypatch.setattr(settings, "METRICS_TOKEN", TOKEN)
    relays()
    record = anas_record(cast)
    wait_until(log.is_settled)
    now = timezone.now()
    with acting_for(None, system=True):
        Finding.objects.create(
            rule="x", began_at=now, beyond_at=now, reason="because", raised_at=now
        )
        HubSample.objects.create(
            grain=10, process="run", place="web 1", sockets=3, channels=3, unsent_bytes=0,
            position=1, is_fresh=True, bus_is_down=False, totals=kept_totals.written(Totals()),
        )  # fmt: skip
    return record


def taken(client):
    answer = client.get("/operations/snapshot/")
    assert answer.status_code == 200
    assert re.fullmatch(
        r'attachment; filename="vigil-snapshot-[\dT-]+\.json"', answer["Content-Disposition"]
    )
    return answer.text


def test_it_says_what_helps(record, admin, client_for):
    document = json.loads(taken(client_for(admin)))
    assert document["versions"]["django"].startswith("5.")
    assert document["settings"]["SECRET_KEY"] is True
    assert document["settings"]["SMS_PROVIDER"] is False
    assert {finding["area"] for finding in document["doctor"]} >= {"settings", "relay", "policies"}
    assert document["health"]["status"] in ("green", "yellow", "red")
    assert document["findings"][0]["reason"] == "because"
    assert 3 in [hub["sockets"] for hub in document["samples"]["hubs"]]
    assert {event["table"] for event in document["events"]} >= {"client_portal_messages"}


def test_it_holds_nothing_of_anybodys_record_and_no_secret(record, cast, admin, client_for):
    text = taken(client_for(admin))
    people = [cast.ana.user, cast.ada.user, cast.sam.user, cast.admin.user]
    secrets = [
        *(settings.SECRET_KEY, "A" * 43, TOKEN),
        *(settings.DATABASES[alias]["PASSWORD"] for alias in settings.DATABASES),
    ]
    names = [word for person in people for word in (person.email, str(person))]
    identifiers = [str(value) for value in vars(record).values() if isinstance(value, uuid.UUID)]
    identifiers += [str(person.pk) for person in people]
    for word in [*CANARIES, *IDENTITY, *secrets, *names, *identifiers]:
        assert word
        assert word not in text, word


def test_of_events_only_those_of_the_own_organization_are_in_it(
    record, other_admin, client_for, connect
):
    ours = json.loads(taken(client_for(other_admin)))["events"]
    seqs = [event["seq"] for event in ours]
    owners = connect("superuser").execute(
        "SELECT DISTINCT organization_id FROM realtime_events WHERE seq = ANY(%s)", [seqs]
    )
    assert {row["organization_id"] for row in owners} <= {other_admin.organization.pk}


def test_one_row_can_be_followed_within_a_snapshot_and_in_no_other(record, admin, client_for):
    def rows():
        events = json.loads(taken(client_for(admin)))["events"]
        return [event["row"] for event in events if event["table"] == "portal_notifications"]

    first, second = rows(), rows()
    assert first
    assert set(first).isdisjoint(second)


def test_that_it_was_taken_is_on_record(record, admin, client_for):
    taken(client_for(admin))
    with acting_for(admin.organization.pk, system=True):
        entry = AuditEntry.objects.get(action="operations.snapshot_taken")
    assert entry.actor_id == admin.user.pk
    assert entry.detail["events"] > 0
