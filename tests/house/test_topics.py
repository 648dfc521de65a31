"""Who hears of a row may read it: the topics of every published table beside its policy.

An event says that a row exists and when it changed. So its audience, computed from rights and
topics, may be no larger than what row-level security lets read the row itself.
"""

from collections import defaultdict
from dataclasses import dataclass

import psycopg
import pytest
from django.db import connection

from portal import access
from portal.models import Role
from portal.tenancy import acting_for
from realtime.triggers import published
from tests.house.every_row import every_row, everybody

pytestmark = pytest.mark.timeout(600)

# By table and kind of topic: whoever hears there of a row that they may not read, and why.
HEARD_UNREAD = {
    ("taken_times", "calendar"): (
        "That a time was taken or is free again is for every member: not whose, nor why."
    ),
    ("care_team_memberships", "provider"): (
        "One's own place, that has ended or is to begin: the list of one's patients changes."
    ),
    ("caregivers", "user"): "One's own mandate, that has ended: the pages it opened are to close.",
    ("portal_notifications", "user"): (
        "What one was told oneself, while one might know of whom; the event says only of what kind."
    ),
}

# By table: who reads it and hears nothing of it, and why no page of theirs lacks that.
READ_UNHEARD = {
    table: ({Role.ADMIN}, "It is kept in Django's administration, whose pages are not live.")
    for table in ("access_grants", "care_team_memberships", "caregivers")
} | {
    "providers": (
        {Role.PATIENT, Role.CAREGIVER},
        "A name on a page of something else; staff hear of one that changes.",
    )
}


@dataclass(frozen=True)
class Told:
    """An event of the log, as far as it says that a row is there."""

    seq: int
    table: str
    row_id: str
    topics: frozenset[str]


class Walls:
    """What one person hears by either wall, and what they may read."""

    def __init__(self, person, log: list[Told]) -> None:
        with acting_for(person.organization.pk, system=True):
            self.topics = set(access.topics(person.reader))
        with acting_for(person.organization.pk, person.user.pk), connection.cursor() as cursor:
            cursor.execute("SELECT unnest(realtime_granted_topics())")
            self.topics |= {topic for (topic,) in cursor.fetchall()}
            cursor.execute("SELECT seq FROM realtime_events WHERE kind = 'change'")
            seen = {seq for (seq,) in cursor.fetchall()}
            self.readable = {
                (table, str(row_id)) for table in published() for row_id in _ids(cursor, table)
            }
        self.heard = [told for told in log if told.seq in seen or self.topics & told.topics]


def _ids(cursor, table: str) -> list[object]:
    cursor.execute(f"SELECT id FROM {table}")
    return [row_id for (row_id,) in cursor.fetchall()]


@pytest.fixture
def clinic_day(committed, cast, database_urls):
    """Everybody by name, and what the log says of the rows that are there."""
    # How much is left to be told of the cast itself depends on the tests before.
    with psycopg.connect(database_urls.superuser) as superuser:
        superuser.execute("DELETE FROM realtime_inbox")
    people = everybody(cast)
    every_row(cast, people)
    with psycopg.connect(database_urls.superuser) as connected, connected.cursor() as superuser:
        superuser.execute(
            "SELECT count(*) FROM realtime_relay, realtime_move(leader_epoch, 10000, false)"
        )
        there = {(table, str(row_id)) for table in published() for row_id in _ids(superuser, table)}
        events = superuser.execute(
            "SELECT seq, table_name, row_id, topics FROM realtime_events"
            " WHERE kind = 'change' AND operation <> 'DELETE'"
        ).fetchall()
    log = [
        Told(seq, table, row_id, frozenset(topics))
        for seq, table, row_id, topics in events
        if (table, row_id) in there
    ]
    assert {told.table for told in log} == set(published()), "a published table without a row"
    return people, log


def test_nobody_hears_of_a_row_that_they_may_not_read(clinic_day):
    people, log = clinic_day
    found = defaultdict(set)
    for name, person in people.items():
        walls = Walls(person, log)
        for told in walls.heard:
            if (told.table, told.row_id) not in walls.readable:
                for topic in told.topics & walls.topics:
                    found[told.table, topic.partition(":")[0]].add(name)
    leaks = {where: names for where, names in found.items() if where not in HEARD_UNREAD}
    assert leaks == {}
    assert set(found) == set(HEARD_UNREAD), "an exception that nobody needs"


def test_who_may_read_a_row_hears_of_it(clinic_day):
    people, log = clinic_day
    told_of = {(told.table, told.row_id) for told in log}
    unheard = defaultdict(set)
    for person in people.values():
        walls = Walls(person, log)
        heard = {(told.table, told.row_id) for told in walls.heard}
        for table, _ in walls.readable & told_of - heard:
            unheard[table].add(person.role)
    assert unheard == {table: roles for table, (roles, _) in READ_UNHEARD.items()}
