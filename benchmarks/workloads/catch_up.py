"""W6: one page comes back and asks for the 10,000 events it missed, in a log of a million.

    memory    they are the newest: the hub still has them
    log       10,000 of others' came after them: read from the log, under row-level security
    thin      one in a hundred of the whole log is theirs

Timed from the connection to the last of them, sign-in and grants included.
"""

import statistics
import time
from dataclasses import dataclass

import psycopg

from benchmarks.contestants import EACH, Portal
from benchmarks.crowd import Crowd
from benchmarks.population import Visitor

_CHUNK = 100_000
_PATIENCE_SECONDS = 30.0

# What the triggers and the relay would have written, as they write it.
_EVENTS = """
    INSERT INTO realtime_events (seq, organization_id, kind, topics, table_name, row_id, operation,
        record, created_at)
    SELECT seq, %(organization)s, 'change', ARRAY['patient:' || patient], 'medications',
        id::text, 'INSERT', jsonb_build_object('id', id, 'patient_id', patient), clock_timestamp()
    FROM (
        SELECT seq, gen_random_uuid() AS id, CASE WHEN seq %% %(every)s = 0 THEN %(mine)s
            ELSE %(others)s END AS patient
        FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS seq
    ) AS event
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How long the log is, and how many are missed."""

    events: int = 1_000_000
    missed: int = 10_000
    rounds: int = 5


def catch_up(portal: Portal, size: Size) -> dict[str, float]:
    """Fill the log, then come back to it in three ways."""
    thin, reader, *others = portal.visitors
    every = size.events // size.missed
    began = time.monotonic()
    with psycopg.connect(portal.stage.portal.superuser, autocommit=True) as connection:
        log = _Log(connection)
        start = log.head
        log.grow(size.events, mine=thin, others=others[0], every=every)
        middle = log.head
        log.grow(size.missed, mine=reader, others=reader, every=1)
        log.grow(size.missed, mine=others[0], others=others[0], every=1)
        connection.execute("VACUUM ANALYZE realtime_events")
        # Before the newest, so that the hub must go to the log for all of it.
        figures = {"w6_filled_seconds": time.monotonic() - began}
        portal.start()
        try:
            epoch = log.epoch
            figures["w6_log_ms"] = _timed(portal, reader, f"{epoch}:{middle}", size)
            figures["w6_thin_ms"] = _timed(
                portal, thin, f"{epoch}:{start}", size, count=middle // every - start // every
            )
        finally:
            portal.stop()
        before = log.head
        log.grow(size.missed, mine=reader, others=reader, every=1)
        portal.start()
        try:
            figures["w6_memory_ms"] = _timed(portal, reader, f"{epoch}:{before}", size)
        finally:
            portal.stop()
    return figures


class _Log:
    """The log, written past the relay while no relay runs."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    @property
    def head(self) -> int:
        return int(self._one("SELECT last_seq FROM realtime_relay"))

    @property
    def epoch(self) -> str:
        return str(self._one("SELECT log_epoch FROM realtime_relay"))

    def grow(self, count: int, *, mine: Visitor, others: Visitor, every: int) -> None:
        """Add events, each `every`th of them of one patient."""
        last = self.head + count
        while self.head < last:
            first, upto = self.head + 1, min(last, self.head + _CHUNK)
            while int(self._one("SELECT partitioned_to FROM realtime_relay")) <= upto + 2_000:
                self._connection.execute("SELECT realtime_add_partition()")
            self._connection.execute(
                _EVENTS,
                {
                    "organization": mine.organization_id,
                    "mine": mine.patient_id,
                    "others": others.patient_id,
                    "every": every,
                    "first": first,
                    "last": upto,
                },
            )
            self._connection.execute("UPDATE realtime_relay SET last_seq = %s", [upto])

    def _one(self, query: str) -> object:
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def _timed(
    portal: Portal, reader: Visitor, since: str, size: Size, count: int | None = None
) -> float:
    """Milliseconds until the last of them came; the median of the rounds."""
    times = []
    for _ in range(size.rounds):
        with Crowd([], processes=1) as crowd:
            crowd.begin(step=count or size.missed)
            began = time.monotonic()
            failures = crowd.join([portal.seat(reader, EACH, since=since)])
            if failures or not crowd.ticked(_PATIENCE_SECONDS):
                raise RuntimeError(f"Not all that was missed came: {crowd.report()} {failures}")
            times.append((time.monotonic() - began) * 1000)
    return statistics.median(times)
