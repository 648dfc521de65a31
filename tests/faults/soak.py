"""make soak MINUTES=60 SEED=…: the run of test_bounded_run.py, for long.

Rounds of four minutes, each with processes and data of its own and a seed drawn from SEED, one file
each: started again with the same SEED it goes on after the last whole round. At the end one report,
as text and as JSON. Ends with status 1 when a promise was broken; then that round can be repeated
alone, with ROUND=. FAULTS="relay killed,web killed" leaves all other faults out, PAUSE=10 makes
them rarer. OLD=v1.2 has half of the processes run that version, on this one's database: an upgrade
that takes its time.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.conftest import SETTINGS
from tests.faults.nemesis import DECK, KINDS
from tests.faults.plant import Plant
from tests.faults.run import Run, Scale
from tests.faults.telling import as_data, summary

ROUND_MINUTES = 4.0
# Between two faults: 25 a minute are 1,500 in an hour.
PAUSE_SECONDS = 2.4


def main() -> int:
    asked = _arguments()
    # Only the name of the cookie is read of these settings here; the run has a database of its own.
    os.environ.update(SETTINGS | {"DATABASE_URL": "postgresql://vigil_app@127.0.0.1/none"})
    folder = Path(asked.folder or f".data/soak/{asked.seed}{_of(asked)}")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [asked.round] if asked.round else range(1, 1 + _rounds(asked.minutes))
    with _checked_out(asked.old) as old:
        rounds = [_round(folder, asked, number, old) for number in wanted]
    told = summary(asked.seed, rounds)
    (folder / "report.txt").write_text(f"{told}\n")
    report = {"seed": asked.seed, "rounds": rounds}
    (folder / "report.json").write_text(json.dumps(report, indent=1))
    print(told)
    return 1 if any(each["wrong"] for each in rounds) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", default=f"{datetime.now(UTC):%Y-%m-%d}")
    parser.add_argument("--folder")
    parser.add_argument("--round", type=int)
    parser.add_argument("--faults", type=_kinds, default=DECK)
    parser.add_argument("--pause", type=float, default=PAUSE_SECONDS)
    parser.add_argument("--old")
    return parser.parse_args()


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(part.strip() for part in text.split(","))
    if unknown := set(kinds) - set(KINDS):
        raise argparse.ArgumentTypeError(f"no such faults: {sorted(unknown)}; there are {KINDS}")
    return kinds


def _of(asked: argparse.Namespace) -> str:
    """What a folder's name says of a choice: rounds of another choice are others."""
    faults = "" if asked.faults == DECK else f" ({', '.join(asked.faults)})"
    pause = "" if asked.pause == PAUSE_SECONDS else f" every {asked.pause:g} s"
    return faults + pause + (f" beside {asked.old}" if asked.old else "")


@contextmanager
def _checked_out(version: str | None) -> Iterator[Path | None]:
    """A version's files in a folder of their own, for the length of a block."""
    if version is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="vigil-old-") as folder:
        archive = subprocess.run(["git", "archive", version], check=True, stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", folder], check=True, input=archive.stdout)
        yield Path(folder)


def _rounds(minutes: float) -> int:
    return max(1, round(minutes / ROUND_MINUTES))


def _round(folder: Path, asked: argparse.Namespace, number: int, old: Path | None) -> dict:
    kept = folder / f"round-{number:03}.json"
    if kept.exists() and not asked.round:
        return json.loads(kept.read_text())
    print(f"round {number} …", file=sys.stderr, flush=True)
    # More of everything than in CI.
    scale = Scale(
        seconds=60 * min(asked.minutes, ROUND_MINUTES),
        pause=asked.pause,
        writers=6,
        write_pause=0.1,
        pages=5,
        polls=4,
        kinds=asked.faults,
    )
    found = asyncio.run(_live_through(f"{asked.seed}/{number}", scale, old))
    growing = kept.with_suffix(".growing")
    growing.write_text(json.dumps(found, indent=1))
    growing.rename(kept)
    return found


async def _live_through(seed: str, scale: Scale, old: Path | None) -> dict:
    with tempfile.TemporaryDirectory(prefix="vigil-soak-") as folder:
        plant = Plant(Path(folder), old=old)
        try:
            await plant.start()
            return as_data(await Run(plant, seed, scale).run())
        finally:
            await plant.end()


if __name__ == "__main__":
    sys.exit(main())
