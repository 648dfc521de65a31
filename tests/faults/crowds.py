"""Sockets that ask for much and read none of it, in one crowd."""

import contextlib
import re
import urllib.request
from dataclasses import dataclass

from realtime import close_codes
from tests.faults.plant import HOST, WEBS, Plant, Process
from tests.realtime.reading.wire import Deaf

PEOPLE, EACH = 5, 10
# What each of them asks for: more than kernel and process keep for one that does not read.
EVENTS = 4_000
TABLE = "client_portal_messages"  # of which no other page of a run hears

_PUT = (
    "INSERT INTO realtime_inbox"
    " (organization_id, kind, topics, table_name, row_id, operation, record)"
    " SELECT %s, 'change', %s, %s, n::text, 'INSERT',"
    " jsonb_build_object('id', n, 'padding', repeat('x', 1800))"
    " FROM generate_series(1, %s) AS n RETURNING id"
)
_COLLEAGUES = (
    "SELECT organization_id::text AS organization, array_agg(DISTINCT user_id::text) AS users"
    " FROM memberships WHERE ended_at IS NULL AND user_id = ANY(%s::uuid[])"
    " GROUP BY organization_id ORDER BY count(*) DESC LIMIT 1"
)


@dataclass
class Crowd:
    """Who reads nothing, and how many had been dropped for that before."""

    webs: list[Process]
    sockets: list[Deaf]
    before: float

    @property
    def count(self) -> int:
        return len(self.sockets)

    def is_dropped(self) -> bool:
        """Whether the web processes have closed all of them."""
        return dropped(self.webs) - self.before >= self.count

    def close(self) -> None:
        for each in self.sockets:
            each.close()


def deaf_crowd(plant: Plant) -> Crowd:
    """Open the sockets, of people who have much to hear; returns when all have asked for it."""
    sessions = {person["user"]: person["session"] for person in plant.world["people"]}
    (clinic,) = plant.rows(_COLLEAGUES, list(sessions))
    users = clinic["users"][:PEOPLE]
    topics = [f"user:{user}" for user in users]
    plant.rows(_PUT, clinic["organization"], topics, TABLE, EVENTS)
    webs = [plant.processes[name] for name in WEBS]
    before = dropped(webs)
    binding = {"event": "*", "schema": "public", "table": TABLE, "since": "0"}
    payload = {"config": {"postgres_changes": [binding]}}
    sockets = [
        Deaf(webs[number % len(webs)], sessions[user], payload, seconds=10)
        for user in users
        for number in range(EACH)
    ]
    return Crowd(webs, sockets, before)


def dropped(webs: list[Process]) -> float:
    """How many sockets the web processes have closed because nobody read them."""
    total = 0.0
    for web in webs:
        with contextlib.suppress(OSError):
            url = f"http://{HOST}:{web.port}/metrics"
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = answer.read().decode()
            pattern = rf'^vigil_sockets_closed_total{{code="{close_codes.OVERFLOW}"}} (\S+)'
            total += sum(map(float, re.findall(pattern, text, re.MULTILINE)))
    return total
