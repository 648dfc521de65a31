"""Pages that read: those of the runs under faults, on the lines of this world.

What a page does (cursor, join, heartbeat, coming back) is `tests.faults.clients`; here is how it
reaches a server, what else it holds against what it is told, and how its reader signs in again.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from tests.faults import clients
from tests.faults.facts import Client, Resynced
from tests.realtime.simulation.sockets import Closed, Socket
from tests.realtime.simulation.truth import FOR_EVER, Session

if TYPE_CHECKING:
    from tests.realtime.simulation.world import World

TABLES = {
    clients.TABLE: type(
        "Table", (), {"columns": {"id": "uuid", "patient_id": "uuid", "code": "text"}}
    )
}
# A join that is not answered after so long, on a line that works, hangs.
JOIN_SECONDS = 30.0
_SIGNED_OFF = {4401, 4403}


class SignedOff(Exception):
    """The server says that the session is over: the reader has to sign in again."""


class PageLine:
    """The page's end of a socket, as `websockets` has it."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self.send, self.recv = socket.say, socket.recv


@asynccontextmanager
async def opened(world: "World", url: str, cookie: str) -> AsyncIterator[PageLine]:
    """A socket that the server has accepted. Raises OSError, TimeoutError, SignedOff."""
    dice = world.dice
    await asyncio.sleep(dice.uniform(0, 0.02))
    web = world.webs[int(urlsplit(url).port or 0)]
    if not web.is_up:
        raise ConnectionRefusedError
    socket = Socket(dice, world.pace)
    world.sockets.append(socket)
    web.serve(socket, cookie)
    try:
        async with asyncio.timeout(clients.PATIENCE_SECONDS):
            kind, value = await socket.to_page.get()
        if kind == "refused" and value == 401:
            raise SignedOff
        if kind != "accepted":
            raise ConnectionError(f"{kind} {value}")
        yield PageLine(socket)
    except Closed as closed:
        if closed.code in _SIGNED_OFF:
            raise SignedOff from None
        raise
    finally:
        world.sockets.remove(socket)
        socket.leave()


class Reading(clients.Reader):
    """What pages and polls of this world have in common."""

    world: "World"
    began: str  # the cursor that the page was rendered with
    stood: dict[str, int]  # how far in each log it was told that it knows everything

    async def ask(self, cursor: str) -> dict[str, Any]:
        world = self.world
        await asyncio.sleep(world.dice.uniform(0, 0.02))
        web = world.webs[self.pick()]
        if not web.is_up:
            raise httpx.ConnectError("nobody answers")
        answer = await web.poll(self.cookies["session"], cursor)
        await asyncio.sleep(world.dice.uniform(0, 0.02))
        if answer is None:
            raise SignedOff
        return answer

    def stand_at(self, position: str) -> None:
        self.world.say(f"{self.name} stands at {position}")
        self._note(position)
        super().stand_at(position)

    def _note(self, position: str) -> None:
        epoch, _, seq = position.rpartition(":")
        self.stood[epoch] = max(self.stood.get(epoch, 0), int(seq))

    async def _begin_anew(self) -> None:
        await super()._begin_anew()
        self._note(self.cursor)
        self.world.say(f"{self.name} begins anew at {self.cursor}")

    def of_log(self, epoch: str) -> Client:
        """What was heard of one log, for the checker."""
        return Client(
            name=self.name,
            user=self.user,
            since=self.since if self.began.startswith(f"{epoch}:") else 0,
            heard=[each for each in self.heard if each.epoch == epoch],
            position=self.stood.get(epoch, 0),
        )

    def _count(self, why: str) -> None:
        self.world.say(f"{self.name} goes: {why}")
        super()._count(why)

    def take(self, data: dict[str, Any]) -> None:
        self.world.say(f"{self.name} hears {data['position']}")
        epoch, _, seq = data["position"].rpartition(":")
        if epoch != self.epoch or int(seq) <= self.seq:
            self.world.complain(f"{self.name} at {self.cursor} hears {data['position']}")
        super().take(data)


