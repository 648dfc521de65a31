"""How soon all is well again after each fault, beside the bounds of docs/faults.md.

    make bench BENCH=faults                          all of it, about three minutes
    python -m tests.faults.bounds "bus" "failover"   some of it (EPISODES)

That nothing is lost is asserted by tests; how long it takes by none of them, because beside other
work a test of time fails for nothing. So run it on a machine that does nothing else. Real processes
as in the runs under faults, with pages that hear and writers that write throughout. Ends with
status 0 whatever it measures.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import psycopg

from tests.conftest import SETTINGS
from tests.faults import evidence
from tests.faults.clients import Page, end_all, readers_of
from tests.faults.crowds import deaf_crowd
from tests.faults.facts import OK, Heard, Resynced
from tests.faults.figures import percentiles
from tests.faults.plant import RELAYS, ROOT, WEBS, Plant
from tests.faults.replicas import Replicated
from tests.faults.writers import Writer

PAGES = 2  # of each person
# Of two writers, between two transactions of each: some twenty in a second.
PAUSE_SECONDS = 0.1
LEADERS = 5  # one after another
SPELL_SECONDS = 10.0
PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Bound:
    """What was measured, and what it should be at most; in seconds, or as many times the usual."""

    scenario: str
    what: str
    at_most: float
    measured: float
    unit: str = "s"

    @property
    def is_met(self) -> bool:
        return self.measured <= self.at_most


class Trial:
    """A plant with pages that hear and writers that write, all the while."""

    def __init__(self, plant: Plant, spell: float, leaders: int) -> None:
        self.plant, self.spell, self.leaders = plant, spell, leaders
        self.found: list[Bound] = []

    @asynccontextmanager
    async def under_way(self) -> AsyncIterator[None]:
        """With everybody at work. Afterwards nobody is."""
        plant = self.plant
        await plant.until(lambda: evidence.settled(plant.rows))
        self.began_from = evidence.cursor(plant.rows)
        self.ports = [plant.processes[name].port for name in WEBS]
        self.readers = readers_of(plant.world, self.ports, self.began_from, "bounds", PAGES, 0)
        self.writers = [
            Writer(number, plant.urls.application, plant.world["patients"], Random(number),
                   pause=PAUSE_SECONDS)
            for number in (1, 2)
        ]  # fmt: skip
        end = asyncio.Event()
        tasks = [asyncio.create_task(reader.run()) for reader in self.readers]
        tasks += [asyncio.create_task(writer.run(end)) for writer in self.writers]
        try:
            await self.everybody_knows()
            yield
        finally:
            end.set()
            await end_all(tasks)

    def say(self, scenario: str, what: str, at_most: float, measured: float, unit="s") -> None:
        self.found.append(Bound(scenario, what, at_most, round(measured, 3), unit))

    # What is measured with --------------------------------------------------------------------

    def late(self, since: float, until: float) -> dict[str, float]:
        """How long after its answered commit each change of a time was heard, by each page."""
        told = {
            fact: write.ended
            for writer in self.writers
            for write in writer.writes
            if write.outcome == OK and since <= write.ended <= until
            for fact in write.facts
        }
        return percentiles(
            [
                max(0.0, each.at - told[each.fact])
                for reader in self.readers
                for each in reader.heard
                if isinstance(each, Heard) and each.fact in told
            ]
        )

    async def spent(self) -> dict[str, float]:
        """Let a spell pass; how late what was written in it was heard."""
        began = time.monotonic()
        await asyncio.sleep(self.spell)
        ended = time.monotonic()
        await self.everybody_knows()
        return self.late(began, ended)

    async def everybody_knows(self) -> None:
        """Wait until every page stands where the log stands now, or later."""
        epoch, _, head = (await asyncio.to_thread(evidence.cursor, self.plant.rows)).rpartition(":")
        await reached(lambda: all(r.epoch == epoch and r.seq >= int(head) for r in self.readers))

    async def led_by_another(self, epoch: int) -> None:
        """Wait until a relay leads that did not in this epoch."""
        lead = "SELECT 1 FROM realtime_relay WHERE leader_epoch > %s"
        await reached(lambda: self.plant.rows(lead, epoch), ask=True)

    async def epoch(self) -> int:
        found = await asyncio.to_thread(self.plant.rows, "SELECT leader_epoch FROM realtime_relay")
        return int(found[0]["leader_epoch"])


async def reached(there: Callable[[], object], *, ask: bool = False) -> None:
    """Wait for something; `ask` where looking at it blocks."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (await asyncio.to_thread(there) if ask else there()):
            await asyncio.sleep(LOOK_SECONDS)


