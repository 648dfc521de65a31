"""What goes wrong in a run, and when: drawn from a seed, so that it can happen again."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from random import Random

import psycopg

from tests.browser.server import ROOT
from tests.faults.bus_forger import cut_listeners, send_again
from tests.faults.failpoints import drawn
from tests.faults.network import Stretch
from tests.faults.plant import RELAYS, WEBS, Plant, Process
from tests.realtime.reading.wire import Deaf

NETWORK = ("latency", "half-open", "blackhole", "damage", "reset")
KINDS = (
    *("web killed", "web stopped", "web restarted"),
    *("relay killed", "relay stopped"),
    *("worker killed",),
    *("bus killed", "bus stopped", "bus listeners cut", "bus forged"),
    *("backend killed", "database killed", "database stopped at once"),
    *("idle transaction", "stuck listener"),
    *("slow readers", "herd"),
    *NETWORK,
)
# What this is about is hit more often. A web process that is killed takes all its sockets and comes
# back slowly: with more of it there would be nobody left to hear anything.
DECK = (*KINDS, *("relay killed", "relay stopped", "web stopped") * 2)
# First everybody comes, and rights come and go while all hear of it.
CALM_SECONDS = 8.0
DATABASE_FAULTS = {"backend killed", "database killed", "database stopped at once"}


@dataclass(frozen=True)
class Strike:
    """One thing that goes wrong, so many seconds after the beginning."""

    at: float
    kind: str
    seed: int


@dataclass(frozen=True)
class Fault:
    """One thing that went wrong, and when."""

    kind: str
    began: float
    ended: float


class Spared(Exception):
    """Whoever was to be struck is down already."""


def plan(seed: str, seconds: float, pause: float, kinds: tuple[str, ...] = DECK) -> list[Strike]:
    """The strikes of a run. Each kind comes before any comes again more often than its share."""
    dice = Random(seed)
    strikes: list[Strike] = []
    deck: list[str] = []
    at = CALM_SECONDS + dice.uniform(0, pause)
    while at < seconds:
        if not deck:
            deck = list(kinds)
            dice.shuffle(deck)
        strikes.append(Strike(at, deck.pop(), dice.randrange(2**32)))
        at += dice.uniform(0.2, 1.8) * pause
    return strikes


class Nemesis:
    """Carries a plan out. `faults` are what it did, `armed` the orders of what it started anew."""

    def __init__(self, plant: Plant, stretches: list[Stretch]) -> None:
        self.plant, self.stretches = plant, stretches
        self.faults: list[Fault] = []
        self.armed: list[str] = []
        self._acts: dict[str, Callable[[Random], Awaitable[None]]] = {
            "web killed": partial(self._kill, WEBS),
            "web stopped": partial(self._stop, WEBS),
            "web restarted": partial(self._restart, WEBS),
            "relay killed": partial(self._kill, RELAYS),
            "relay stopped": partial(self._stop, RELAYS),
            "worker killed": partial(self._kill, ("worker",)),
            "bus killed": self._kill_bus,
            "bus stopped": self._stop_bus,
            "bus listeners cut": self._cut_listeners,
            "bus forged": self._forge,
            "backend killed": self._kill_backend,
            "database killed": self._kill_database,
            "database stopped at once": self._stop_database,
            "idle transaction": self._idle_transaction,
            "stuck listener": self._stuck_listener,
            "slow readers": self._slow_readers,
            "herd": self._herd,
            **{kind: partial(self._break_some, kind) for kind in NETWORK},
        }

    async def run(self, strikes: Iterable[Strike]) -> None:
        """Strike at the appointed times; return when everything is whole again."""
        begin = time.monotonic()
        async with asyncio.TaskGroup() as under_way:
            for strike in strikes:
                await asyncio.sleep(max(0.0, begin + strike.at - time.monotonic()))
                under_way.create_task(self._strike(strike))
        for stretch in self.stretches:
            for connection in stretch.connections:
                connection.delay = 0.0
        for process in self.plant.processes.values():
            async with process.turn:
                await self.plant.until_up(process)

    async def _strike(self, strike: Strike) -> None:
        began = time.monotonic()
        with contextlib.suppress(Spared):
            await self._acts[strike.kind](Random(strike.seed))
            self.faults.append(Fault(strike.kind, began, time.monotonic()))

    # Processes --------------------------------------------------------------------------------

    async def _kill(self, names: tuple[str, ...], dice: Random) -> None:
        orders = _orders(names, dice)
        process = self._victim(names, dice)
        async with process.turn:
            process.signal(signal.SIGKILL)
            await asyncio.sleep(dice.uniform(0, 0.5))
            await self._start(process, orders)

    async def _stop(self, names: tuple[str, ...], dice: Random) -> None:
        process = self._victim(names, dice)
        async with process.turn:
            process.signal(signal.SIGSTOP)
            await asyncio.sleep(dice.uniform(0.5, 4))
            process.signal(signal.SIGCONT)

    async def _restart(self, names: tuple[str, ...], dice: Random) -> None:
        """As an upgrade does: asked to end, and started again."""
        orders = _orders(names, dice)
        process = self._victim(names, dice)
        async with process.turn:
            await asyncio.to_thread(process.signal, signal.SIGTERM)
            await self._start(process, orders)

    async def _start(self, process: Process, orders: str) -> None:
        # An older version may not know how to read them.
        process.orders = orders if process.code == ROOT else ""
        if process.orders:
            self.armed.append(process.orders)
        await self.plant.start_process(process.name)
        await self.plant.until_up(process)

    def _victim(self, names: tuple[str, ...], dice: Random) -> Process:
        """One that nothing is being done to."""
        free = [each for name in names if not (each := self.plant.processes[name]).turn.locked()]
        if not free:
            raise Spared
        return dice.choice(free)

    # The bus ----------------------------------------------------------------------------------

    async def _kill_bus(self, dice: Random) -> None:
        async with _alone(self.plant.bus_turn):
            await self.plant.do(self.plant.bus.kill)
            await asyncio.sleep(dice.uniform(0, 3))
            await self.plant.do(self.plant.bus.start)

    async def _stop_bus(self, dice: Random) -> None:
        async with _alone(self.plant.bus_turn):
            self.plant.signal_bus(signal.SIGSTOP)
            await asyncio.sleep(dice.uniform(0.5, 4))
            self.plant.signal_bus(signal.SIGCONT)

    async def _cut_listeners(self, dice: Random) -> None:
        await cut_listeners(self.plant.bus.url)

    async def _forge(self, dice: Random) -> None:
        await send_again(self.plant.bus.url, dice)

    # The database -----------------------------------------------------------------------------

    async def _kill_backend(self, dice: Random) -> None:
        await self._crash(self.plant.kill_backend)

    async def _kill_database(self, dice: Random) -> None:
        await self._crash(self.plant.crash_database, signal.SIGKILL)

    async def _stop_database(self, dice: Random) -> None:
        await self._crash(self.plant.crash_database, signal.SIGQUIT)

    async def _crash(self, work: Callable[..., None], *arguments: int) -> None:
        async with _alone(self.plant.database_turn):
            await self.plant.do(work, *arguments)

    async def _idle_transaction(self, dice: Random) -> None:
        await self._hold("SELECT pg_current_xact_id()", dice)

    async def _stuck_listener(self, dice: Random) -> None:
        await self._hold("SELECT 1", dice, first="LISTEN realtime")

    async def _hold(self, query: str, dice: Random, first: str = "SELECT 1") -> None:
        # The database may end under it; then so does the transaction.
        with contextlib.suppress(psycopg.Error):
            async with await psycopg.AsyncConnection.connect(
                self.plant.urls.superuser, autocommit=True, connect_timeout=5
            ) as line:
                await line.execute(first)
                async with line.transaction():
                    await line.execute(query)
                    await asyncio.sleep(dice.uniform(2, 6))

    # Clients ----------------------------------------------------------------------------------

    async def _slow_readers(self, dice: Random) -> None:
        """Sockets that ask for the whole history and read none of it."""
        world = self.plant.world
        binding = {"event": "*", "schema": "public", "table": "vital_signs", "since": "0"}
        payload = {"config": {"postgres_changes": [binding]}}

        def open_some() -> list[Deaf]:
            opened = []
            for person in dice.sample(world["people"], 3):
                web = self.plant.processes[dice.choice(WEBS)]
                with contextlib.suppress(OSError, AssertionError):
                    opened.append(Deaf(web, person["session"], payload, seconds=3))
            return opened

        deaf = await asyncio.to_thread(open_some)
        await asyncio.sleep(dice.uniform(2, 6))
        for each in deaf:
            each.close()

    async def _herd(self, dice: Random) -> None:
        for stretch in self.stretches:
            stretch.break_some(dice, "reset", share=1.0)

    async def _break_some(self, kind: str, dice: Random) -> None:
        dice.choice(self.stretches).break_some(dice, kind)


def _orders(names: tuple[str, ...], dice: Random) -> str:
    """The failpoints of the next start; before the victim, who depends on what else goes on."""
    return drawn(dice, names[0].partition(" ")[0])


@contextlib.asynccontextmanager
async def _alone(turn: asyncio.Lock) -> AsyncIterator[None]:
    if turn.locked():
        raise Spared
    async with turn:
        yield
