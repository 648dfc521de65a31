"""Failpoints with which processes of a run start anew: drawn from its seed, told in its report.

A delay where two things meet shows what no kill and no load does. The names are those of the
engine (`realtime.failpoints` says what an order means); a test holds the two together.
"""

from collections.abc import Iterable
from random import Random

# What a process passes; only for the first of these a failure is an accident that may happen.
_OF_WEB = {
    "frail": (
        *("bus.listen", "bus.join", "bus.receive", "engine.connect", "handshake.identify"),
        *("history.page", "hub.read", "hub.rights", "log.read", "log.ask"),
    ),
    "slow": (
        *("consumer.accept", "handshake.identified", "history.read", "hub.begin", "threads.run"),
        *("join.current", "join.subscribe", "join.rights", "join.audit", "join.sent"),
        *("join.drain", "join.drained"),
    ),
}
_OF_RELAY = {
    "frail": (
        *("bus.publish", "engine.connect", "relay.connect", "relay.stand_by", "relay.lead"),
        *(
            "relay.listen",
            "relay.look",
            "relay.settle",
            "relay.publish",
            "relay.lie_down",
            "relay.wait",
        ),
    ),
    "slow": ("upkeep.make_ahead", "companions.begin"),
}
POINTS = {"web": _OF_WEB, "relay": _OF_RELAY}
DELAYS = 3
# A page whose join takes seconds gives it up: that is another fault.
LONGEST_SECONDS = 0.3


def drawn(dice: Random, kind: str) -> str:
    """Orders for a process that starts: some delays and one failure; none for other kinds."""
    points = POINTS.get(kind)
    if points is None:
        return ""
    failing = dice.choice(points["frail"])
    others = [name for names in points.values() for name in names if name != failing]
    orders = [f"{failing}=raise@{dice.randint(1, 10)}"]
    for name in dice.sample(others, DELAYS):
        # Some are passed at each event and some at each join: not all have to wait each time.
        seconds, chance = dice.uniform(0.02, LONGEST_SECONDS), dice.choice((10, 50, 100))
        orders.append(f"{name}=delay:{seconds:.2f}%{chance}")
    return ",".join(orders)


def kinds(armed: Iterable[str]) -> list[str]:
    """What was ordered, without how much of it: “hub.read delay”."""
    return [
        f"{name} {what.partition(':')[0].partition('@')[0]}"
        for orders in armed
        for name, _, what in (order.partition("=") for order in orders.split(","))
    ]