# One after another ------------------------------------------------------------------------------


async def usual(trial: Trial) -> None:
    trial.usual = (await trial.spent())["p99"]
    trial.say("–", "a change is heard, p99, nothing wrong", 0.5, trial.usual)


async def leader(trial: Trial) -> None:
    """Stopped, and killed, again and again; whoever stands by is then the leader."""
    plant = trial.plant
    leads, stands_by = (plant.processes[name] for name in RELAYS)
    await again(plant, stands_by)
    took: dict[int, list[float]] = {signal.SIGSTOP: [], signal.SIGKILL: []}
    for how in [signal.SIGSTOP, signal.SIGKILL] * trial.leaders:
        before, began = await trial.epoch(), time.monotonic()
        leads.signal(how)
        await trial.led_by_another(before)
        took[how].append(time.monotonic() - began)
        if how == signal.SIGKILL:
            await again(plant, leads)
        else:
            leads.signal(signal.SIGCONT)
            await both_there(plant)
        leads, stands_by = stands_by, leads
    trial.say("4", "another relay leads, of one that stands still", 3, max(took[signal.SIGSTOP]))
    trial.say("1", "another relay leads, of one that was killed", 3, max(took[signal.SIGKILL]))


async def again(plant: Plant, relay) -> None:
    relay.signal(signal.SIGKILL)
    await plant.start_process(relay.name)
    await both_there(plant)


async def both_there(plant: Plant) -> None:
    """Wait until both relays are connected, and one leads."""
    there = (
        "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'vigil relay%%'"
        " HAVING count(*) >= 2"
    )
    await reached(lambda: plant.rows(there), ask=True)


async def bus(trial: Trial) -> None:
    plant = trial.plant
    await plant.do(plant.bus.kill)
    trial.say("6", "a change is heard, p99, the bus dead", 1, (await trial.spent())["p99"])
    await plant.do(plant.bus.start)
    await trial.everybody_knows()
    plant.signal_bus(signal.SIGSTOP)
    trial.say("6", "a change is heard, p99, the bus frozen", 1, (await trial.spent())["p99"])
    plant.signal_bus(signal.SIGCONT)


async def idle_transaction(trial: Trial) -> None:
    async with await psycopg.AsyncConnection.connect(trial.plant.urls.superuser) as line:
        await line.execute("SELECT pg_current_xact_id()")
        p99 = (await trial.spent())["p99"]
    what = "p99 beside a transaction that is left open"
    trial.say("8", what, 1.1, p99 / trial.usual, "× the usual")


async def slow_readers(trial: Trial) -> None:
    crowd = await asyncio.to_thread(deaf_crowd, trial.plant)
    began = time.monotonic()
    try:
        others = asyncio.create_task(trial.spent())
        await reached(crowd.is_dropped, ask=True)
        trial.say("7", f"{crowd.count} who read nothing are dropped", 5, time.monotonic() - began)
        p99 = (await others)["p99"]
        trial.say("7", "p99 of the others meanwhile", 1.1, p99 / trial.usual, "× the usual")
    finally:
        crowd.close()


async def poison(trial: Trial) -> None:
    """A row that the log does not take: how long the changes around it wait."""
    rows = trial.plant.rows
    refuse = (
        "ALTER TABLE realtime_events ADD CONSTRAINT squeamish CHECK (row_id <> 'poison') NOT VALID"
    )
    put = (
        "INSERT INTO realtime_inbox (organization_id, kind, topics, table_name, row_id, operation)"
        " VALUES (%s, 'change', '{}', 'vital_signs', 'poison', 'INSERT') RETURNING id"
    )
    async with await psycopg.AsyncConnection.connect(trial.plant.urls.superuser) as line:
        await line.execute(refuse)
    await trial.everybody_knows()
    await asyncio.to_thread(rows, put, trial.plant.world["patients"][0]["organization"])
    longest = (await trial.spent())["most"]
    buried = await asyncio.to_thread(rows, "SELECT 1 FROM realtime_dead_letters")
    assert buried, "the log has taken it"
    trial.say("17", "the longest wait around a poisonous row", 1, longest)


