"""What a channel missed, piece by piece: from memory if it is recent, else from the database.

A herd that comes back after a restart asks for seconds and is served from the hub's ring, where
rights are those the hub knows, control events up to the same position included. Only what is older
is read from the log, as the reader. The first page asks the authority, session included; asking
anew for each of a dozen would take as long as reading them.

Whatever was read, a piece is judged by the hub's rights when it is handed over to be sent: a peer
that reads slowly may take its last piece seconds after the page was read, and its right may have
ended in between.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from realtime import replay
from realtime.cursor import Cursor
from realtime.errors import SignedOut, Truncated, Unavailable
from realtime.failpoints import failpoint
from realtime.replay import PAGE, Page

if TYPE_CHECKING:
    from realtime.hub import Hub
    from realtime.readers import Reader
    from realtime.subscription import Subscription

_SECONDS = 8.0  # the clients give up a join after ten

# Events of a piece: so many are sent between two looks at whether the peer takes them.
AT_ONCE = 100


async def missed(
    hub: Hub, reader: Reader, subscription: Subscription, since: Cursor
) -> AsyncIterator[Page]:
    """The history after a cursor in pieces, up to where the subscription's buffer takes over.

    Each may be heard when it comes and has to be sent at once: nothing may be awaited in between.
    Raises Truncated when history cannot be told completely, Unavailable and SignedOut.
    """
    core, epochs = hub.core, subscription.bindings.epochs
    if not epochs <= {core.epoch} or since.seq > core.seq:
        # The page may have read the log's head before the bus told us of it.
        await hub.catch_up()
    # Of any binding: each begins at a cursor of its own.
    if not epochs <= {core.epoch}:
        raise Truncated("the log is another one")
    if since.seq > core.seq:
        raise Truncated("the cursor is ahead of the log")
    told = 0
    has_asked = False
    page = Page(events=[], upto=since, is_last=False)
    while not page.is_last:
        await failpoint("history.page")
        recalled = _recalled(hub, subscription, page.upto.seq)
        if recalled is not None:
            page = recalled
        else:
            page = await hub.threads.history(
                _SECONDS,
                replay.read_log if has_asked else replay.read,
                hub.authority,
                subscription.peer.identity,
                page.upto,
                subscription.bindings.tables,
            )
            has_asked = True
        await failpoint("history.read")
        for piece in page.pieces(AT_ONCE):
            heard = await _judged(hub, reader, subscription, piece)
            told += len(heard.events)
            if told > hub.limits.replayed_events:
                raise Truncated("too much happened to tell it one by one")
            yield heard


def _recalled(hub: Hub, subscription: Subscription, after: int) -> Page | None:
    """A page out of the ring; None when the ring does not reach back so far."""
    core = hub.core
    # No await from here on: ring and position belong to one moment.
    recent = core.ring.after(after, subscription.bindings.tables)
    if recent is None:
        return None
    is_last = len(recent) <= PAGE
    upto = core.seq if is_last else recent[PAGE - 1].seq
    return Page(recent[:PAGE], Cursor(core.epoch, upto), is_last)


async def _judged(hub: Hub, reader: Reader, subscription: Subscription, piece: Page) -> Page:
    """What of a piece the reader may hear now, by rights that are no older than the piece."""
    core = hub.core
    if piece.upto.epoch == core.epoch and piece.upto.seq > core.seq:
        await hub.catch_up()
    now = await _settled(hub, reader)
    if piece.upto.epoch != core.epoch:
        raise Truncated("the log is another one")
    return piece.heard_with(subscription.rights, now)


async def _settled(hub: Hub, reader: Reader) -> float:
    """Wait until the rights of a reader are known; the moment of that. Raises SignedOut."""
    await hub.settled(reader)
    now = hub.clock.time()
    hub.core.keep_time(now)
    if not reader.peers:
        raise SignedOut
    if reader.rights.held:
        raise Unavailable("the rights are not known")
    return now
