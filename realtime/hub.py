"""The hub of this process: reads bus and log, tells the core, and keeps watch over the sockets.

There is one in each web process, on the event loop that serves the sockets. What follows from what
was read is decided by `HubCore`; here are the waits: for bus, log, authority and clock.
The bus is never needed: while it is silent the log is asked for its head, which also finds the
loss of a last message.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from realtime import asking, close_codes
from realtime import authority as authorities
from realtime.audience import Press
from realtime.authority import Authority, Grants
from realtime.bus import NOT_OURS, Bus
from realtime.connection import Connection, Outbox, Rows
from realtime.errors import Unavailable
from realtime.event import Event
from realtime.failpoints import failpoint
from realtime.hub_core import HubCore
from realtime.limits import Limits, Sockets
from realtime.log import STILL_SECONDS, Log, Snapshot, stands_still
from realtime.readers import Reader, Roll
from realtime.ring import NEWEST
from realtime.shared_clock import SharedClock
from realtime.tally import Tally
from realtime.threads import Threads
from realtime.triggers import published
from realtime.watch import Watch

logger = logging.getLogger(__name__)

# How long the bus may be silent before the log is asked: while somebody listens, while nobody does.
SILENCE_SECONDS = 0.3
IDLE_SILENCE_SECONDS = 5.0
# It is asked this often whatever the bus says: a slow bus may tell old news all the time.
LOOK_SECONDS = 1.0
# What is not ours on the bus has the log asked at once: it may be news of ours that another version
# or key has told. But no sooner again than this, because it may be anybody's, and any number.
DOUBT_SECONDS = 0.1

# A hub that knew everything longer ago than this does not say that it does: pages show the age.
FRESH_SECONDS = 2.0

# Between two looks at log and authority that failed.
RETRY_SECONDS = 1.0


class Hub:
    """The sockets of this process and the stream that feeds them."""

    def __init__(
        self,
        *,
        authority: Authority | None = None,
        bus: Bus | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.authority = authority or authorities.configured()
        self.bus = bus or Bus.from_settings()
        self.limits = limits or Limits.configured()
        self.log = Log()
        self.clock = SharedClock()
        self.threads = Threads()
        self.sockets = Sockets(self.limits)
        self.tables = published()
        self.core = HubCore(self)
        self.press = Press(self.core, self.tables)
        self.tally = Tally()
        self.outbox = Outbox(self.tally)
        self.connections: set[Connection] = set()
        # When the hub last knew that it had everything there was.
        self.fresh_at: datetime | None = None
        self.is_ready = asyncio.Event()
        self._heard_at = self._looked_at = self._doubted_at = 0.0
        self._began_at = time.monotonic()
        self.asking = asking.Asking(self.authority, self.threads)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._asking: dict[Reader, asyncio.Task[None]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._reading_next: asyncio.Task[None] | None = None
        self._is_log_away = False
        self._is_log_still = False

    # Life ----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to follow the log. Returns at once: a database that is away is waited for."""
        self.keep(self._follow(), "hub: follow")
        self.keep(Watch(self).run(), "hub: watch")

    async def stop(self) -> None:
        """Close every socket with 1012 and end; takes about a second at most."""
        connections = list(self.connections)
        for connection in connections:
            self.core.drop(connection, close_codes.RESTARTING, "restarting")
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(
            *tasks, *(connection.ended() for connection in connections), return_exceptions=True
        )
        await self.log.close()
        self.threads.stop()

    def keep(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something beside; the loop itself keeps only a weak reference to a task."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        # Who waited for the log has been told; nobody may have waited.
        if error is not None and not isinstance(error, Unavailable):
            logger.error("%s failed.", task.get_name(), exc_info=error)

    async def _follow(self) -> None:
        while not self.is_ready.is_set():
            try:
                await self._begin()
            except Unavailable as error:
                self._say_away(error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                # A mistake of ours: until it begins, no page of this process has a socket.
                logger.exception("The hub failed to begin; it tries on.")
                await asyncio.sleep(RETRY_SECONDS)
        end = self.bus.subscribe(self.heard)
        try:
            while True:
                await asyncio.sleep(SILENCE_SECONDS)
                if self._is_look_due(time.monotonic()):
                    await self._look()
        finally:
            end()

    def _is_look_due(self, now: float) -> bool:
        if not self.connections:
            return now - self._heard_at >= IDLE_SILENCE_SECONDS
        return now - self._heard_at >= SILENCE_SECONDS or now - self._looked_at >= LOOK_SECONDS

    async def _begin(self) -> None:
        await failpoint("hub.begin")
        asked_at = time.monotonic()
        snapshot = await self.log.newest(NEWEST)
        self.clock.hear(snapshot.said, asked_at)
        self.core.start(snapshot.epoch, snapshot.head, snapshot.events)
        self._caught_up(snapshot)
        self.is_ready.set()

    # The stream ----------------------------------------------------------------------------

    def heard(self, message: Mapping[str, Any]) -> None:
        """Take a message of the bus, whatever it is. Never raises."""
        if message is NOT_OURS:
            self._doubt(time.monotonic())
            return
        try:
            epoch, first = message["epoch"], int(message["first"])
            events = [Event.from_row(row) for row in message.get("events") or ()]
            last = int(message["last"])
        except (KeyError, TypeError, ValueError) as error:
            logger.warning("The bus brought something that is no message: %r.", error)
            return
        if not self.is_ready.is_set():
            return
        now = self.clock.time()
        # Only what reaches up to `last` is whole; the rest is in the log.
        is_whole = bool(events) and events[-1].seq == last
        before = self.core.seq
        if is_whole and self._apply_message(epoch, first, events, now):
            if last > before:
                self._heard_at = time.monotonic()
        elif epoch != self.core.epoch or last > self.core.seq:
            self.keep(self._look(), "hub: fill a hole")

    def _doubt(self, now: float) -> None:
        self.tally.totals.not_ours += 1
        if self.is_ready.is_set() and now - self._doubted_at >= DOUBT_SECONDS:
            self._doubted_at = now
            self.keep(self._look(), "hub: look for itself")

    def _apply_message(self, epoch: str, first: int, events: list[Event], now: float) -> bool:
        before = self.core.seq
        with self.batch():
            is_taken = self.core.receive(epoch, first, events, now)
        if is_taken and self.connections:
            self.tally.took(events, before, self.clock.time())
        return is_taken

    async def current(self) -> None:
        """Have what was committed up to about now, and know it. Raises Unavailable."""
        # A hub that began before any relay led would tell a page that joins no position.
        if self.fresh_moment is None or time.monotonic() - self._heard_at >= SILENCE_SECONDS:
            await self.catch_up()

    async def catch_up(self) -> None:
        """Read the log up to the head it has now. Raises Unavailable.

        Whoever asks while a read is under way shares the next one with all others who do.
        """
        if self._reading_next is None:
            self._reading_next = self.keep(self._read_after(self._reading), "hub: catch up")
        await asyncio.shield(self._reading_next)

    async def _read_after(self, current: asyncio.Task[None] | None) -> None:
        if current is not None:
            await asyncio.wait([current])
        self._reading, self._reading_next = self._reading_next, None
        is_whole = False
        while not is_whole:
            asked_at, asked_after = time.monotonic(), self.core.seq
            await failpoint("hub.read")
            snapshot = await self.log.after(asked_after)
            self.clock.hear(snapshot.said, asked_at)
            is_whole, before = snapshot.is_whole, self.core.seq
            with self.batch():
                self.core.read(
                    epoch=snapshot.epoch,
                    oldest=snapshot.oldest,
                    head=snapshot.head,
                    events=snapshot.events,
                    asked_after=asked_after,
                    is_whole=is_whole,
                    now=self.clock.time(),
                )
            if self.connections:
                self.tally.took(snapshot.events, before, self.clock.time())
        self._caught_up(snapshot)

    async def _look(self) -> None:
        try:
            await self.catch_up()
        except Unavailable as error:
            self._say_away(error)
            await asyncio.sleep(RETRY_SECONDS)
        except Exception:
            # A mistake of ours: pages that are never told again would not know it.
            logger.exception("The hub failed to read the log; it tries on.")
            await asyncio.sleep(RETRY_SECONDS)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Write what is said to a socket in the meantime in one go, when all is decided."""
        self.outbox.holds = True
        try:
            yield
        finally:
            mistake = self.outbox.flush(
                lambda connection, code: self.core.drop(connection, code, "resync")
            )
            if mistake is not None:
                self.failed(mistake)

    def _caught_up(self, snapshot: Snapshot) -> None:
        self._heard_at = self._looked_at = time.monotonic()
        is_still = stands_still(snapshot.silence)
        if not is_still:
            self.fresh_at = datetime.fromtimestamp(snapshot.said, UTC)
        # A relay that begins with this process leads in a moment.
        is_told = is_still and time.monotonic() - self._began_at > STILL_SECONDS
        if is_told != self._is_log_still:
            self._is_log_still = is_told
            if is_told:
                logger.error("No relay gives a sign of life: the log stands still.")
            else:
                logger.warning("The log moves again.")
        if self._is_log_away:
            self._is_log_away = False
            logger.warning("The hub reads the log again.")

    def _say_away(self, error: Unavailable) -> None:
        if not self._is_log_away:
            self._is_log_away = True
            logger.error("The hub cannot read the log: %s.", error)

    @property
    def fresh_moment(self) -> datetime | None:
        """When the hub had everything there was, if that is no longer ago than a moment."""
        if self.fresh_at is None or self.clock.time() - self.fresh_at.timestamp() > FRESH_SECONDS:
            return None
        return self.fresh_at

    def tell(self, event: Event, roll: Roll) -> None:
        """Send a change to all who are ready for it: encoded once for each audience."""
        if not isinstance(rows := roll.rows, Rows):
            rows = roll.rows = Rows(roll.ready)
        mistake: Exception | None = None
        for audience, connections in rows.by_audience:
            try:
                frames = audience.frames(event)
            except Exception as error:  # noqa: BLE001 - nothing may cost the others the event
                mistake = error
                for connection in connections:
                    self.core.drop(connection, close_codes.RESYNC, "resync")
            else:
                if frames:
                    self.outbox.add_row(connections, frames)
        if mistake is not None:
            self.failed(mistake)
        self.core.offer(rows.others, event)

    def failed(self, error: Exception) -> None:
        """Say that a mistake of ours ended sockets, which begin again."""
        logger.error("An event could not be told to everybody: sockets closed.", exc_info=error)

    # Rights --------------------------------------------------------------------------------

    def recompute(self, reader: Reader) -> None:
        """Ask for the rights of a reader who is held; once, however often they change meanwhile."""
        task = self._asking.get(reader)
        # One that has just ended is still there until the loop turns: it asks no more.
        if task is None or task.done():
            task = self._asking[reader] = self.keep(self._ask(reader), "hub: rights")
            task.add_done_callback(lambda ended: self._asked(reader, ended))

    def _asked(self, reader: Reader, ended: asyncio.Task[None]) -> None:
        if self._asking.get(reader) is ended:
            del self._asking[reader]

    async def settled(self, reader: Reader) -> None:
        """Wait until the rights of a reader are known, or there are no sockets of theirs left."""
        while reader.rights.held and (task := self._asking.get(reader)) is not None:
            await asyncio.wait([task])

    async def _ask(self, reader: Reader) -> None:
        try:
            async with asyncio.timeout(asking.RIGHTS_SECONDS):
                while reader.peers:
                    asked = reader.rights.asked
                    identities = {peer.identity.session: peer.identity for peer in reader.peers}
                    await failpoint("hub.rights")
                    ended, grants = await self.asking.rights(list(identities.values()))
                    self._end({identity.session for identity in ended}, reader)
                    if grants is not None and self._granted(reader, asked, grants):
                        return
        except Exception as error:  # noqa: BLE001 - whatever it is: unknown rights are none
            logger.warning("Rights could not be read (%s): sockets closed.", type(error).__name__)
            self.core.refused(reader, close_codes.TRY_AGAIN, "try again")

    def _granted(self, reader: Reader, asked: int, grants: Grants) -> bool:
        before = reader.rights.until.keys() if reader.rights.was_known else None
        with self.batch():
            done = self.core.granted(reader, asked, grants, self.clock.time())
        if done and before is not None and before != grants.keys():
            for peer in list(reader.peers):
                if isinstance(peer, Connection):
                    peer.access_changed(grants, self.core)
        return done

    def _end(self, sessions: set[str], reader: Reader) -> None:
        for peer in list(reader.peers):
            if peer.identity.session in sessions:
                self.core.drop(peer, close_codes.SIGNED_OUT, "signed out")
