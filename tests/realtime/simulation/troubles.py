"""What happens meanwhile: writers, rights that come and go, the relay, and everything that breaks.

Which of it happens at all is drawn for each world (`Plan`): a world in which everything goes wrong
at once never gets as far as the rare things.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from tests.realtime.simulation.database import REFUSED, STILL, WELL
from tests.realtime.simulation.truth import FOR_EVER

if TYPE_CHECKING:
    from tests.realtime.simulation.world import World

USERS = ("ana", "ada")
PATIENTS = ("one", "two", "three")
# The relay looks at least so often (`relay_core.SWEEP_SECONDS`).
SWEEP_SECONDS = 0.5
# Where a change of rights hurts most: what the engine has just passed, or been answered.
STRIKES = (
    *("identified", "granted", "hub.rights", "history.page", "history.read"),
    *("join.rights", "join.sent"),
)


@dataclass(frozen=True)
class Plan:
    """One world's share of everything."""

    seconds: float  # of trouble; then all is mended
    webs: int
    in_order: float  # see `SeededLoop`
    tick: float  # as above
    pace: float  # the longest of ordinary delays, in seconds
    held: float  # the share of failpoints that are passed late
    writes: float  # a second
    has_policies: bool
    answers_many: bool
    ring: int  # events that a hub remembers
    page: int  # events that are read at once
    short_sessions: float  # the share that ends by the clock
    loses: float
    doubles: float
    troubles: tuple[str, ...]

    @classmethod
    def drawn(cls, dice: Random) -> "Plan":
        names = sorted(TROUBLES)
        return cls(
            seconds=dice.uniform(3, 8),
            webs=dice.choice((1, 2)),
            in_order=dice.choice((0.0, 0.0, 0.5, 1.0)),
            tick=dice.choice((0.0, 0.002, 0.02, 0.1)),
            pace=dice.choice((0.01, 0.1, 0.5)),
            held=dice.choice((0.0, 0.1, 0.3)),
            writes=dice.choice((3, 10, 25)),
            has_policies=dice.random() < 0.5,
            answers_many=dice.random() < 0.5,
            ring=dice.choice((3, 20, 10_000)),
            page=dice.choice((4, 20, 500)),
            short_sessions=dice.choice((0.0, 0.0, 0.3)),
            loses=dice.choice((0.0, 0.1, 0.5)),
            doubles=dice.choice((0.0, 0.3)),
            troubles=tuple(name for name in names if dice.random() < 0.35),
        )


async def writing(world: "World") -> None:
    """Rows about patients; sometimes many in one go."""
    dice, truth = world.dice, world.truth
    while world.is_troubled:
        await asyncio.sleep(dice.expovariate(world.plan.writes))
        for _ in range(dice.choice((1, 1, 1, 2, 8))):
            truth.write("writer", dice.choice(PATIENTS))


async def relaying(world: "World") -> None:
    """From the inbox into the log and on to the bus, until cancelled."""
    dice = world.dice
    while True:
        await asyncio.sleep(dice.choice((0.001, 0.01, dice.uniform(0, SWEEP_SECONDS))))
        _relay(world)


def _relay(world: "World") -> None:
    """Everything that is in the inbox, in batches."""
    truth = world.truth
    if world.is_relay_still:
        return
    truth.beat = truth.now()
    while moved := truth.move(most=world.dice.choice((1, 3, 1000))):
        first, last = moved[0]["seq"], moved[-1]["seq"]
        world.say(f"the log reaches {truth.log.epoch}:{last}")
        world.tell({"epoch": truth.log.epoch, "first": first, "last": last, "events": moved})


async def rights(world: "World") -> None:
    """Rights are given and taken; often the same one again, before anybody has heard of it."""
    dice, truth = world.dice, world.truth
    while world.is_troubled:
        await asyncio.sleep(dice.uniform(0, 1.5))
        user, patient = dice.choice(USERS), dice.choice(PATIENTS)
        for _ in range(dice.choice((1, 1, 2, 3, 12))):
            if dice.random() < 0.6:
                await world.when(dice.choice(STRIKES))
            _turn(world, user, patient)
            truth.write("writer", patient)
            if dice.random() < 0.5:
                _relay(world)
            await asyncio.sleep(dice.choice((0.002, dice.uniform(0, 2 * world.pace))))


def _turn(world: "World", user: str, patient: str) -> None:
    dice, truth = world.dice, world.truth
    held = [
        each
        for each in truth.grants
        if (each.user, each.patient) == (user, patient) and each.taken is None
    ]
    if held:
        truth.take(held[0])
        world.say(f"{user} loses {patient}")
    else:
        is_short = dice.random() < 0.3
        truth.give(user, patient, truth.now() + dice.uniform(0.1, 3) if is_short else FOR_EVER)
        world.say(f"{user} is given {patient}")


