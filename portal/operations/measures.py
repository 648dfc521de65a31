"""What is measured of the engine: this process's hub, and the stream that all processes share.

Numbers only, with an organization's identifier at most: nothing of anybody's record.
"""

import asyncio
import concurrent.futures
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import Error, connections

from realtime.hub import Hub
from realtime.process import running
from realtime.tally import Totals

# A loop that does not answer for so long serves nobody.
LOOP_SECONDS = 2.0

# As long as the auditor's e-mail may take (`portal.mail`).
UNTOLD_AFTER_SECONDS = 60.0

HOUR_SECONDS, DAY_SECONDS, LATELY_SECONDS = 3600.0, 86_400.0, 300.0


@dataclass(frozen=True)
class HubMeasures:
    """One look at the hub, taken on its own event loop."""

    sockets: int
    channels: int
    by_organization: dict[str, int]
    unsent_bytes: int
    position: int
    is_fresh: bool
    bus_is_down: bool
    totals: Totals
    hour: Totals
    lately: Totals
    # The mean over the last day; None while there is less than an hour of it.
    usual_sockets: float | None
    # Not kept in the samples: for who scrapes.
    bus_renewed: int = 0


@dataclass(frozen=True)
class StreamMeasures:
    """Relay and inbox as the database has them; what its auditor could not tell; the audit log."""

    beat_age: float | None
    epoch: int
    last_seq: int
    waiting: int
    oldest_waiting: float
    dead_letters: int
    notify_queue: float
    # Not kept in the samples: an alarm has its own row, and so has a verification of the audit log.
    untold_alarms: int = 0
    audit_deviations: int = 0
    oldest_unsealed: float = 0.0  # seconds
    audit_verified_ago: float | None = None  # hours; None: no round has ended


def of_hub() -> HubMeasures | None:
    """Measure the hub of this process; None when there is none, or its loop does not answer."""
    found = running()
    if found is None:
        return None
    hub, loop = found
    looked = asyncio.run_coroutine_threadsafe(_look(hub), loop)
    try:
        return looked.result(LOOP_SECONDS)
    except (TimeoutError, concurrent.futures.CancelledError):
        looked.cancel()
        return None


async def _look(hub: Hub) -> HubMeasures:
    now = time.monotonic()
    tally = hub.tally
    day = [count for at, count, _ in tally.minutes if at > now - DAY_SECONDS]
    return HubMeasures(
        sockets=len(hub.connections),
        channels=sum(len(each.channels) for each in hub.connections),
        by_organization=hub.sockets.by_organization(),
        unsent_bytes=sum(each.line.unsent() for each in hub.connections),
        position=hub.core.seq,
        # Without sockets a hub looks at the log every few seconds only, which is enough.
        is_fresh=hub.is_ready.is_set() and (not hub.connections or hub.fresh_moment is not None),
        bus_is_down=hub.bus.is_down,
        totals=tally.totals.copy(),
        hour=tally.since(now - HOUR_SECONDS),
        lately=tally.since(now - LATELY_SECONDS),
        usual_sockets=sum(day) / len(day) if len(day) > HOUR_SECONDS / 60 else None,
        bus_renewed=hub.bus.renewed,
    )


def of_stream() -> StreamMeasures | None:
    """Measure relay and inbox; None when the database cannot be asked."""
    alias = "engine" if "engine" in settings.DATABASES else None
    if alias is None:
        return None
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute(
                "SELECT extract(epoch FROM clock_timestamp() - nullif(beat, '-infinity'))::float8,"
                " leader_epoch, last_seq,"
                " (SELECT count(*) FROM realtime_inbox),"
                " (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)"
                "   FROM realtime_inbox)::float8,"
                " (SELECT count(*) FROM realtime_dead_letters),"
                " pg_notification_queue_usage(),"
                " alerts_alarms_untold(make_interval(secs => %s)),"
                " audit.deviations, audit.oldest_unsealed, audit.verified_ago"
                " FROM realtime_relay, operations_audit_standing() AS audit",
                [UNTOLD_AFTER_SECONDS],
            )
            return StreamMeasures(*cursor.fetchone())
    except Error:
        return None
