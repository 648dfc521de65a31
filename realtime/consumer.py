"""The consumer: one socket from handshake to goodbye. Frames in, frames out.

An ASGI application of its own rather than a subclass of Channels' AsyncConsumer, whose `dispatch`
hops to a thread for every message to close old database connections; this one touches the database
only through the hub's threads. It translates; the thinking is in `join` and `hub_core`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from realtime import close_codes, protocol
from realtime.authority import Identity
from realtime.connection import Channel, Connection
from realtime.errors import HandshakeRefused, Malformed, Unavailable
from realtime.failpoints import failpoint
from realtime.handshake import Scope, Send, check_origin, codec_of, query_of, refuse
from realtime.hub import Hub
from realtime.join import ANOTHER_ORGANIZATION, Join
from realtime.line import line_of
from realtime.places import place_of
from realtime.process import hub_of_this_process
from realtime.protocol import Frame

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]

_HANDSHAKE_SECONDS = 5.0
_NO_CODE = 1005  # RFC 6455: the peer gave none
# Names longer than this do not fit into a binary frame either.
_LONGEST_TOPIC = 255


async def consumer(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one socket of somebody who is signed in by cookie."""
    await receive()
    began = time.monotonic()
    hub = await hub_of_this_process()
    try:
        check_origin(scope)
        query = query_of(scope)
        codec = codec_of(query)
        place = place_of((scope.get("client") or ("",))[0])
        hub.sockets.knock(place)
        asked_at, identity = await _identify(hub, scope)
        if identity is None:
            hub.sockets.was_stranger(place)
            raise HandshakeRefused(401, "Sign in first")
        hub.sockets.enter(identity)
    except HandshakeRefused as refusal:
        hub.tally.totals.turned_away[refusal.status] += 1
        await refuse(scope, send, refusal)
        return
    try:
        await failpoint("consumer.accept")
        await send({"type": "websocket.accept"})
        hub.tally.totals.opened += 1
        hub.tally.totals.opening.add(time.monotonic() - began)
        line = line_of(send, hub.limits.unsent_bytes)
        line.limit_frames(hub.limits.frame_bytes)
        connection = Connection(identity, codec, line, hub.outbox, hub.limits)
        organization = query.get("organization", identity.organization_id)
        await Consumer(hub, connection).serve(receive, asked_at, organization)
    finally:
        hub.sockets.leave(identity)


async def _identify(hub: Hub, scope: Scope) -> tuple[int, Identity | None]:
    """Who this is, if anybody we know, and where the hub stood when that was asked."""
    try:
        async with asyncio.timeout(_HANDSHAKE_SECONDS):
            await hub.is_ready.wait()
        asked_at = hub.core.seq
        await failpoint("handshake.identify")
        identity = await hub.asking.identify(scope)
    except (TimeoutError, Unavailable):
        raise HandshakeRefused(503, "Error connecting to Realtime", retry_after=5) from None
    except Exception:
        # An authority that cannot answer lets nobody in.
        logger.exception("A socket could not be identified.")
        raise HandshakeRefused(500, "Error connecting to Realtime", retry_after=5) from None
    await failpoint("handshake.identified")
    return asked_at, identity


class Consumer:
    """An accepted socket."""

    def __init__(self, hub: Hub, connection: Connection) -> None:
        self._hub = hub
        self._connection = connection

    async def serve(self, receive: Receive, asked_at: int, organization: str) -> None:
        """Answer frames until the peer or the hub ends the socket."""
        hub, connection = self._hub, self._connection
        hub.connections.add(connection)
        try:
            hub.core.arrive(connection, asked_at)
            if organization != connection.identity.organization_id:
                hub.core.drop(connection, close_codes.ACCESS_ENDED, ANOTHER_ORGANIZATION)
            while (message := await receive())["type"] != "websocket.disconnect":
                self._heard(message)
            # Ours if we said goodbye first, else the peer's.
            code = connection.close_code or message.get("code") or _NO_CODE
            hub.tally.totals.closed[code] += 1
        finally:
            hub.core.depart(connection)
            connection.lost()
            for channel in connection.channels.values():
                self._end(channel)
            connection.channels.clear()
            hub.connections.discard(connection)
            await connection.ended()

    def _heard(self, message: dict[str, Any]) -> None:
        hub, connection = self._hub, self._connection
        text = message.get("text")
        data = message.get("bytes") if text is None else text
        if data is None or connection.is_closed:
            return
        connection.heard_at = time.monotonic()
        hub.tally.totals.received += 1
        if len(data) > hub.limits.frame_bytes:
            hub.core.drop(connection, close_codes.TOO_LARGE, "frame too large")
        elif not connection.messages.take():
            hub.core.drop(connection, close_codes.LIMITED, "too many messages per second")
        else:
            try:
                self._answer(connection.codec.decode(data))
            except (Malformed, RecursionError) as error:
                # Of the frame nothing is logged: a stranger wrote it.
                logger.info("A malformed frame was dropped: %s.", type(error).__name__)

    def _answer(self, frame: Frame) -> None:
        is_joined = frame.topic in self._connection.channels
        if frame.topic == protocol.PHOENIX:
            if frame.event == protocol.HEARTBEAT:
                self._heartbeat(frame)
        elif frame.event == protocol.JOIN and frame.topic.startswith(protocol.TOPIC_PREFIX):
            self._join(frame)
        elif frame.event == protocol.LEAVE:
            self._leave(frame)
        elif not is_joined:
            self._refuse(Frame(None, frame.ref, frame.topic, frame.event), protocol.UNMATCHED_TOPIC)
        # Other events of a joined topic are ignored without an answer; access_token is one of them
        # here, because a cookie's rights need no token.

    def _heartbeat(self, frame: Frame) -> None:
        hub, connection = self._hub, self._connection
        response = {}
        # While a channel waits for its history or its rights, its position is no news of now.
        if (at := hub.fresh_moment) is not None and connection.is_up_to_date:
            response = {"position": connection.position(hub.core), "at": at.isoformat()}
        connection.say(protocol.reply(connection.codec, frame, response))

    def _join(self, frame: Frame) -> None:
        hub, connection = self._hub, self._connection
        if not frame.user_topic or len(frame.topic) > _LONGEST_TOPIC:
            self._refuse(frame, "TopicNameRequired: You must provide a topic name")
        elif not connection.joins.take():
            self._refuse(frame, "ClientJoinRateLimitReached: Too many joins per second")
        elif (
            frame.topic not in connection.channels
            and len(connection.channels) >= hub.limits.channels_per_socket
        ):
            self._refuse(frame, "ChannelRateLimitReached: Too many channels")
        else:
            # A second join replaces the first without a phx_close: the Python client would take
            # that for the end of the new one.
            self._end(connection.channels.pop(frame.topic, None))
            channel = connection.channels[frame.topic] = Channel(connection, frame)
            channel.joining = hub.keep(Join(hub, channel, frame).run(), "consumer: join")

    def _leave(self, frame: Frame) -> None:
        connection = self._connection
        channel = connection.channels.pop(frame.topic, None)
        self._end(channel)
        connection.say(protocol.reply(connection.codec, frame, {}))
        if channel is not None:
            connection.say(protocol.close(connection.codec, channel.topic, channel.join_ref))

    def _end(self, channel: Channel | None) -> None:
        if channel is not None:
            channel.end(self._hub.core)

    def _refuse(self, frame: Frame, reason: str) -> None:
        if frame.event == protocol.JOIN:
            self._hub.tally.totals.refused[reason.partition(":")[0]] += 1
        self._connection.say(protocol.refusal(self._connection.codec, frame, reason))
