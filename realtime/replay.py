"""History after a cursor, read as the reader: under their row-level security and their grants.

One statement reads the head, the oldest retained position and the events between cursor and head,
so that the three agree. What it brings has passed the first wall, the policies. The second are the
grants, asked for *after* the statement (`read`): what was granted before the snapshot is then known
to be granted, and what was revoked since is left out. A join judges it once more as it is sent, as
what is live is judged: by the rights that the hub keeps, all control events up to the end of what
is sent included (`realtime.history`). Either wall alone would keep a foreign event from getting
through.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, connections

from realtime.authority import Authority, Identity
from realtime.cursor import LAST, Cursor
from realtime.errors import SignedOut, Truncated
from realtime.event import Event
from realtime.rights import AS_GIVEN, Rights

PAGE = 1_000  # events read at once

# Moments come as text: psycopg and Django would take longer over them than over all the rest.
_HISTORY = """
    SELECT p.epoch, p.oldest_seq, p.last_seq, e.*
    FROM realtime_position() AS p
    LEFT JOIN LATERAL (
        SELECT seq, organization_id::text, kind, topics, table_name, row_id, operation,
            record::text, old_record::text, created_at::text
        FROM realtime_events
        WHERE seq > %(since)s AND seq <= p.last_seq
            AND seq <= %(reach)s
            AND kind <> 'control'
            AND (table_name = ANY(%(tables)s) OR table_name IS NULL)
        ORDER BY seq
        LIMIT %(limit)s
    ) AS e ON true
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of history: `events` are all up to `upto` that passed the walls so far."""

    events: list[Event]
    upto: Cursor
    is_last: bool  # `upto` is the head

    def pieces(self, size: int) -> Iterator[Page]:
        """The same in pieces of at most `size` events."""
        start = 0
        while len(self.events) - start > size:
            events = self.events[start : start + size]
            yield Page(events, Cursor(self.upto.epoch, events[-1].seq), is_last=False)
            start += size
        yield Page(self.events[start:], self.upto, self.is_last)

    def heard_with(self, rights: Rights, now: float) -> Page:
        """What of it may be heard with these rights at `now` (seconds since 1970)."""
        heard = [event for event in self.events if rights.may_hear(event, now)]
        return Page(heard, self.upto, self.is_last)


def read(
    authority: Authority,
    identity: Identity,
    since: Cursor,
    tables: Collection[str],
    limit: int | None = None,
    reach: int | None = None,
) -> Page:
    """All that the reader may hear of the history that follows a cursor; blocking.

    At most `limit` events, from at most `reach` positions.
    Raises Truncated when the log cannot tell all of it, and SignedOut.
    """
    page = read_log(authority, identity, since, tables, limit, reach)
    grants = authority.grants(identity)
    if grants is None:
        raise SignedOut
    rights = Rights(identity.organization_id, identity.user_id)
    rights.release(grants)
    return page.heard_with(rights, AS_GIVEN)


def read_log(
    authority: Authority,
    identity: Identity,
    since: Cursor,
    tables: Collection[str],
    limit: int | None = None,
    reach: int | None = None,
) -> Page:
    """What the policies let a reader see of the history that follows a cursor; blocking.

    Raises Truncated when the log cannot tell all of it.
    """
    limit = limit or PAGE
    last = LAST if reach is None else min(since.seq + reach, LAST)
    with authority.reading(identity), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(
            _HISTORY,
            {"since": since.seq, "reach": last, "tables": sorted(tables), "limit": limit},
        )
        rows = cursor.fetchall()
    epoch, oldest, head = rows[0][:3]
    if since.epoch not in (None, epoch):
        raise Truncated("the log is another one")
    if since.seq > head:
        raise Truncated("the cursor is ahead of the log")
    if since.seq < oldest - 1:
        raise Truncated("the history is no longer kept")

    events = [_event(*row[3:]) for row in rows if row[3] is not None]
    upto = Cursor(epoch, events[-1].seq if len(events) == limit else min(head, last))
    return Page(events, upto, is_last=len(events) < limit and head <= last)


# Not by `Event.from_row`: there are thousands, and what they are is known here.
def _event(
    seq: int,
    organization_id: str | None,
    kind: str,
    topics: list[str],
    table: str | None,
    row_id: str | None,
    operation: str | None,
    record: str | None,
    old_record: str | None,
    created_at: str,
) -> Event:
    return Event(
        seq=seq,
        topics=tuple(topics),
        table=table or "",
        operation=operation or "",
        created_at=created_at,
        kind=kind,
        organization_id=organization_id,
        row_id=row_id,
        record=record,
        old_record=old_record,
    )
