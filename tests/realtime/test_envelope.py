"""What travels between processes is signed, and nothing else is believed."""

import json

import pytest

from realtime.envelope import LONGEST_MESSAGE, packed, unpacked
from realtime.errors import NotOurs
from realtime.event import Event
from tests.realtime.bus_messages import ANOTHER_KEY, message

KEY = "of this clinic, and at least fifty characters long, as Django asks"
NEW_KEY = "of the same clinic from today on, and as long as the one before it was"


@pytest.fixture(autouse=True)
def key(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = KEY, []


def test_a_long_message_travels_without_its_events():
    short, long = message(count=3), message(count=3, filler="x" * LONGEST_MESSAGE)

    assert len(unpacked(packed(short))["events"]) == 3
    assert unpacked(packed(long)) == {"epoch": "e", "first": 1, "last": 3}


def test_an_event_is_the_same_off_the_bus_as_from_the_log():
    sent = message()["events"][0]
    received = unpacked(packed(message()))["events"][0]
    first, second = Event.from_row(sent), Event.from_row(received)

    assert first.commit_timestamp == second.commit_timestamp == "2026-03-01T00:00:00.000Z"
    assert first.record == second.record


def test_the_text_is_what_versions_before_the_signature_read():
    sent = {"epoch": "e", "first": 1, "last": 3}
    assert json.loads(packed(sent)["text"]) == sent


TRUE = {"epoch": "e", "first": 7, "last": 7}


@pytest.mark.parametrize(
    "made_of",
    [
        lambda envelope: {"text": envelope["text"]},
        lambda envelope: envelope | {"signature": None},
        lambda envelope: envelope | {"signature": "signature"},
        lambda envelope: envelope | {"signature": "é"},
        lambda envelope: envelope | {"signature": b""},
        lambda envelope: envelope | {"signature": bytes(32)},
        lambda envelope: envelope | {"text": envelope["text"].replace("7", "8")},
        lambda envelope: envelope | {"text": envelope["text"] + " "},
        lambda envelope: envelope | {"text": None},
        lambda envelope: envelope | {"text": "\ud800"},
        lambda envelope: {"signature": envelope["signature"]},
        lambda envelope: {},
        lambda envelope: None,
        lambda envelope: [envelope],
        lambda envelope: 7,
    ],
)
def test_what_was_made_of_a_true_one_is_not_ours(made_of):
    assert unpacked(packed(TRUE)) == TRUE
    with pytest.raises(NotOurs):
        unpacked(made_of(packed(TRUE)))


def test_what_another_clinic_sends_on_the_same_bus_is_not_ours(settings):
    settings.SECRET_KEY = ANOTHER_KEY
    theirs = packed(TRUE)
    settings.SECRET_KEY = KEY
    with pytest.raises(NotOurs):
        unpacked(theirs)


def test_a_key_is_exchanged_process_by_process(settings):
    old = packed(TRUE)
    # The first process that has the new key reads those that have not,
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW_KEY, [ANOTHER_KEY, KEY]
    assert unpacked(old) == TRUE
    new = packed(TRUE)
    # and they read it, if they were told of it beforehand.
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = KEY, [NEW_KEY]
    assert unpacked(new) == TRUE
    # What the old key signed is nobody's once it is taken away.
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW_KEY, []
    assert unpacked(new) == TRUE
    with pytest.raises(NotOurs):
        unpacked(old)
