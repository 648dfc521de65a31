"""One run of a ward: findings come, everything goes wrong, and nobody is left to silence."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from random import Random

import psycopg

from tests.faults import evidence as log_evidence
from tests.faults.clients import TOKEN, complain, end_all
from tests.faults.nemesis import Strike, plan
from tests.faults.network import Stretch
from tests.faults.plant import WEBS
from tests.faults.ward import evidence
from tests.faults.ward.facts import Promise
from tests.faults.ward.history import check
from tests.faults.ward.separation import KINDS, FarNemesis, SeparatePlant
from tests.faults.ward.staff import Clinician, Laboratory
from tests.faults.ward.world import WAITS

# As the auditor has it, who tells the administrators of what is later.
PROMISE = Promise(waits=WAITS, late=60.0)
# More findings than this never wait to be judged: how fast they come is the machine's to say.
WAITING = 40
# Who answers which share of what they hear of, and how many seconds later.
STAFF = {
    "noor": (0.6, (0.2, 3.0)),
    # One in ten at the same moment as the nurse; the rest is not answered by her at all.
    "ada": (0.1, (0.2, 3.0)),
    # After the clinicians were told.
    "boris": (0.3, (17.0, 25.0)),
}
PRESSING = 3  # buttons that one person presses at once
# Longer than any run: what is left of the plan when all findings have come is not carried out.
LONGEST_SECONDS = 3_600.0


@dataclass(frozen=True)
class Scale:
    """How much, and how often something goes wrong."""

    pause: float  # between two faults
    kinds: tuple[str, ...] = KINDS


async def run(plant: SeparatePlant, seed: str, scale: Scale) -> dict:
    """Live through it on a plant that is up; the report, as JSON can hold it."""
    await plant.until(lambda: log_evidence.settled(plant.rows))
    world, dice = plant.world, Random(seed)
    stretches = [Stretch(plant.processes[name].port) for name in WEBS]
    for stretch in stretches:
        await stretch.open()
    staff = [
        Clinician(
            name=name,
            user=world["staff"][name]["user"],
            cookies={world["cookie"]: world["staff"][name]["session"], world["csrf"]: TOKEN},
            ports=[stretch.port for stretch in stretches],
            cursor=log_evidence.cursor(plant.rows),
            dice=Random(f"{seed} {name}"),
            share=share,
            after=after,
        )
        for name, (share, after) in STAFF.items()
    ]
    laboratory = Laboratory(plant.urls.application, world["organization"], world["patients"])
    nemesis = FarNemesis(plant, stretches)
    began = time.monotonic()
    at_work = [asyncio.create_task(each.run()) for each in staff]
    at_work.append(asyncio.create_task(_supervise(plant)))
    at_work += [asyncio.create_task(each.answer()) for each in staff for _ in range(PRESSING)]
    is_brought = False
    strikes = plan(dice.random().hex(), LONGEST_SECONDS, scale.pause, scale.kinds)
    striking = asyncio.create_task(nemesis.run(_while(strikes, lambda: not is_brought)))
    try:
        while laboratory.brought < len(laboratory.patients):
            complain([*at_work, striking])
            await laboratory.bring()
            await _until(plant, lambda: evidence.unjudged(plant.rows) < WAITING, at_work)
        took = time.monotonic() - began
        is_brought = True
        await striking
        await _until(plant, lambda: evidence.is_through(plant.rows, len(WAITS)), at_work)
    finally:
        await end_all([*at_work, striking])
        for stretch in stretches:
            await stretch.close()
    pressed = [each for one in staff for each in one.pressed]
    report = check(await asyncio.to_thread(evidence.ward, plant.rows, pressed), PROMISE)
    faults: dict[str, int] = {}
    for fault in nemesis.faults:
        faults[fault.kind] = faults.get(fault.kind, 0) + 1
    ends: dict[str, int] = {}
    for one in staff:
        for why, count in one.ends.items():
            ends[why] = ends.get(why, 0) + count
    return {
        "counts": report.counts,
        "wrong": report.wrong,
        "figures": report.figures,
        "faults": dict(sorted(faults.items())),
        "answers": dict(sorted(ends.items())),
        "seconds": round(took, 1),
        "promise": asdict(PROMISE),
    }


async def _supervise(plant: SeparatePlant) -> None:
    """Start again what has ended by itself, a second later: as systemd does, until cancelled."""
    while True:
        await asyncio.sleep(1)
        for process in plant.processes.values():
            if process.pid is None and not process.turn.locked():
                async with process.turn:
                    await plant.start_process(process.name)


def _while(strikes: list[Strike], goes_on: Callable[[], bool]) -> Iterator[Strike]:
    return (strike for strike in strikes if goes_on())


async def _until(plant: SeparatePlant, condition, at_work: list[asyncio.Task]) -> None:
    """Wait for what the database says, through its absences; as long as the promise has it."""
    deadline = time.monotonic() + 4 * PROMISE.late
    while time.monotonic() < deadline:
        complain(at_work)
        with contextlib.suppress(psycopg.Error):
            if await asyncio.to_thread(condition):
                return
        await asyncio.sleep(0.2)
