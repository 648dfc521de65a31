"""A ward's plant, whose processes reach the database and the bus by stretches of network.

On these happens what happens between machines. A line that has died silently is cut after a few
seconds: two systems do that that have not heard from each other (`portal.embedded.roles`), and
what carries bytes here is a process, which answers for the one that is gone.
"""

import asyncio
import json
import re
import subprocess
from pathlib import Path
from random import Random

from tests.faults.nemesis import DECK, Nemesis
from tests.faults.network import Stretch
from tests.faults.plant import RELAYS, WEBS, Plant, run

GROUPS = {"webs": WEBS, "relays": RELAYS, "worker": ("worker",)}
SERVERS = ("database", "bus")
# What happens on the way to a server: it ends by itself.
FAR = tuple(f"{server} {what}" for server in SERVERS for what in ("far", "unheard", "cut off"))
# One packet in four, of everything that runs here.
LOSS = "packets lost"
SPELL_SECONDS = (1.0, 6.0)
KINDS = (*(kind for kind in DECK if kind != "slow readers"), *FAR)


class SeparatePlant(Plant):
    """`patients` lie on the ward."""

    def __init__(self, folder: Path, patients: int, template: str | None = None) -> None:
        super().__init__(folder, template, DATABASE_POOL="8")
        self.patients = patients
        ports = {"database": self.server.port, "bus": self.bus.port}
        self.ways = {
            (group, server): Stretch(ports[server]) for group in GROUPS for server in SERVERS
        }

    async def start(self) -> None:
        for way in self.ways.values():
            await way.open()
        await super().start()

    async def end(self) -> None:
        for way in self.ways.values():
            await way.close()
        await super().end()

    def arrange(self) -> dict:
        return json.loads(
            run("-m", "tests.faults.ward.world", str(self.patients), environment=self.environment)
        )

    def environment_of(self, name: str) -> dict[str, str]:
        """The servers' addresses are those of the ways to them."""
        (group,) = (group for group, names in GROUPS.items() if name in names)
        moved = {
            str(way.target): str(way.port) for (of, _), way in self.ways.items() if of == group
        }

        def elsewhere(url: str) -> str:
            return re.sub(r"(?<=:)\d+(?=/)", lambda port: moved.get(port[0], port[0]), url)

        names = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_ENGINE_URL", "REDIS_URL")
        return self.environment | {each: elsewhere(self.environment[each]) for each in names}


class FarNemesis(Nemesis):
    """Also breaks the ways to the servers, and loses packets where it may."""

    def __init__(self, plant: SeparatePlant, stretches: list[Stretch]) -> None:
        super().__init__(plant, stretches)
        self.ways = plant.ways
        for server in SERVERS:
            for what, act in (
                ("far", self._far), ("unheard", self._unheard), ("cut off", self._cut_off)
            ):  # fmt: skip
                self._acts[f"{server} {what}"] = _of(act, server)
        self._acts[LOSS] = self._lose

    async def _far(self, server: str, dice: Random) -> None:
        """Some ten milliseconds there, and as many again now and then."""
        connections = list(self._way(server, dice).connections)
        for connection in connections:
            connection.delay, connection.jitter = dice.uniform(0.005, 0.03), 0.03
        await asyncio.sleep(dice.uniform(*SPELL_SECONDS))
        for connection in connections:
            connection.delay = connection.jitter = 0.0

    async def _unheard(self, server: str, dice: Random) -> None:
        """In one direction, or in both, nothing arrives any more; then it is noticed."""
        victims = [each for each in self._way(server, dice).connections if dice.random() < 0.7]
        for connection in victims:
            connection.lost |= dice.choice([{"up"}, {"down"}, {"up", "down"}])
        await asyncio.sleep(dice.uniform(*SPELL_SECONDS))
        for connection in victims:
            connection.cut()

    async def _cut_off(self, server: str, dice: Random) -> None:
        self._way(server, dice).break_some(dice, "reset", share=dice.choice([0.5, 1.0]))

    async def _lose(self, dice: Random) -> None:
        """Of everything on this namespace's loopback, in the kernel: TCP repeats and waits."""
        rules = ("add table ip far", "add chain ip far in { type filter hook input priority 0 ; }",
                 "add rule ip far in numgen random mod 100 < 25 drop")  # fmt: skip
        for rule in rules:
            await asyncio.to_thread(subprocess.run, ["nft", *rule.split()], check=True)
        await asyncio.sleep(dice.uniform(*SPELL_SECONDS))
        await asyncio.to_thread(subprocess.run, ["nft", "delete", "table", "ip", "far"], check=True)

    def _way(self, server: str, dice: Random) -> Stretch:
        return self.ways[dice.choice(list(GROUPS)), server]


def _of(act, server: str):
    async def bound(dice: Random) -> None:
        await act(server, dice)

    return bound
