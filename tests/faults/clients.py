"""Clients as pages are: a cursor, one channel, back again with the cursor after every fault.

They know the wire (docs of the protocol) and nothing of the server's code. Everything they hear is
kept with its time.
"""

import asyncio
import contextlib
import json
import ssl
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.faults.facts import Client, Heard, Resynced

TABLE = "vital_signs"
BINDING = {"event": "*", "schema": "public", "table": TABLE}
TOPIC = "realtime:page"
# Without a sign of the server for so long a client asks, and then gives the line up. A machine
# that is busy with other tests takes seconds to answer.
QUIET_SECONDS, PATIENCE_SECONDS = 2.0, 8.0
# A page that hears something asks as often all the same: what comes after the answer was told after
# the question, by the rights of then.
BEAT_SECONDS = 0.5
LONGEST_PAUSE = 1.0
TOKEN = "t" * 32  # of a browser's own making: the header's and the cookie's have to agree
# Nothing speaks TLS here: with no authorities to trust, none are read for each question.
NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# The words with which a join says that nothing leads from the cursor to now.
TRUNCATED = {
    "the log is another one",
    "the cursor is ahead of the log",
    "the history is no longer kept",
    "too much happened to tell it one by one",
}


class StartedAnew(Exception):
    """The page has to be read again."""


@dataclass
class Reader(ABC):
    """What sockets and polls have in common: who reads, from where on, and what was heard."""

    name: str
    user: str
    cookies: dict[str, str]
    ports: list[int]
    cursor: str
    dice: Random
    heard: list[Heard | Resynced] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)  # why lines ended, and how often

    def __post_init__(self) -> None:
        self.since = self.seq
        self.port = self.failed = 0
        # Of what is being told: see `Heard`.
        self.asked, self.by, self.is_live = 0.0, "", False

    @property
    def epoch(self) -> str:
        return self.cursor.rpartition(":")[0]

    @property
    def seq(self) -> int:
        return int(self.cursor.rpartition(":")[2])

    @property
    def log(self) -> Client:
        """All of it, for the checker."""
        return Client(self.name, self.user, self.since, self.heard, self.seq)

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    @property
    def binding(self) -> dict[str, str]:
        """What is listened to."""
        return BINDING

    async def run(self) -> None:
        """Read until cancelled, through everything."""
        failures = 0
        while True:
            try:
                await self.read()
                failures = self.failed = 0
            except StartedAnew:
                self._count("begun anew")
                await self._begin_anew()
            except (OSError, TimeoutError, WebSocketException, httpx.HTTPError) as error:
                failures += 1
                self.failed = self.port
                self._count(type(error).__name__)
            await asyncio.sleep(self.dice.uniform(0, min(LONGEST_PAUSE, 0.05 * 2**failures)))

    @abstractmethod
    async def read(self) -> None:
        """Once: a socket until it ends, or one poll."""

    def pick(self) -> int:
        """The port of a web process: by chance, but not the one that failed just now.

        A reverse proxy does the same for the pages behind it.
        """
        others = [port for port in self.ports if port != self.failed]
        self.port = self.dice.choice(others or self.ports)
        return self.port

    def take(self, data: dict) -> None:
        """One event, as the wire tells it."""
        epoch, _, seq = data["position"].rpartition(":")
        record = data["record"]
        fact = (record["id"], int(record["code"].rpartition("-")[2]))
        self.heard.append(
            Heard(
                at=time.monotonic(),
                epoch=epoch,
                seq=int(seq),
                patient=record["patient_id"],
                fact=fact,
                asked=self.asked,
                by=self.by,
                is_live=self.is_live,
            )
        )
        self.stand_at(data["position"])

    def stand_at(self, position: str) -> None:
        """Everything up to there was told."""
        epoch, _, seq = position.rpartition(":")
        if epoch != self.epoch or int(seq) > self.seq:
            self.cursor = position

    async def ask(self, cursor: str) -> dict:
        """Poll. Raises httpx.HTTPError."""
        port = self.pick()
        async with httpx.AsyncClient(timeout=2 * PATIENCE_SECONDS, verify=NOBODY) as line:
            answer = await line.post(
                f"http://127.0.0.1:{port}/realtime/changes",
                headers={"Cookie": self.cookie, "X-CSRFToken": TOKEN},
                json={"cursor": cursor, "bindings": [self.binding]},
            )
            answer.raise_for_status()
            return answer.json()

    async def _begin_anew(self) -> None:
        """Read the page again: everything up to its cursor is on it."""
        with contextlib.suppress(httpx.HTTPError, ValueError):
            answer = await self.ask("none:0")
            assert answer["resync"]
            self.cursor = answer["cursor"]
            self.heard.append(Resynced(time.monotonic(), self.epoch, self.seq))

    def _count(self, why: str) -> None:
        self.ends[why] = self.ends.get(why, 0) + 1