class Page(Reading, clients.Page):
    """A page with a socket."""

    async def read(self) -> None:
        self._joined_at, self._is_answered = self.world.loop.time(), False
        self.world.say(f"{self.name} comes with {self.cursor}")
        await super().read()

    def _hear(self, frame: list[Any]) -> None:
        _, _, topic, event, payload = frame
        world = self.world
        if event == "phx_reply" and topic == clients.TOPIC:
            self._is_answered = True
            world.say(f"{self.name} is answered {payload['status']}")
        elif event == "system":
            world.say(f"{self.name} is told {payload['extension']}: {payload['message']}")
        waited = world.loop.time() - self._joined_at
        if not self._is_answered and waited > JOIN_SECONDS * world.patience:
            world.complain(f"{self.name}: a join waits for {waited:.0f} s")
        super()._hear(frame)
        if event == "system" and payload["extension"] == "position":
            world.check_fresh(self.name, payload["message"], payload["at"])
        elif event == "phx_reply" and topic == "phoenix" and self._is_answered:
            # Before the answer to its join it asks for nothing, and every position holds.
            self._hear_beat(payload["response"])

    def _hear_beat(self, told: dict[str, str]) -> None:
        if position := told.get("position"):
            self.stand_at(position)
            self.world.check_fresh(self.name, position, told["at"])


class Poll(Reading, clients.Poll):
    """A page that asks; told to look again, it reads everything anew."""

    async def read(self) -> None:
        world = self.world
        self.asked = world.loop.time()
        answer = await self.ask(self.cursor)
        if answer["resync"] and answer["epoch"] != self.epoch:
            raise clients.StartedAnew
        for each in answer["events"]:
            self.take(each["data"])
        if answer["resync"]:
            upto = int(answer["cursor"].rpartition(":")[2])
            self.heard.append(Resynced(world.loop.time(), answer["epoch"], upto))
        self.stand_at(answer["cursor"])
        if answer["fresh"] and not answer["more"]:
            world.check_fresh(self.name, answer["cursor"], answer["at"])
        if not answer["more"]:
            await asyncio.sleep(self.dice.uniform(0.1, 1.0))


class Person:
    """Somebody at one page, who signs in again and reads anew whenever their session ends."""

    def __init__(self, world: "World", name: str, user: str, kind: type[Reading]) -> None:
        self._world, self.name, self._user, self._kind = world, name, user, kind
        self.session: Session | None = None
        self.reader: Reading | None = None
        self._before: list[Reading] = []

    async def live(self) -> None:
        """Read until cancelled."""
        world = self._world
        while True:
            self._begin()
            assert self.reader is not None
            try:
                await self.reader.run()
            except SignedOff:
                world.say(f"{self.reader.name} is signed out")
                assert self.session is not None
                if self.session.lives(world.truth.now()):
                    world.complain(f"{self.reader.name}: signed out, and the session lives")
            self._before.append(self.reader)
            self.reader = None
            await asyncio.sleep(world.dice.uniform(0, 0.3))

    def _begin(self) -> None:
        world, dice = self._world, self._world.dice
        is_short = world.is_troubled and dice.random() < world.plan.short_sessions
        until = world.truth.now() + dice.uniform(1, 6) if is_short else FOR_EVER
        self.session = world.truth.sign_in(self._user, until)
        reader = self._kind(
            name=f"{self.name}/{self.session.token}",
            user=self.session.token,
            cookies={"session": self.session.token},
            ports=sorted(world.webs),
            cursor=world.truth.position,
            dice=Random(dice.random()),
        )
        reader.world, reader.began, reader.stood = world, reader.cursor, {}
        self.reader = reader

    def readings(self) -> list[Reading]:
        """Each page they had, one after the other."""
        return [*self._before, self.reader] if self.reader is not None else self._before
