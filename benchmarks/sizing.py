"""How many machines for how many people: the arithmetic of docs/sizing.md.

    .venv/bin/python -m benchmarks.sizing                       the table of the page
    .venv/bin/python -m benchmarks.sizing --users 250000 --online 0.4 --changes 3 --audience 6

Prices are measured ones (docs/performance.md), in processor seconds of one core; whoever measured
their own gives them as arguments. Nothing here is more exact than a factor of two.
"""

import argparse
import math
from dataclasses import dataclass, fields

HEARTBEATS_PER_SECOND = 1 / 25
POSITIONS_PER_SECOND = 1 / 5
SOCKETS_PER_PROCESS = 10_000


@dataclass
class Prices:
    """What one of each costs, in microseconds of one core unless it says otherwise."""

    delivery: float = 6.0  # W2: a frame to one more socket, audience of hundreds
    page: float = 60.0  # W3, W8: a change that one process tells to a few of its sockets
    hop: float = 40.0  # a change that a process hears of and nobody there may read
    heartbeat: float = 60.0  # a frame of a client, answered
    position: float = 6.0  # where an idle page stands, told as a frame
    handshake: float = 2_500.0  # sign-in, grants, join and its entry in the audit
    write: float = 150.0  # of PostgreSQL: the clinical INSERT with its trigger
    sequence: float = 60.0  # of PostgreSQL and the relay: the same row into the log
    fragment: float = 8_000.0  # a page's refetch: view, queries, template
    socket_kib: float = 30.0  # W4
    process_mib: float = 160.0  # before the first socket


@dataclass
class Load:
    """What people do."""

    users: int = 10_000
    online: float = 0.3  # share of users with a page open at the busiest time
    changes: float = 2.0  # published changes of an online user in a minute
    audience: float = 5.0  # open pages that one change is told to
    fetched: float = (
        0.5  # share of deliveries that end in a refetch (bursts and hidden pages do not)
    )
    shards: int = 1  # logs with a relay each: separate databases, whole organizations in each


@dataclass
class Needs:
    """What that takes."""

    sockets: float
    changes_per_second: float
    deliveries_per_second: float
    web_processes: int
    engine_cores: float
    page_cores: float
    database_cores: float
    relay_share: float  # of what one relay can move
    memory_gib: float
    return_seconds: float  # until all are back after the largest process died


# One relay and one log: what a move of full batches reaches (W3 and docs/performance.md), halved.
RELAY_PER_SECOND = 5_000.0


def needs(load: Load, prices: Prices, *, cores_per_process: float = 0.5) -> Needs:
    """Cores at the busiest time, of a process half of one, so that a peak has room."""
    sockets = load.users * load.online
    changes = sockets * load.changes / 60
    deliveries = changes * load.audience
    fixed = sockets * (
        HEARTBEATS_PER_SECOND * prices.heartbeat + POSITIONS_PER_SECOND * prices.position
    )
    per_shard = changes / load.shards
    processes = max(2, math.ceil(sockets / SOCKETS_PER_PROCESS))
    while True:
        # Every process of a shard hears every change of it, whoever listens there.
        hops = per_shard * processes * prices.hop
        # It is encoded once in each process where somebody listens.
        pages = changes * min(load.audience, processes) * prices.page
        engine = (hops + pages + deliveries * prices.delivery + fixed) / 1e6
        wanted = max(processes, math.ceil(engine / cores_per_process))
        if wanted == processes or processes > 100_000:
            break
        processes = wanted
    back = sockets / processes * prices.handshake / 1e6 / max(1, processes - 1)
    return Needs(
        sockets=sockets,
        changes_per_second=changes,
        deliveries_per_second=deliveries,
        web_processes=processes,
        engine_cores=engine,
        page_cores=deliveries * load.fetched * prices.fragment / 1e6,
        database_cores=changes * (prices.write + prices.sequence) / 1e6
        + deliveries * load.fetched * prices.fragment * 0.4 / 1e6,
        relay_share=per_shard / RELAY_PER_SECOND,
        memory_gib=(sockets * prices.socket_kib / 1024 + processes * prices.process_mib) / 1024,
        return_seconds=back,
    )


EXAMPLES = (
    Load(users=1_000),
    Load(users=10_000),
    Load(users=100_000),
    Load(users=1_000_000, shards=4),
    # A million people connected at once, in a thousand organizations.
    Load(users=1_000_000, online=1.0, shards=16),
)


def main() -> None:
    """Print the table, or one line for the load that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for each in (*fields(Load), *fields(Prices)):
        kind = int if each.name in ("users", "shards") else float
        parser.add_argument(f"--{each.name.replace('_', '-')}", type=kind)
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    prices = Prices(
        **{each.name: given.pop(each.name) for each in fields(Prices) if each.name in given}
    )
    loads = [Load(**given)] if given else EXAMPLES
    names = [each.name for each in fields(Needs)]
    print("| users | shards | " + " | ".join(name.replace("_", " ") for name in names) + " |")
    print("|" + " --- |" * (len(names) + 2))
    for load in loads:
        found = needs(load, prices)
        cells = [_shown(getattr(found, name)) for name in names]
        print(f"| {load.users:,} | {load.shards} | " + " | ".join(cells) + " |")


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == round(value) else f"{value:.2f}"


if __name__ == "__main__":
    main()