async def catch_up(trial: Trial) -> None:
    """A page that stood where all stood when the trial began."""
    person = trial.plant.world["people"][0]
    cookies = {trial.plant.world["cookie"]: person["session"]}
    page = Page("late", person["user"], cookies, trial.ports, trial.began_from, Random(1))
    cursor = await asyncio.to_thread(evidence.cursor, trial.plant.rows)
    head, began = int(cursor.rpartition(":")[2]), time.monotonic()
    reading = asyncio.create_task(page.run())
    try:
        await reached(lambda: page.seq >= head)
        missed = head - page.since
        what = f"a page that comes back to {missed} missed events has them"
        trial.say("5", what, 2, time.monotonic() - began)
    finally:
        await end_all([reading])


async def database(trial: Trial) -> None:
    """Killed, and there again: from then until everybody hears what is written then."""
    await trial.plant.do(trial.plant.crash_database, signal.SIGKILL)
    began = time.monotonic()
    await reached(lambda: any(w.writes[-1].began > began for w in trial.writers))
    await trial.everybody_knows()
    trial.say("2", "everybody hears again, of a database that is back", 5, time.monotonic() - began)


async def failover(trial: Trial) -> None:
    """A standby without the tail takes over: until everybody has begun anew."""
    plant, primary = trial.plant, trial.plant.server
    standby = Replicated(plant.folder / "standby", durable=False)
    await plant.do(standby.follow, primary)
    await plant.do(standby.start)
    await plant.do(standby.stop)
    await asyncio.sleep(2)  # what is written now the standby never hears of
    standby.port = primary.port
    await plant.do(primary.kill)
    plant.server = standby
    await plant.do(standby.start)
    await plant.do(plant.rows, "SELECT pg_promote()")
    began = time.monotonic()
    for reader in trial.readers:
        reader.heard.clear()
    anew = lambda reader: any(isinstance(each, Resynced) for each in reader.heard)  # noqa: E731
    await reached(lambda: all(map(anew, trial.readers)))
    trial.say("3", "everybody has begun anew after a failover", 10, time.monotonic() - began)
    await plant.do(primary.discard)


EPISODES: dict[str, Callable[[Trial], Awaitable[None]]] = {
    "usual": usual,
    "leader": leader,
    "bus": bus,
    "idle transaction": idle_transaction,
    "slow readers": slow_readers,
    "poison": poison,
    "catch-up": catch_up,
    "database": database,
    "failover": failover,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("episodes", nargs="*", type=_episode, metavar="episode")
    parser.add_argument("--spell", type=float, default=SPELL_SECONDS, help="seconds of each")
    parser.add_argument("--leaders", type=int, default=LEADERS, help="how many one after another")
    asked = parser.parse_args()
    os.environ.update(SETTINGS | {"DATABASE_URL": "postgresql://vigil_app@127.0.0.1/none"})
    # Whatever comes is measured by the usual.
    names = ["usual", *(name for name in asked.episodes or EPISODES if name != "usual")]
    with tempfile.TemporaryDirectory(prefix="vigil-bounds-") as name:
        # PostgreSQL runs as nobody when we are root.
        Path(name).chmod(0o755)
        found = asyncio.run(_tried(Path(name), names, asked.spell, asked.leaders))
    folder = ROOT / ".data" / "bounds"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    path.write_text(
        json.dumps([asdict(each) | {"is_met": each.is_met} for each in found], indent=1)
    )
    load = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end"
    print(table(found), f"\n{load}; {path.relative_to(ROOT)}", sep="\n")


def table(found: list[Bound]) -> str:
    """What was measured beside what it should be, in Markdown."""
    rows = [
        f"| {each.scenario} | {each.what} | {each.at_most:g} {each.unit} |"
        f" {each.measured:.2f} {each.unit} | {'met' if each.is_met else '**missed**'} |"
        for each in found
    ]
    return "\n".join(["| # | what | at most | measured | |", "|---|---|---|---|---|", *rows])


async def _tried(folder: Path, names: list[str], spell: float, leaders: int) -> list[Bound]:
    plant = Plant(folder, server=Replicated(folder / "server", durable=False))
    trial = Trial(plant, spell, leaders)
    try:
        await plant.start()
        async with trial.under_way():
            for name in names:
                print(f"{name} …", file=sys.stderr, flush=True)
                await EPISODES[name](trial)
    finally:
        await plant.end()
    return trial.found


def _episode(name: str) -> str:
    if name not in EPISODES:
        raise argparse.ArgumentTypeError(f"there is no {name!r}: {', '.join(EPISODES)}")
    return name


if __name__ == "__main__":
    main()
