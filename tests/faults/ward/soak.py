"""make soak ALERTS=100000 SEED=…: critical alerts while everything goes wrong, network included.

Rounds of up to 1,000 alerts, each with processes and data of its own and a seed drawn from SEED,
one file each: started again with the same SEED it goes on after the last whole round. At the end
one report, as text and as JSON. Ends with status 1 when an alert was left to silence, or another
promise was broken. FAULTS=, PAUSE= and ROUND= as without ALERTS. As root it runs in a network
namespace of its own, where packets can be lost.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from tests.conftest import SETTINGS
from tests.faults.ward.run import Scale, run
from tests.faults.ward.separation import KINDS, LOSS, SeparatePlant

ROUND_ALERTS = 1_000
# A process that was killed takes seconds of processor to come back: more often than this, and the
# machine does little else.
PAUSE_SECONDS = 6.0
_INSIDE = "VIGIL_SOAK_NAMESPACE"


def main() -> int:
    asked = _arguments()
    if _may_lose_packets() and _INSIDE not in os.environ:
        return _in_a_namespace()
    os.environ.update(SETTINGS | {"DATABASE_URL": "postgresql://vigil_app@127.0.0.1/none"})
    folder = Path(f".data/soak/{asked.seed} alerts")
    folder.mkdir(parents=True, exist_ok=True)
    sizes = _sizes(asked.alerts)
    wanted = [asked.round] if asked.round else range(1, 1 + len(sizes))
    rounds = [_round(folder, asked, number, sizes[number - 1]) for number in wanted]
    told = summary(asked.seed, rounds)
    (folder / "report.txt").write_text(f"{told}\n")
    (folder / "report.json").write_text(
        json.dumps({"seed": asked.seed, "rounds": rounds}, indent=1)
    )
    print(told)
    return 1 if any(each["wrong"] for each in rounds) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, required=True)
    parser.add_argument("--seed", default=f"{datetime.now(UTC):%Y-%m-%d}")
    parser.add_argument("--round", type=int)
    parser.add_argument("--faults", type=_kinds)
    parser.add_argument("--pause", type=float, default=PAUSE_SECONDS)
    return parser.parse_args()


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(part.strip() for part in text.split(","))
    known = {*KINDS, LOSS}
    if unknown := set(kinds) - known:
        raise argparse.ArgumentTypeError(f"no such faults: {sorted(unknown)}; there are {known}")
    return kinds


def _may_lose_packets() -> bool:
    return os.geteuid() == 0 and all(map(shutil.which, ("unshare", "ip", "nft")))


def _in_a_namespace() -> int:
    """The same where nothing is but a loopback of our own; how it ended."""
    again = [sys.executable, "-m", "tests.faults.ward.soak", *sys.argv[1:]]
    within = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    return subprocess.run(
        [*within, *again], env=os.environ | {_INSIDE: "1"}, check=False
    ).returncode


def _sizes(alerts: int) -> list[int]:
    return [min(ROUND_ALERTS, alerts - begun) for begun in range(0, alerts, ROUND_ALERTS)]


def _round(folder: Path, asked: argparse.Namespace, number: int, alerts: int) -> dict:
    kept = folder / f"round-{number:03}.json"
    if kept.exists() and not asked.round:
        return json.loads(kept.read_text())
    print(f"round {number} …", file=sys.stderr, flush=True)
    kinds = asked.faults or ((*KINDS, LOSS, LOSS) if _may_lose_packets() else KINDS)
    scale = Scale(asked.pause, kinds)
    with tempfile.TemporaryDirectory(prefix="vigil-ward-") as place:
        # PostgreSQL runs as nobody when we are root.
        Path(place).chmod(0o755)
        plant = SeparatePlant(Path(place), alerts)
        found = asyncio.run(_live_through(plant, f"{asked.seed}/{number}", scale))
    growing = kept.with_suffix(".growing")
    growing.write_text(json.dumps(found, indent=1))
    growing.rename(kept)
    return found


async def _live_through(plant: SeparatePlant, seed: str, scale: Scale) -> dict:
    try:
        await plant.start()
        return await run(plant, seed, scale)
    finally:
        await plant.end()


def summary(seed: str, rounds: list[dict]) -> str:
    """The report of rounds, for people."""
    counts, faults, answers = Counter(), Counter(), Counter()
    for each in rounds:
        counts.update(each["counts"])
        faults.update(each["faults"])
        answers.update(each["answers"])
    figures = [each["figures"] for each in rounds]
    p99, worst = (
        {name: max(each[name][share] for each in figures) for name in figures[0]}
        for share in ("p99", "most")
    )
    seconds = sum(each["seconds"] for each in rounds)
    lines = [
        f"seed {seed}: {len(rounds)} round(s), {faults.total()} faults, {seconds:.0f} s",
        *(f"  {count:6} {name}" for name, count in counts.items()),
        "faults:",
        *(f"  {count:6} {kind}" for kind, count in sorted(faults.items())),
        "what the staff saw:",
        *(f"  {count:6} {what}" for what, count in answers.most_common()),
        "seconds, worst of the rounds:",
        *(f"  p99 {p99[name]:6} most {worst[name]:6} {name}" for name in worst),
    ]
    wrong = {number: each["wrong"] for number, each in enumerate(rounds, 1) if each["wrong"]}
    lines.append("nobody was left to silence" if not wrong else f"BROKEN, by round: {wrong}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
