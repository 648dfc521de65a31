"""One socket and its channels, as the hub sees them.

A `Connection` is the hub's `Peer`, a `Channel` a subscription's `Outlet`. What they do is turn what
the hub decided into frames; nothing here waits. Joining and receiving is in `realtime.consumer`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import count, repeat
from typing import TYPE_CHECKING

from realtime import close_codes, protocol
from realtime.authority import Identity
from realtime.event import Event
from realtime.limits import Bucket, Limits
from realtime.line import Deadline, Encoded, Line
from realtime.protocol import Codec, Frame, Ref
from realtime.tally import Tally

if TYPE_CHECKING:
    from realtime.audience import Audience
    from realtime.authority import Grants
    from realtime.bindings import BindingSet
    from realtime.hub_core import HubCore
    from realtime.subscription import Subscription


_numbers = count()


class Outbox:
    """Holds back what is written while the hub takes what came, so that each socket gets it in one.

    Also of a single event. To decide for all sockets and then to write to all of them takes a fifth
    less processor than by turns, as each leaves the other's memory in the cache.
    """

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.holds = False
        self._waiting: dict[Connection, Sequence[Encoded]] = {}
        # What is all there is, for many alike: nothing else waits beside it.
        self._row: tuple[Sequence[Connection], Sequence[Encoded]] | None = None

    def add_row(self, connections: Sequence[Connection], frames: Sequence[Encoded]) -> None:
        """Keep the same frames for each of some connections until `flush`."""
        # Kept when nobody will flush, they would be lost.
        assert self.holds
        if self._row is None and not self._waiting:
            self._row = connections, frames
        else:
            for connection in connections:
                self.add(connection, frames)

    def add(self, connection: Connection, frames: Sequence[Encoded]) -> None:
        """Keep frames until `flush`."""
        if self._row is not None:
            self._waiting = dict.fromkeys(*self._row)
            self._row = None
        kept = self._waiting.get(connection)
        if kept is None:
            # Most are told of one event, which is the same tuple for all of them.
            self._waiting[connection] = frames
        elif isinstance(kept, list):
            kept.extend(frames)
        else:
            self._waiting[connection] = [*kept, *frames]

    def flush(self, end: Callable[[Connection, int], None]) -> Exception | None:
        """Write all that was kept; end those who cannot have it, with the code that says why.

        Returns a mistake of ours that ended some, if there was one: the others have theirs.
        """
        self.holds = False
        row, self._row = self._row, None
        waiting, self._waiting = self._waiting, {}
        mistake: Exception | None = None
        for connection, frames in zip(row[0], repeat(row[1])) if row else waiting.items():
            try:
                if not connection.write(frames):
                    end(connection, close_codes.OVERFLOW)
            except Exception as error:  # noqa: BLE001 - the others wait for theirs
                mistake = error
                end(connection, close_codes.RESYNC)
        return mistake


class Connection:
    """One socket."""

    __slots__ = (
        "_closed",
        "_ending",
        "channels",
        "codec",
        "deadline",
        "heard_at",
        "identity",
        "idle_at",
        "joins",
        "line",
        "messages",
        "number",
        "outbox",
        "subscriptions",
    )

    def __init__(
        self, identity: Identity, codec: Codec, line: Line, outbox: Outbox, limits: Limits
    ) -> None:
        self.identity = identity
        self.codec = codec
        # Spreads over the seconds what is done for each socket now and then.
        self.number = next(_numbers)
        self.line = line
        self.outbox = outbox
        self.channels: dict[str, Channel] = {}
        self.subscriptions: set[Subscription] = set()
        self.joins = Bucket(limits.joins_per_second, limits.joins_burst)
        self.messages = Bucket(limits.messages_per_second, limits.messages_burst)
        self.deadline = Deadline(limits.unread_seconds)
        self.heard_at = time.monotonic()
        self.sign_of_life(identity.idle_at)
        self._closed: tuple[int, str] | None = None
        self._ending: asyncio.Task[None] | None = None

    def sign_of_life(self, idle_at: datetime | None) -> None:
        """The session ends at this moment unless somebody touches it; None = it does not."""
        # Seconds since 1970: one number to compare, for each socket in each second.
        self.idle_at = math.inf if idle_at is None else idle_at.timestamp()

    @property
    def is_closed(self) -> bool:
        """Whether we said goodbye, or the peer did."""
        return self._closed is not None

    def write(self, frames: Sequence[Encoded]) -> bool:
        """Send frames in order. False when the peer cannot keep up: then it is told to go.

        Whoever cannot have one frame gets none after it: what was left out would be lost unseen.
        """
        if self._closed is not None or not frames:
            return True
        if self.outbox.holds:
            self.outbox.add(self, frames)
            return True
        if self.line.write(frames):
            self.outbox.tally.totals.sent += len(frames)
            return True
        self.close(close_codes.OVERFLOW, "resync")
        return False

    def say(self, text: str) -> None:
        """Send one frame that answers the peer."""
        self.write((Encoded(text),))

    @property
    def is_up_to_date(self) -> bool:
        """Whether all channels have been told what the hub knows."""
        return all(each.is_live and not each.rights.held for each in self.subscriptions)

    def position(self, core: HubCore) -> str:
        """Up to where all channels have been told everything."""
        positions = [core.position_of(each) for each in self.subscriptions]
        return f"{core.epoch}:{min(positions, default=core.seq)}"

    def tell_position(self, core: HubCore, at: str, pressed: dict[object, Encoded]) -> bool:
        """Push to each live channel where it stands. False when the peer cannot keep up.

        `pressed` keeps the frames that other sockets are told as well.
        """
        frames = []
        for channel in self.channels.values():
            subscription = channel.subscription
            if subscription is None or not subscription.is_live or subscription.rights.held:
                continue
            seq = core.position_of(subscription)
            key = (self.codec.vsn, channel.topic, seq)
            if key not in pressed:
                pressed[key] = Encoded(
                    protocol.system(
                        self.codec, channel.topic, None, "position", f"{core.epoch}:{seq}", at=at
                    )
                )
            frames.append(pressed[key])
        return self.write(frames)

    def access_changed(self, grants: Grants, core: HubCore) -> None:
        """Tell the channels that rights are other ones now; end those whose topic is gone."""
        for channel in list(self.channels.values()):
            if channel.is_private and channel.user_topic not in grants:
                channel.access_ended()
                del self.channels[channel.topic]
                channel.end(core)
            else:
                channel.access_changed()

    def close(self, code: int, reason: str) -> None:
        """End the socket, soon. Nothing that was not written yet goes out."""
        if self._closed is None:
            self._closed = (code, reason)
            self._ending = asyncio.get_running_loop().create_task(self.line.close(code, reason))

    def lost(self) -> None:
        """The peer is gone: nothing is sent any more."""
        self._closed = self._closed or (1006, "")

    @property
    def close_code(self) -> int | None:
        """What we said goodbye with; None while the socket is open."""
        return self._closed[0] if self._closed else None

    async def ended(self) -> None:
        """Wait until a goodbye of ours is said."""
        if self._ending is not None:
            await self._ending


class Channel:
    """One joined topic of one socket."""

    __slots__ = (
        "audience",
        "bindings",
        "connection",
        "is_private",
        "join_ref",
        "joining",
        "subscription",
        "topic",
    )

    def __init__(self, connection: Connection, frame: Frame) -> None:
        self.connection = connection
        self.topic = frame.topic
        # A join names itself by its own ref.
        self.join_ref: Ref = frame.join_ref if frame.join_ref is not None else frame.ref
        self.is_private = False
        self.joining: asyncio.Task[None] | None = None
        self.subscription: Subscription | None = None
        self.audience: Audience | None = None
        self.bindings: BindingSet | None = None

    def end(self, core: HubCore) -> None:
        """Stop what is under way: from here on the channel hears nothing."""
        if self.joining is not None:
            self.joining.cancel()
        if self.subscription is not None:
            core.leave(self.subscription)
        # Channels come and go by the thousand: leave no cycles for the collector to find.
        self.joining = self.subscription = None

    @property
    def user_topic(self) -> str:
        return self.topic.removeprefix(protocol.TOPIC_PREFIX)

    def event(self, event: Event) -> bool:
        """Send an event if it meets the bindings."""
        assert self.audience is not None
        return self.connection.write(self.audience.frames(event))

    def history(self, events: Sequence[Event]) -> bool:
        """Send those of the past that meet the bindings."""
        assert self.audience is not None
        assert self.bindings is not None
        return self.connection.write(self.audience.history(events, self.bindings))

    def resync(self, reason: str) -> bool:
        """Tell that something cannot be told."""
        return self.connection.write((self._system("resync", reason),))

    def access_changed(self) -> None:
        """Tell that the reader's rights are other ones now."""
        self.connection.write((self._system("access", "your access changed"),))

    def access_ended(self) -> None:
        """Tell that this private channel is over, for good."""
        codec = self.connection.codec
        reason = f"You no longer have permission to read from this Channel topic: {self.user_topic}"
        self.connection.write(
            (
                self._system("system", reason, status="error"),
                Encoded(protocol.close(codec, self.topic, self.join_ref)),
            )
        )

    def subscribed(self) -> None:
        """Tell that what was missed has been sent, and what happens now is sent as it happens."""
        self.connection.write((self._system(protocol.CHANGES, protocol.SUBSCRIBED),))

    def broke(self, reason: str) -> None:
        """Tell that the channel is lost, so that the client joins again."""
        text = protocol.error(self.connection.codec, self.topic, self.join_ref, reason)
        self.connection.say(text)

    def _system(self, extension: str, message: str, *, status: str = "ok") -> Encoded:
        codec, ref = self.connection.codec, self.join_ref
        return Encoded(protocol.system(codec, self.topic, ref, extension, message, status=status))


class Rows:
    """The sockets of live channels, by what an event means to them."""

    __slots__ = ("by_audience", "others")

    def __init__(self, subscriptions: Iterable[Subscription]) -> None:
        by_audience: dict[Audience, list[Connection]] = {}
        # Whose outlet is no channel of a socket: the doctor's, who listens in the process.
        self.others: list[Subscription] = []
        for subscription in subscriptions:
            channel = subscription.outlet
            if isinstance(channel, Channel) and channel.audience is not None:
                by_audience.setdefault(channel.audience, []).append(channel.connection)
            else:
                self.others.append(subscription)
        self.by_audience = list(by_audience.items())
