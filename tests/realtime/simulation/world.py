"""One seed: a world from beginning to end, and what is held against it.

Web processes with their hubs, pages, a writer, a relay; trouble for a few seconds; then all is
mended, and everybody has to know everything within a minute of the world's own time. What pages
heard is judged by the checker of the runs under faults (`tests.faults.history`), and besides:

- a position that is said to be everything there was at some moment, is;
- every join is answered, and nobody is signed out whose session lives;
- nothing is logged as a mistake of ours, no exception is lost, no task and no socket is left over.
"""

import asyncio
import gc
import hashlib
import json
import logging
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime
from random import Random
from types import SimpleNamespace
from typing import Any

from realtime.bus import LayerBus
from realtime.envelope import packed
from tests.faults import clients, history
from tests.faults.facts import Heard, Resynced
from tests.realtime.simulation import troubles
from tests.realtime.simulation.database import WELL
from tests.realtime.simulation.edges import HERE, engine_in
from tests.realtime.simulation.layer import Exchange, Layer
from tests.realtime.simulation.loop import SeededLoop, Stuck
from tests.realtime.simulation.pages import Page, Person, Poll
from tests.realtime.simulation.sockets import Socket
from tests.realtime.simulation.troubles import PATIENTS, USERS, Plan
from tests.realtime.simulation.truth import STARTED, Truth
from tests.realtime.simulation.web import Web

SETTLE_SECONDS = 60.0
# What is committed is in the log after so long, or no position is said to be everything.
STILL_SECONDS = 3.6