@dataclass
class Page(Reader):
    """A page with a socket; over TLS, to a host whose certificate is trusted, where `trust` is."""

    host: str = "127.0.0.1"
    trust: ssl.SSLContext | None = None
    # When each heartbeat was sent that is not answered yet.
    _beats: deque[float] = field(default_factory=deque)

    async def read(self) -> None:
        port = self.pick()
        place, secure = f"{self.host}:{port}", "s" if self.trust else ""
        async with connect(
            f"ws{secure}://{place}/realtime/v1/websocket?vsn=2.0.0",
            origin=f"http{secure}://{place}",
            ssl=self.trust,
            additional_headers={"Cookie": self.cookie},
            compression=None,
            ping_interval=None,
            open_timeout=PATIENCE_SECONDS,
            close_timeout=0.5,
        ) as line:
            binding = self.binding | {"since": self.cursor}
            payload = {"config": {"postgres_changes": [binding]}}
            self.asked, self.by, self.is_live = time.monotonic(), str(port), False
            self._beats = deque()
            await line.send(json.dumps(["1", "1", TOPIC, "phx_join", payload]))
            while True:
                self._hear(json.loads(await self._next(line)))
                if not self._beats and time.monotonic() - self.asked > BEAT_SECONDS:
                    await self._beat(line)

    async def _beat(self, line) -> None:
        self._beats.append(time.monotonic())
        await line.send(json.dumps([None, "2", "phoenix", "heartbeat", {}]))

    async def _next(self, line) -> str:
        """The next frame. Raises TimeoutError when the line is dead, though nobody said so."""
        # Not wait_for: before Python 3.12 it may swallow a cancellation.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIET_SECONDS):
                return await line.recv()
        await self._beat(line)
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await line.recv()

    def _hear(self, frame: list) -> None:
        _, _, topic, event, payload = frame
        if event == "postgres_changes":
            self.take(payload["data"])
        elif event == "phx_reply" and topic == "phoenix":
            self.asked = self._beats.popleft()
        elif event == "system" and payload["extension"] == "position":
            self.stand_at(payload["message"])
        elif event == "system" and payload["extension"] == "postgres_changes":
            self.is_live = True
        elif event == "system" and payload["extension"] == "resync":
            self._count("told to look")
            if payload["message"] in TRUNCATED:
                raise StartedAnew
        elif event == "phx_reply" and topic == TOPIC and payload["status"] != "ok":
            raise ConnectionError(payload["response"]["reason"])
        elif event in {"phx_error", "phx_close"}:
            raise ConnectionError(event)


class Poll(Reader):
    """A page without a socket, which asks every now and then."""

    async def read(self) -> None:
        self.asked = time.monotonic()
        answer = await self.ask(self.cursor)
        if answer["resync"] and not answer["cursor"].startswith(f"{self.epoch}:"):
            raise StartedAnew
        for each in answer["events"]:
            self.take(each["data"])
        self.stand_at(answer["cursor"])
        if not answer["more"]:
            await asyncio.sleep(self.dice.uniform(0.5, 1.5))


def complain(reading: list[asyncio.Task]) -> None:
    """A reader reads until it is cancelled: one that ended made a mistake. Raises it."""
    for task in reading:
        if task.done():
            task.result()


async def end_all(tasks: Iterable[asyncio.Task]) -> None:
    """Cancel tasks until they end: what they wait for may take a cancellation for its own."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=1)


def readers_of(
    world: dict, ports: list[int], cursor: str, seed: str, pages: int, polls: int
) -> list[Reader]:
    """So many pages of each person, and so many persons who poll as well."""
    people = world["people"]
    kinds = [(Page, person) for person in people for _ in range(pages)]
    kinds += [(Poll, person) for person in people[:polls]]
    return [
        kind(
            name=f"{kind.__name__} {number} of {person['name']}",
            user=person["user"],
            cookies={world["cookie"]: person["session"], world["csrf"]: TOKEN},
            ports=ports,
            cursor=cursor,
            dice=Random(f"{seed} reader {number}"),
        )
        for number, (kind, person) in enumerate(kinds)
    ]
