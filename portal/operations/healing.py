"""What the system mends by itself, because no data can be lost by it, and that it is on record.

A relay that is stuck is ended by whoever stands by (`realtime_try_to_lead`). Sessions of ours that
sit idle in a transaction while the notify queue fills are ended here. Everything else is left to a
person, who is told.
"""

import logging
from datetime import timedelta

from django.db import connection, connections

from portal import audit, tenancy
from portal.models import Organization
from portal.operations import health
from portal.operations.measures import StreamMeasures

logger = logging.getLogger(__name__)

MENDED = "operations.mended"

# A transaction of ours that idles for so long has been forgotten by its program.
STALE_AFTER = timedelta(seconds=30)


def heal(stream: StreamMeasures, *, stale_after: timedelta = STALE_AFTER) -> int:
    """End our own sessions that keep the notify queue from emptying; return how many."""
    if stream.notify_queue <= health.NOTIFY_QUEUE.yellow:
        return 0
    # Each role may end its own sessions only.
    return sum(
        _end(alias, health.NOTIFY_QUEUE.yellow, stale_after) for alias in ("default", "engine")
    )


def _end(alias: str, above: float, stale_after: timedelta) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT realtime_end_stale_sessions(%s, make_interval(secs => %s))",
            [above, stale_after.total_seconds()],
        )
        return int(cursor.fetchone()[0])


def put_on_record() -> int:
    """Write what was ended into every organization's audit log, each once; return how many."""
    with tenancy.acting_for(None, system=True):
        with connection.cursor() as cursor:
            # Taken in this transaction: it is on record if, and only if, it counts as taken.
            cursor.execute("SELECT at, reason, pid, seconds FROM realtime_take_ended()")
            ended = cursor.fetchall()
        if not ended:
            return 0
        for organization_id in Organization.objects.values_list("pk", flat=True):
            with tenancy.acting_for(organization_id, system=True):
                for at, reason, pid, seconds in ended:
                    audit.record(
                        MENDED,
                        organization_id=organization_id,
                        actor_id=None,
                        reason=reason,
                        session=pid,
                        seconds=round(seconds, 1),
                        ended_at=at.isoformat(timespec="seconds"),
                    )
    for _, reason, pid, seconds in ended:
        logger.warning("Ended session %s: %s for %.0f s.", pid, reason, seconds)
    return len(ended)
