"""The judgement of the race itself: a trial in which all was well, and one made-up lie each."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.realtime.reading.race_judgement import AGAIN, Facts, leaks
from tests.realtime.reading.race_trials import LIVE, POLLING, Trial
from tests.realtime.reading.wire import PAGE

USER, PATIENT, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
# Ten events, the right ended at 15 (by the clock: at noon, when 16 was written).
WRITTEN = {seq: NOON + timedelta(seconds=seq - 16) for seq in (11, 12, 13, 14, 16, 17)}
FACTS = Facts(
    start=10,
    revoked={str(USER): 15},
    written={f"patient:{PATIENT}": WRITTEN, f"patient:{OTHER}": {18: NOON}},
)


class Socket:
    """What came to a page: changes by their position, and in between what was said of rights."""

    def __init__(self, *told, topic=PAGE):
        self.frames = [
            [None, None, topic, "system", {"extension": each}]
            if isinstance(each, str)
            else [None, None, topic, "postgres_changes", {"data": {"position": f"e:{each}"}}]
            for each in told
        ]

    def changes(self):
        return [frame[4]["data"] for frame in self.frames if frame[3] == "postgres_changes"]


def trial(where, *told, kind="care team", way="ended", topic=PAGE, **facts):
    found = Trial(kind, way, where, random.Random(1), user_id=USER, patient_id=PATIENT, **facts)
    found.socket = Socket(*told, topic=topic) if where != POLLING else None
    return found


def test_what_was_told_in_time_is_no_leak():
    assert leaks(trial(LIVE, 11, 12, "access", revoking_from=0), FACTS) == []
    assert leaks(trial("join.drain", 11, 12, marked=(15, 2)), FACTS) == []
    assert leaks(trial(POLLING, heard={11: "poll", 14: "poll"}), FACTS) == []


def test_a_hub_that_had_not_come_to_the_end_may_tell_what_was_before_it():
    assert leaks(trial("join.drain", 11, 12, marked=(14, 0)), FACTS) == []


def test_what_a_join_says_of_rights_is_no_end():
    assert leaks(trial(LIVE, "access", 11, 12, "access", revoking_from=2), FACTS) == []


@pytest.mark.parametrize(
    "lie",
    [
        trial(LIVE, 11, 16, revoking_from=0),
        trial("join.audit", 11, 16),
        trial(POLLING, heard={16: "poll"}),
        trial(LIVE, 11, 18, revoking_from=0),  # of another patient
        trial(POLLING, kind="clock", way="mandate", ends_at=NOON, heard={16: "poll"}),
    ],
)
def test_an_event_after_the_end_is_found(lie):
    assert len(leaks(lie, FACTS)) == 1


@pytest.mark.parametrize(
    "lie",
    [
        trial(LIVE, 11, "access", 12, revoking_from=0),
        trial("join.drain", 11, 12, marked=(15, 1)),
        trial(LIVE, 12, topic=AGAIN, revoking_from=0),
        trial(POLLING, heard_late={12: "poll"}),
        trial(POLLING, kind="clock", way="call", ends_at=NOON, heard_late={12: "poll"}),
    ],
)
def test_an_event_of_before_the_end_that_is_told_when_it_is_known_is_found(lie):
    assert len(leaks(lie, FACTS)) == 1
