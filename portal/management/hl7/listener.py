"""MLLP over TCP: a message comes in, and is answered when what it says is committed.

A connection is a conversation: its next message is read when the last one is answered. No answer
means that nothing was stored for certain; the sender sends again, and what was stored after all is
known again. Who may connect is the network's business: MLLP knows no passwords.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections

from portal.management.hl7.answers import Answer, Code, Condition, Problem, written
from portal.management.hl7.framing import Frames, TooLarge, framed
from portal.management.hl7.intake import HANDLERS, Hl7Intake, Taken
from portal.management.hl7.messages import Unreadable, read

log = structlog.get_logger("portal.hl7")

_CHUNK = 65_536
# Messages that are being stored at once, each with a connection to the database.
_THREADS = 4
# SQLSTATE class 54: a limit of PostgreSQL itself, which the same message meets every time.
_TOO_MUCH = "54"


@dataclass(frozen=True)
class Limits:
    """What one sender may ask of the listener."""

    message_bytes: int = 1_000_000
    connections: int = 32
    idle_seconds: float = 3_600.0  # between two messages
    message_seconds: float = 30.0  # from the first byte of a message to its last
    drain_seconds: float = 10.0  # at the end, for the messages that are being stored


class Listener:
    """Takes the messages of every connection into one organization."""

    def __init__(self, intake: Hl7Intake, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.receiver = intake.organization.slug
        self.is_stopping = False
        self._intake = intake
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="hl7")
        self._conversations: dict[_Conversation, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> list[tuple[str, int]]:
        """Listen; returns the addresses, of which there may be more than one for a name."""
        self._server = await asyncio.start_server(self._connected, host, port)
        return [each.getsockname()[:2] for each in self._server.sockets]

    async def stop(self) -> None:
        """Take no more; answer what is being stored, and close what only waits."""
        self.is_stopping = True
        if self._server is not None:
            self._server.close()
        for conversation, task in self._conversations.items():
            if not conversation.is_answering:
                task.cancel()
        if tasks := list(self._conversations.values()):
            _, late = await asyncio.wait(tasks, timeout=self.limits.drain_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def take(self, data: bytes) -> Taken:
        """Store one message in a thread; raises a DatabaseError when nothing was stored."""

        def work() -> Taken:
            close_old_connections()
            try:
                return self._intake.take(data)
            finally:
                close_old_connections()

        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_stopping or len(self._conversations) >= self.limits.connections:
            log.warning("There are as many connections as there may be: one more was closed.")
            writer.close()
            return
        conversation = _Conversation(self, reader, writer)
        task = asyncio.current_task()
        assert task is not None
        self._conversations[conversation] = task
        try:
            await conversation.run()
        except (TimeoutError, ConnectionError) as error:
            log.info("connection closed", reason=type(error).__name__)
        finally:
            await self._hang_up(writer)
            del self._conversations[conversation]

    async def _hang_up(self, writer: asyncio.StreamWriter) -> None:
        """Close a connection, with what it still has to say if the sender reads it in time."""
        writer.close()
        try:
            async with asyncio.timeout(self.limits.message_seconds):
                await writer.wait_closed()
        except (TimeoutError, ConnectionError):
            log.info("connection cut")
        finally:
            writer.transport.abort()


class _Conversation:
    """One connection."""

    def __init__(
        self, listener: Listener, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.listener, self.limits = listener, listener.limits
        self.is_answering = False
        self._reader, self._writer = reader, writer
        # A sender whose machine went away says nothing: the network asks.
        connected: socket.socket = writer.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    async def run(self) -> None:
        """Answer message after message; raises TimeoutError when the sender is too slow."""
        frames = Frames(self.limits.message_bytes)
        clock = asyncio.get_running_loop().time
        ends_at = clock() + self.limits.idle_seconds
        while not self.listener.is_stopping:
            was_inside = frames.is_inside
            async with asyncio.timeout_at(ends_at):
                data = await self._reader.read(_CHUNK)
            if not data:
                return
            try:
                messages = frames.feed(data)
            except TooLarge:
                await self._refuse_large()
                return
            if frames.cut_off:
                log.warning("A message was cut off by the next: it is not stored.")
                frames.cut_off = 0
            for message in messages:
                if self.listener.is_stopping or not await self._answer(message):
                    return
            # Bytes that come one by one, or belong to no message, do not earn more time.
            if messages or frames.is_inside != was_inside:
                seconds = self.limits.message_seconds if frames.is_inside else None
                ends_at = clock() + (seconds or self.limits.idle_seconds)

    async def _answer(self, data: bytes) -> bool:
        """Store a message and say what became of it; returns whether the sender has an answer."""
        self.is_answering = True
        try:
            taken = await self._taken(data)
            if taken is not None:
                await self._send(
                    written(taken.answer, taken.message, receiver=self.listener.receiver)
                )
        finally:
            self.is_answering = False
        return taken is not None

    async def _taken(self, data: bytes) -> Taken | None:
        try:
            taken = await self.listener.take(data)
        except Exception as error:
            if _may_go_well_later(error):
                # Not even refused: a sender puts that aside, and this message must come again.
                log.error("The database did not take a message: no answer is sent.", exc_info=error)
                return None
            # What is wrong with this message must not keep the next ones waiting.
            log.error("A message could not be taken.", exc_info=error)
            taken = _failed(data)
        kind = taken.message.kind if taken.message is not None else ""
        log.info(
            "message",
            kind=kind if kind in HANDLERS else "other",
            answer=str(taken.answer.code),
            was_known=taken.was_known,
            visits=taken.visits.total(),
            **taken.fates,
        )
        return taken

    async def _refuse_large(self) -> None:
        log.warning("A message was larger than may be: it is not stored.")
        answer = Answer()
        reason = f"is larger than {self.limits.message_bytes:,} bytes"
        answer.refuse(Problem(Condition.SEQUENCE, reason), Code.REJECTED)
        await self._send(written(answer, None, receiver=self.listener.receiver))
        # Closed with bytes unread, the connection would take the answer with it.
        self._writer.write_eof()
        async with asyncio.timeout(self.limits.message_seconds):
            while await self._reader.read(_CHUNK):
                pass

    async def _send(self, answer: str) -> None:
        self._writer.write(framed(answer))
        async with asyncio.timeout(self.limits.message_seconds):
            await self._writer.drain()


def _may_go_well_later(error: Exception) -> bool:
    """Whether the database was away, in a deadlock, or asked to stop: not what a message did."""
    state = getattr(error.__cause__, "sqlstate", None) or ""
    return isinstance(error, OperationalError | InterfaceError) and not state.startswith(_TOO_MUCH)


def _failed(data: bytes) -> Taken:
    answer = Answer()
    answer.refuse(Problem(Condition.INTERNAL, "could not be taken, by a fault on this side"))
    try:
        return Taken(read(data), answer)
    except Unreadable:
        return Taken(None, answer)
