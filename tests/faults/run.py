"""One run: real processes, writers, clients and a nemesis; then the truth, and the judgement."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from random import Random

import psycopg
from psycopg.rows import dict_row

from tests.faults import evidence
from tests.faults.clients import Reader, complain, end_all, readers_of
from tests.faults.facts import Gauge, Right, Sample, Truth
from tests.faults.figures import Figures, figures
from tests.faults.history import Report, check
from tests.faults.nemesis import DATABASE_FAULTS, DECK, Fault, Nemesis, plan
from tests.faults.network import Stretch
from tests.faults.plant import WEBS, Plant
from tests.faults.writers import Registrar, Writer

# A connection that was made while the database went away may fail a little after it came back.
GRACE_SECONDS = 5.0
SAMPLE_SECONDS = 0.25


@dataclass(frozen=True)
class Scale:
    """How much of everything, and how often something goes wrong."""

    seconds: float = 30.0
    pause: float = 1.0  # between two faults
    writers: int = 4
    write_pause: float = 0.1  # of one writer, between two transactions
    pages: int = 2  # sockets of each person
    polls: int = 3  # people who poll
    settle_within: float = 120.0
    kinds: tuple[str, ...] = DECK


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    report: Report
    figures: Figures
    faults: list[Fault]
    readers: list[Reader]


class Run:
    """One run on a plant that is up."""

    def __init__(self, plant: Plant, seed: str, scale: Scale) -> None:
        self.plant, self.seed, self.scale = plant, seed, scale
        self.dice = Random(seed)
        self.epoch, self.head = "", 0  # of the log, once nothing is written any more
        self.samples: list[Sample] = []
        self.gauges: list[Gauge] = []
        self.connections: list[int] = []

    async def run(self) -> Outcome:
        """Live through it and judge it."""
        plant, scale = self.plant, self.scale
        await plant.until(lambda: evidence.settled(plant.rows))
        self.cursor = evidence.cursor(plant.rows)
        moving = [place["id"] for place in plant.world["places"]]
        self.rights = evidence.rights(plant.rows, without=moving)
        stretches = [Stretch(plant.processes[name].port) for name in WEBS]
        for stretch in stretches:
            await stretch.open()
        ports = [stretch.port for stretch in stretches]
        readers = readers_of(plant.world, ports, self.cursor, self.seed, scale.pages, scale.polls)
        writers, registrars = self._writers()
        nemesis = Nemesis(plant, stretches)
        end = asyncio.Event()
        watching = asyncio.create_task(self._watch())
        reading = [asyncio.create_task(reader.run()) for reader in readers]
        try:
            async with asyncio.TaskGroup() as writing:
                for writer in [*writers, *registrars]:
                    writing.create_task(writer.run(end))
                await nemesis.run(plan(self.seed, scale.seconds, scale.pause, scale.kinds))
                end.set()
            settled = await self._settle(readers, reading)
        finally:
            await end_all([watching, *reading])
            for stretch in stretches:
                await stretch.close()
        writes = [write for writer in writers for write in writer.writes]
        truth = self._truth(settled, nemesis.faults)
        rights = [*self.rights, *self._rights_that_changed(registrars)]
        report = check(truth, rights, [reader.log for reader in readers], writes)
        found = figures(truth, readers, writes, nemesis.faults, nemesis.armed)
        return Outcome(report, found, nemesis.faults, readers)

    # Who takes part ---------------------------------------------------------------------------

    def _writers(self) -> tuple[list[Writer], list[Registrar]]:
        plant, scale = self.plant, self.scale
        url = plant.urls.application
        writers = [
            Writer(
                number=number + 1,
                url=url,
                patients=plant.world["patients"],
                dice=Random(f"{self.seed} writer {number}"),
                pause=scale.write_pause,
            )
            for number in range(scale.writers)
        ]
        registrars = [
            Registrar(url, place, Random(f"{self.seed} place {place['id']}"), pause=1.0)
            for place in plant.world["places"]
        ]
        return writers, registrars

    # While it lasts ---------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Look at the relay's row, the connections and the processes, until cancelled."""
        looks = 0
        while True:
            with contextlib.suppress(psycopg.Error):
                async with await psycopg.AsyncConnection.connect(
                    self.plant.urls.superuser,
                    autocommit=True,
                    row_factory=dict_row,
                    connect_timeout=5,
                ) as line:
                    while True:
                        cursor = await line.execute(
                            "SELECT leader_epoch, last_seq, (SELECT count(*)::int FROM"
                            " pg_stat_activity WHERE backend_type = 'client backend') AS held"
                            " FROM realtime_relay"
                        )
                        row = await cursor.fetchone()
                        assert row is not None
                        self.samples.append(Sample(row["leader_epoch"], row["last_seq"]))
                        self.connections.append(row["held"])
                        looks += 1
                        if looks % 8 == 0:
                            self.gauges += self.plant.gauges()
                        await asyncio.sleep(SAMPLE_SECONDS)
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _settle(
        self, readers: list[Reader], reading: list[asyncio.Task[None]]
    ) -> float | None:
        """Wait until everybody knows everything that was written so far.

        Returns how long that took, None when it did not come.
        """
        began = time.monotonic()
        while time.monotonic() - began < self.scale.settle_within:
            complain(reading)
            if not self.head:
                found = await asyncio.to_thread(evidence.settled, self.plant.rows)
                self.epoch, self.head = found or ("", 0)
            elif all(each.epoch == self.epoch and each.seq >= self.head for each in readers):
                return time.monotonic() - began
            await asyncio.sleep(0.1)
        return None

    # Afterwards -------------------------------------------------------------------------------

    def _truth(self, settled: float | None, faults: list[Fault]) -> Truth:
        ask = self.plant.rows
        return Truth(
            epoch=self.epoch,
            seqs=evidence.seqs(ask, self.head),
            oldest=evidence.oldest(ask),
            head=self.head,
            events=evidence.events(ask, self.head),
            rows=evidence.rows(ask),
            samples=self.samples,
            gauges=self.gauges,
            connections=self.connections,
            absences=[
                (fault.began, fault.ended + GRACE_SECONDS)
                for fault in faults
                if fault.kind in DATABASE_FAULTS
            ],
            settled=settled,
            settle_within=self.scale.settle_within,
        )

    def _rights_that_changed(self, registrars: list[Registrar]) -> list[Right]:
        found = []
        for registrar in registrars:
            place, turns = registrar.place, registrar.turns
            began = int(self.cursor.rpartition(":")[2])
            marks = evidence.changes_of_rights(self.plant.rows, place["user"], began)
            each = len(marks) // max(1, len(turns))
            assert len(marks) == each * len(turns), "a change of rights was not told, or told twice"
            right = Right(place["user"], place["patient"])
            for number, (asked, done, holds) in enumerate(turns):
                first, last = marks[number * each], marks[(number + 1) * each - 1]
                if holds:
                    right = Right(place["user"], place["patient"], since=last, granted=asked)
                else:
                    found.append(
                        Right(
                            right.user,
                            right.patient,
                            since=right.since,
                            granted=right.granted,
                            until=first,
                            revoked=asked,
                            ended=done,
                        )
                    )
            found.append(right)
        return found
