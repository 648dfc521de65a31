"""Opening a channel: check what is asked, register, read what was missed, go live.

The order is the promise. Registered before history is read, so that nothing falls between the two;
answered only when it is registered, so that "ok" means that nothing is missed from here on; live
only when history is sent, so that everything arrives in order and once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from realtime import bindings as binding_rules
from realtime import close_codes, protocol
from realtime.connection import Channel
from realtime.errors import Refused, SignedOut, Truncated, Unavailable
from realtime.failpoints import failpoint
from realtime.history import AT_ONCE, missed
from realtime.protocol import Frame
from realtime.replay import Page

if TYPE_CHECKING:
    from realtime.event import Event
    from realtime.hub import Hub
    from realtime.readers import Reader
    from realtime.subscription import Subscription

logger = logging.getLogger(__name__)

ANOTHER_ORGANIZATION = "This page belongs to another organization: reload it"


class Join:
    """One `phx_join`, from the frame to the live channel."""

    def __init__(self, hub: Hub, channel: Channel, frame: Frame) -> None:
        self._hub = hub
        self._channel = channel
        self._connection = channel.connection
        self._frame = frame
        self._is_answered = False

    async def run(self) -> None:
        """Answer the frame and bring the channel up to date. Only cancellation gets out."""
        try:
            await self._open()
        except Refused as refusal:
            self._give_up(refusal.reason)
        except SignedOut:
            self._hub.core.drop(self._connection, close_codes.SIGNED_OUT, "signed out")
        except Unavailable as error:
            logger.warning("A channel could not be joined: %s.", error)
            self._give_up("UnableToConnectToProject: Please try again")
        except asyncio.CancelledError:
            raise
        except Exception:
            # A fault of ours must not look like a channel that works.
            logger.exception("A join failed.")
            self._give_up("Unknown Error on Channel")

    async def _open(self) -> None:
        hub, channel = self._hub, self._channel
        self._check()
        assert channel.bindings is not None
        await failpoint("join.current")
        await hub.current()
        await failpoint("join.subscribe")
        reader = hub.core.readers.of(self._connection.identity)
        if reader is None or self._is_over():
            return
        subscription = hub.core.subscribe(self._connection, channel.bindings, channel)
        channel.subscription = subscription
        await failpoint("join.rights")
        await hub.settled(reader)
        if self._is_over():
            return
        self._check_privacy(subscription)
        await self._audit()
        await self._catch_up(reader, subscription)
        await self._go_live(subscription)
        hub.tally.totals.joined += 1
        # Rights may have begun to change meanwhile; until they are known there is no position.
        await hub.settled(reader)
        if self._is_over():
            return
        since = subscription.bindings.since
        with hub.batch():
            if since is not None and hub.core.rights_changed(subscription.rights, since.seq):
                # What the page shows may not be theirs any more; nothing in its history says so.
                channel.access_changed()
            self._tell_where_it_stands()

    def _is_over(self) -> bool:
        subscription = self._channel.subscription
        return self._connection.is_closed or (subscription is not None and subscription.is_closed)

    def _check(self) -> None:
        hub, channel = self._hub, self._channel
        config = protocol.join_config(self._frame.payload)
        if config.organization not in (None, self._connection.identity.organization_id):
            raise Refused("OrganizationChanged", ANOTHER_ORGANIZATION)
        channel.is_private = config.private
        most, others = hub.limits.bindings_per_socket, self._connection.channels.values()
        standing = sum(len(each.bindings.bindings) for each in others if each.bindings)
        if standing + len(config.bindings) > most:
            # Before they are read, which is what they cost.
            raise Refused(
                "BindingRateLimitReached", f"Too many bindings: at most {most} per socket"
            )
        if not hub.sockets.may_bind(self._connection.identity, len(config.bindings)):
            raise Refused("ClientJoinRateLimitReached", "Too many bindings per second per user")
        channel.bindings = binding_rules.parse(
            config.bindings,
            hub.tables,
            epoch=config.epoch,
            most=hub.limits.bindings_per_channel,
        )
        channel.audience = hub.press.audience(
            self._connection.codec, channel.topic, channel.bindings
        )

    def _check_privacy(self, subscription: Subscription) -> None:
        topic = self._channel.user_topic
        if self._channel.is_private and topic not in subscription.rights.until:
            # Foreign, unknown and missing topics are the same.
            raise Refused(
                "Unauthorized",
                f"You do not have permissions to read from this Channel topic: {topic}",
            )

    async def _audit(self) -> None:
        assert self._channel.bindings is not None
        audited = self._channel.bindings.audited()
        if audited:
            await failpoint("join.audit")
            await self._hub.asking.joined((self._connection.identity, audited))

    async def _catch_up(self, reader: Reader, subscription: Subscription) -> None:
        since = subscription.bindings.since
        if since is None:
            self._answer()
            return
        registered_at = subscription.position
        subscription.begin(since.seq)
        pieces = missed(self._hub, reader, subscription, since)
        try:
            # The first piece before the answer: what fails there is a refusal the client sees.
            piece = await anext(pieces)
            await self._send(subscription, piece, pieces)
        except Truncated as truncated:
            self._answer()
            # What was told before the history broke off is not told again.
            told = subscription.position if subscription.position > since.seq else 0
            subscription.begin(max(registered_at, told))
            self._channel.resync(truncated.reason)

    async def _send(
        self, subscription: Subscription, piece: Page, following: AsyncIterator[Page]
    ) -> None:
        while True:
            # A few at a time, in one write: a slow line takes them as it can, and what others of
            # the process want to say to this peer need not wait behind megabytes.
            self._replay(subscription, piece.events)
            subscription.caught_up(piece.upto.seq)
            await failpoint("join.sent")
            await self._connection.line.drained()
            if piece.is_last or self._is_over():
                return
            piece = await anext(following)

    def _replay(self, subscription: Subscription, events: Sequence[Event]) -> None:
        try:
            # The answer, if it is not given yet, and what follows it in one write.
            with self._hub.batch():
                self._answer()
                subscription.replay(events)
        except Exception as error:
            # A mistake of ours, which the same cursor would meet again: the page has to look.
            logger.exception("A history could not be told.")
            raise Truncated("the history could not be told") from error

    async def _go_live(self, subscription: Subscription) -> None:
        hub = self._hub
        await failpoint("join.drain")
        while True:
            now = hub.clock.time()
            hub.core.keep_time(now)
            with hub.batch():
                subscription.drain(now, AT_ONCE)
            if subscription.is_live or self._is_over():
                return
            await failpoint("join.drained")
            await self._connection.line.drained()

    def _tell_where_it_stands(self) -> None:
        hub, bindings = self._hub, self._channel.bindings
        if bindings is not None and bindings.bindings:
            self._channel.subscribed()
        if hub.fresh_moment is not None:
            self._connection.tell_position(hub.core, hub.fresh_moment.isoformat(), {})

    def _answer(self) -> None:
        assert self._channel.bindings is not None
        if not self._is_answered:
            self._is_answered = True
            response = {"postgres_changes": self._channel.bindings.echo()}
            self._connection.say(protocol.reply(self._connection.codec, self._frame, response))

    def _give_up(self, reason: str) -> None:
        self._hub.tally.totals.refused[reason.partition(":")[0]] += 1
        channel = self._channel
        if self._connection.channels.get(channel.topic) is channel:
            del self._connection.channels[channel.topic]
        if channel.subscription is not None:
            self._hub.core.leave(channel.subscription)
        if self._is_answered:
            channel.broke(reason)
        else:
            self._connection.say(protocol.refusal(self._connection.codec, self._frame, reason))