async def by_the_clock(world: "World") -> None:
    """What ends by the clock is told a little later, by a job."""
    truth = world.truth
    while world.is_troubled:
        await asyncio.sleep(world.dice.uniform(0.1, 1))
        for grant in truth.grants:
            if grant.taken is None and grant.until <= truth.now():
                truth.take(grant)


async def signing_out(world: "World") -> None:
    """Somebody signs out, or is signed out; often in the moment in which they were let in."""
    dice = world.dice
    while world.is_troubled:
        await asyncio.sleep(dice.choice((0.0, dice.uniform(0, 2))))
        session = dice.choice(world.people).session
        if dice.random() < 0.7:
            token = await world.when("identified")
            session = world.truth.sessions[token] if token else session
        if session is not None and session.lives(world.truth.now()):
            world.truth.sign_out(session)
            world.say(f"{session.token} is signed out")
            if dice.random() < 0.5:
                _relay(world)


async def untold(world: "World") -> None:
    """Something changes that cannot be told."""
    while world.is_troubled:
        await asyncio.sleep(world.dice.uniform(0, 4))
        world.truth.order_to_resync()


async def retention(world: "World") -> None:
    """History is forgotten."""
    while world.is_troubled:
        await asyncio.sleep(world.dice.uniform(0, 4))
        world.truth.drop_history(keep=world.dice.choice((0, 2, 10)))
        world.say(f"the log begins at {world.truth.log.oldest}")


async def restore(world: "World") -> None:
    """The log is replaced by another, perhaps without its tail."""
    await asyncio.sleep(world.dice.uniform(0, world.plan.seconds))
    world.truth.replace_log(losing=world.dice.choice((0, 0, 1, 5)))
    world.say(f"the log is {world.truth.log.epoch}")


async def still_relay(world: "World") -> None:
    """No relay leads for a while."""
    await asyncio.sleep(world.dice.uniform(0, world.plan.seconds))
    world.is_relay_still = True
    world.say("no relay")
    await asyncio.sleep(world.dice.uniform(0.5, 6))
    world.is_relay_still = False


async def database(world: "World") -> None:
    """The ways to the database are refused, or stand still: some or all."""
    dice = world.dice
    while world.is_troubled:
        await asyncio.sleep(dice.uniform(0, 4))
        webs = list(world.webs.values())
        chosen = webs if dice.random() < 0.5 else [dice.choice(webs)]
        for web in chosen:
            web.way.state = dice.choice((REFUSED, STILL))
            world.say(f"web {web.port}: the database is {web.way.state}")
        await asyncio.sleep(dice.choice((0.05, dice.uniform(0, 1), dice.uniform(0, 7))))
        for web in chosen:
            web.way.state = WELL


async def bus(world: "World") -> None:
    """The bus is away, or stands still."""
    dice = world.dice
    while world.is_troubled:
        await asyncio.sleep(dice.uniform(0, 4))
        world.exchange.state = dice.choice((REFUSED, STILL))
        world.say(f"the bus is {world.exchange.state}")
        await asyncio.sleep(dice.choice((0.05, dice.uniform(0, 4))))
        world.exchange.state = WELL


async def forger(world: "World") -> None:
    """A stranger writes to the bus: nonsense, old news, and the next event, made up."""
    dice = world.dice
    while world.is_troubled:
        await asyncio.sleep(dice.uniform(0, 1))
        for channel in list(world.exchange.queues):
            world.exchange.hand_on(channel, world.forged())


async def lines(world: "World") -> None:
    """Lines stall, break or vanish."""
    dice = world.dice
    while world.is_troubled:
        await asyncio.sleep(dice.uniform(0, 1))
        if world.sockets:
            socket = dice.choice(world.sockets)
            match dice.choice(("stalls", "stalls", "breaks", "vanishes")):
                case "stalls":
                    socket.stall(dice.choice((0.1, dice.uniform(0, 8))))
                case "breaks":
                    socket.break_off()
                case "vanishes":
                    socket.is_vanished = True


async def restarts(world: "World") -> None:
    """A web process ends and begins anew."""
    dice = world.dice
    while world.is_troubled:
        await asyncio.sleep(dice.uniform(0, 5))
        web = dice.choice(list(world.webs.values()))
        await web.stop()
        await asyncio.sleep(dice.uniform(0, 1))
        web.start()


async def pauses(world: "World") -> None:
    """The whole machine stands still: afterwards everything is due at once."""
    dice = world.dice
    while world.is_troubled:
        await asyncio.sleep(dice.uniform(0, 3))
        seconds = dice.choice((0.02, 0.4, dice.uniform(0, 3)))
        world.say(f"all stands still for {seconds:.3f} s")
        world.loop.stand_still(seconds)


Trouble = Callable[["World"], Coroutine[Any, Any, None]]

# What goes on in every world, and what may.
ALWAYS: tuple[Trouble, ...] = (writing, rights, by_the_clock)
TROUBLES: dict[str, Trouble] = {
    each.__name__: each
    for each in (
        *(signing_out, untold, retention, restore, still_relay, database),
        *(bus, forger, lines, restarts, pauses),
    )
}
