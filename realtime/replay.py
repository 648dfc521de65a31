"""History after a cursor, read as the reader: under their row-level security and their grants.

One statement reads the head, the oldest retained position and the events between cursor and head,
so that the three agree. The grants are asked *after* it: what was granted before the snapshot is
then known to be granted, and what was revoked since is left out. Either wall alone would keep a
foreign event from getting through; both are asked.

Shared by the socket's join and by the polling endpoint.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from realtime.authority import Authority, Identity
from realtime.cursor import Cursor
from realtime.errors import SignedOut, Truncated
from realtime.event import Event
from realtime.rights import Rights

PAGE = 1_000  # events read at once

_COLUMNS = (
    "seq",
    "organization_id",
    "kind",
    "topics",
    "table_name",
    "row_id",
    "operation",
    "record",
    "old_record",
    "created_at",
)
_HISTORY = """
    SELECT p.epoch, p.oldest_seq, p.last_seq, e.*
    FROM realtime_position() AS p
    LEFT JOIN LATERAL (
        SELECT seq, organization_id::text, kind, topics, table_name, row_id, operation,
            record::text, old_record::text, created_at
        FROM realtime_events
        WHERE seq > %(since)s AND seq <= p.last_seq
            AND kind <> 'control'
            AND (table_name = ANY(%(tables)s) OR table_name IS NULL)
        ORDER BY seq
        LIMIT %(limit)s
    ) AS e ON true
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of history: `events` are all that the reader may hear up to `upto`."""

    events: list[Event]
    upto: Cursor
    is_last: bool  # `upto` is the head


def read(
    authority: Authority,
    identity: Identity,
    since: Cursor,
    tables: Collection[str],
    limit: int = PAGE,
) -> Page:
    """Read the history that follows a cursor; blocking.

    Raises Truncated when the log cannot tell all of it, and SignedOut.
    """
    with authority.reading(identity), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_HISTORY, {"since": since.seq, "tables": sorted(tables), "limit": limit})
        rows = cursor.fetchall()
    epoch, oldest, head = rows[0][:3]
    if since.epoch not in (None, epoch):
        raise Truncated("the log is another one")
    if since.seq > head:
        raise Truncated("the cursor is ahead of the log")
    if since.seq < oldest - 1:
        raise Truncated("the history is no longer kept")

    grants = authority.grants(identity)
    if grants is None:
        raise SignedOut
    rights = Rights(identity.organization_id, identity.user_id)
    rights.release(grants)
    found = [_event(row[3:]) for row in rows if row[3] is not None]
    is_last = len(found) < limit
    now = time.time()
    return Page(
        events=[event for event in found if rights.may_hear(event, now)],
        upto=Cursor(epoch, head if is_last else found[-1].seq),
        is_last=is_last,
    )


def _event(values: tuple[Any, ...]) -> Event:
    return Event.from_row(dict(zip(_COLUMNS, values, strict=True)))