@dataclass(frozen=True)
class Outcome:
    """What came of a seed; `wrong` is empty when every promise was kept."""

    seed: int
    wrong: list[str]
    trace: list[str]
    counts: dict[str, int]

    @property
    def digest(self) -> str:
        """The same for the same turns, messages and frames, and for nothing else."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()


class Mistakes(logging.Handler):
    """Keeps what the engine logs as a mistake of its own: whatever comes with an exception."""

    def __init__(self, world: "World") -> None:
        super().__init__()
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        self._world.say(f"logged: {record.getMessage()}")
        if record.exc_info:
            error = record.exc_info[1]
            self._world.complain(f"logged: {record.getMessage()} {error!r}")


class World:
    """Everything of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.dice = Random(seed)
        self.plan = Plan.drawn(self.dice)
        self.pace = self.plan.pace
        # Where a few events are read at once, on slow ways, a long history takes its time.
        self.patience = max(1.0, 40 * max(self.pace, 2 * self.plan.tick) / self.plan.page)
        self.loop = SeededLoop(self.dice, self.plan.in_order, self.plan.tick)
        self.truth = Truth(self.loop.time)
        self.exchange = Exchange(self.dice, self.pace)
        self.exchange.loses, self.exchange.doubles = self.plan.loses, self.plan.doubles
        self.webs = {port: Web(self, port) for port in range(1, 1 + self.plan.webs)}
        self.people = [
            Person(self, f"{kind.__name__} {number} of {user}", user, kind)
            for number, (user, kind) in enumerate(
                [*((user, Page) for user in USERS for _ in range(2)), (USERS[0], Poll)]
            )
        ]
        self.sockets: list[Socket] = []  # that pages have open
        self.is_troubled, self.is_relay_still = True, False
        self._points: dict[str, asyncio.Event] = {}
        self._subjects: dict[str, str] = {}
        self.trace: list[str] = []
        self.wrong: list[str] = []

    def run(self) -> Outcome:
        """Live through it and judge it."""
        # A collection would end forgotten generators at a moment that no seed knows.
        gc.disable()
        gc.freeze()
        mistakes = Mistakes(self)
        logger = logging.getLogger("realtime")
        propagates, logger.propagate = logger.propagate, False
        logger.addHandler(mistakes)
        try:
            with engine_in(self):
                try:
                    self.loop.run_until_complete(self._live())
                    self._judge()
                except Stuck:
                    self.complain("everybody waits, and nothing will ever happen")
                finally:
                    self._end()
            gc.collect()
            for mistake in self.loop.mistakes:
                self.complain(f"nobody took: {mistake}")
        finally:
            logger.removeHandler(mistakes)
            logger.propagate = propagates
            gc.unfreeze()
            gc.enable()
        return Outcome(self.seed, self.wrong, self.trace, self._counts())

    def _end(self) -> None:
        """Leave nothing running, whatever it came to."""
        self.loop.pools.abandon()
        if left := asyncio.all_tasks(self.loop):
            with suppress(Stuck):
                self.loop.run_until_complete(clients.end_all(left))
        self.loop.close()

    async def _look(self) -> None:
        """See, until cancelled, that nobody is held whose rights nobody asks for."""
        while True:
            await asyncio.sleep(0.05)
            for web in self.webs.values():
                for reader in web.hub.core.readers.held if web.is_up else ():
                    task = web.hub._asking.get(reader)
                    if task is None or task.done():
                        self.complain(f"nobody asks for the rights of {reader.rights.user_id}")
                        return

    # What others do to it --------------------------------------------------------------------

    def say(self, text: str) -> None:
        """A line of the trace."""
        self.trace.append(f"{self.loop.time():10.5f} {text}")

    def complain(self, text: str) -> None:
        """Something is wrong."""
        self.say(f"WRONG {text}")
        self.wrong.append(text)

    async def hold(self, name: str) -> None:
        """What happens at every failpoint."""
        dice = self.dice
        self.passed(name)
        if dice.random() < self.plan.held:
            seconds = dice.choice((0.0, 0.002, dice.uniform(0, 2 * self.pace)))
            self.say(f"held at {name} for {seconds:.4f} s")
            await asyncio.sleep(seconds)

    def passed(self, point: str, subject: str = "") -> None:
        """The engine passes a named place, or has been answered something about somebody."""
        if (event := self._points.get(point)) is not None:
            self._subjects[point] = subject
            event.set()

    async def when(self, point: str) -> str:
        """Wait until a place is passed, two seconds at most; of whom it was, if of anybody."""
        event = self._points.setdefault(point, asyncio.Event())
        event.clear()
        self._subjects[point] = ""
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await event.wait()
        return self._subjects[point]

    def tell(self, message: dict[str, Any]) -> None:
        """Have the relay publish."""
        self._relay.run(self._relay_bus.offer, message)

    def forged(self) -> dict[str, Any]:
        """What a stranger writes to the bus."""
        log = self.truth.log
        made_up = {"epoch": log.epoch, "first": log.head + 1, "last": log.head + 9, "events": []}
        true = packed({**made_up, "last": log.head, "first": 1})
        return self.dice.choice(
            (
                {"nonsense": True},
                {"text": json.dumps(made_up), "signature": bytes(32)},
                true,
            )
        )

    def check_fresh(self, name: str, position: str, at: str) -> None:
        """Hold a position against the moment at which it is said to have been everything."""
        epoch, _, seq = position.rpartition(":")
        moment = _moment(at)
        log = next(each for each in self.truth.logs if each.epoch == epoch)
        known = max(
            self.truth.head_at(epoch, moment, "moved"),
            self.truth.head_at(epoch, moment - STILL_SECONDS, "committed"),
        )
        if moment > self.loop.time() or moment > log.replaced or int(seq) < known:
            self.complain(f"{name}: {position} is said to be everything at {moment:.5f}: {known}")

    # From beginning to end ---------------------------------------------------------------------

    async def _live(self) -> None:
        dice, truth, plan = self.dice, self.truth, self.plan
        self.say(str(plan))
        for user in USERS:
            for patient in PATIENTS:
                if dice.random() < 0.6:
                    truth.give(user, patient)
        truth.move(most=1000)
        self._relay_bus = LayerBus()
        self._relay = copy_context()
        self._relay.run(HERE.set, SimpleNamespace(layer=Layer(self.exchange, "relay")))
        for web in self.webs.values():
            web.start()
        living = [self._beside(person.live()) for person in self.people]
        beside = [self._beside(troubles.relaying(self)), self._beside(self._look())]
        chosen = [*troubles.ALWAYS, *(troubles.TROUBLES[name] for name in plan.troubles)]
        troubling = [self._beside(trouble(self)) for trouble in chosen]
        await asyncio.sleep(plan.seconds)
        self.is_troubled = False
        await asyncio.gather(*troubling)
        self._mend()
        await self._settle([*living, *beside])
        await clients.end_all([*living, *beside])
        for web in self.webs.values():
            await web.stop()
        await self._relay_bus.close()
        await self._see_who_is_left()

    def _beside(self, work: Any) -> asyncio.Task[Any]:
        return self.loop.create_task(work)

    def _mend(self) -> None:
        self.say("all is mended")
        for web in self.webs.values():
            web.way.state = WELL
        self.exchange.state = WELL
        self.is_relay_still = False
        for socket in self.sockets:
            socket.stalled_until = 0.0

    async def _settle(self, tasks: list[asyncio.Task[Any]]) -> None:
        """Wait until everybody knows everything."""
        began = self.loop.time()
        while self.loop.time() - began < SETTLE_SECONDS * self.patience:
            clients.complain(tasks)
            if not self.truth.inbox and not self._behind():
                return
            await asyncio.sleep(0.25)
        for name, stands in self._behind().items():
            self.complain(f"{name} stands at {stands} of {self.truth.position} in the end")

    def _behind(self) -> dict[str, str]:
        return {
            person.name: person.reader.cursor if person.reader else "nowhere"
            for person in self.people
            if person.reader is None or person.reader.cursor != self.truth.position
        }

    async def _see_who_is_left(self) -> None:
        # A page that left in the middle of a handshake is let go when the answer has come.
        await asyncio.sleep(10)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            names = sorted(f"{task.get_name()} {task.get_coro()}" for task in left)
            self.complain(f"tasks are left over: {names}")

    # The judgement -----------------------------------------------------------------------------

    def _judge(self) -> None:
        readings = [each for person in self.people for each in person.readings()]
        for log in self.truth.logs:
            facts = self.truth.facts(log)
            logged = {event.fact for event in facts.events}
            report = history.check(
                facts,
                self.truth.rights(log),
                [each.of_log(log.epoch) for each in readings],
                [write for write in self.truth.writes if logged.issuperset(write.facts)],
            )
            # Whoever is gone, and whoever went on in the next log, stands still: see `_settle`.
            report.unsettled.clear()
            for promise, examples in report.wrong.items():
                self.complain(f"{log.epoch} {promise}: {examples}")

    def _counts(self) -> dict[str, int]:
        readings = [each for person in self.people for each in person.readings()]
        heard = [each for reading in readings for each in reading.heard]
        return {
            "turns": self.loop.turns,
            "events": sum(log.head for log in self.truth.logs),
            "deliveries": sum(isinstance(each, Heard) for each in heard),
            "resyncs": sum(isinstance(each, Resynced) for each in heard),
        }


def _moment(text: str) -> float:
    """Seconds since the world began."""
    return datetime.fromisoformat(text).timestamp() - STARTED
