"""What a join reads from the log stands behind both walls, its first page and those that follow."""

import pytest

from realtime import history, replay
from realtime.asking import Asking
from tests.realtime.reading.walls import WithoutGrants, WithoutPolicies
from tests.realtime.reading.wire import changed_ids

VITALS = {"table": "vital_signs"}


@pytest.fixture
def missed(inbox, ana, ben, clinic, forgetful, monkeypatch):
    """Where a page left, the topics of two patients, and what was told of each since, in turn."""
    monkeypatch.setattr(history, "PAGE", 1)
    monkeypatch.setattr(replay, "PAGE", 1)
    since = inbox.head()
    topics = [f"patient:{person.patient.pk}" for person in (ana, ben)]
    turns = [[inbox.put([topic], organization=clinic.pk) for topic in topics] for _ in range(3)]
    told = list(map(list, zip(*turns, strict=True)))
    inbox.head()
    forgetful()
    return since, topics, told


def test_grants_hold_when_row_level_security_is_off(wire, missed, server, monkeypatch, ana, ada):
    since, _, (of_ana, _) = missed
    # The owner's policy lets every row through.
    monkeypatch.setattr(replay, "DEFAULT_DB_ALIAS", "owner")
    monkeypatch.setattr(server.hub, "authority", WithoutPolicies())
    for person in (ana, ada):
        page = wire(person)
        page.live({**VITALS, "since": since})
        assert changed_ids(page) == of_ana


def test_row_level_security_holds_when_everything_is_granted(
    wire, missed, server, monkeypatch, ana, ada
):
    since, topics, (of_ana, _) = missed
    everything = WithoutGrants(topics)
    monkeypatch.setattr(server.hub, "authority", everything)
    monkeypatch.setattr(server.hub, "asking", Asking(everything, server.hub.threads))
    for person in (ana, ada):
        page = wire(person)
        page.live({**VITALS, "since": since})
        assert changed_ids(page) == of_ana
