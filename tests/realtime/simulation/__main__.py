"""make simulate SEEDS=10000: so many worlds, one after the other, from seed FIRST on.

    python -m tests.realtime.simulation --seeds 10000 [--first 0] [--jobs 1]
    python -m tests.realtime.simulation --seed 4711      one, with its trace

Ends with status 1 when a promise was broken. A failing seed is the whole report: the same code
lives through it again, turn by turn.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from multiprocessing import get_context

from tests.conftest import SETTINGS


def main() -> int:
    asked = _arguments()
    _set_up()
    if asked.seed is not None:
        return _tell(_lived(asked.seed))
    began, counts, failed = time.monotonic(), Counter[str](), []
    seeds = range(asked.first, asked.first + asked.seeds)
    for number, (seed, wrong, counted) in enumerate(_all(seeds, asked.jobs), start=1):
        counts.update(counted)
        if wrong:
            failed.append(seed)
            print(f"seed {seed}: {wrong[0][:300]}", flush=True)
        if number % 100 == 0:
            print(f"{number} seeds, {len(failed)} failed", file=sys.stderr, flush=True)
    print(f"{len(seeds)} seeds in {time.monotonic() - began:.0f} s: {dict(counts)}")
    print(f"failed: {failed}" if failed else "every promise was kept")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int)
    return parser.parse_args()


def _set_up() -> None:
    # No database is asked for anything: only settings are read.
    os.environ.update(SETTINGS | {"DATABASE_URL": "postgresql://vigil_app@127.0.0.1/none"})
    import django

    django.setup()


def _lived(seed: int):
    # Once Django is set up.
    from tests.realtime.simulation.world import World

    return World(seed).run()


def _one(seed: int) -> tuple[int, list[str], dict[str, int]]:
    outcome = _lived(seed)
    return seed, outcome.wrong, outcome.counts


def _all(seeds: Iterable[int], jobs: int) -> Iterable[tuple[int, list[str], dict[str, int]]]:
    if jobs == 1:
        yield from map(_one, seeds)
        return
    with get_context("spawn").Pool(jobs, initializer=_set_up) as pool:
        yield from pool.imap(_one, seeds, chunksize=20)


def _tell(outcome) -> int:
    print("\n".join(outcome.trace))
    print(f"seed {outcome.seed}, {outcome.digest}: {outcome.counts}")
    print("\n".join(outcome.wrong) or "every promise was kept")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
