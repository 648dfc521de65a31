"""The report of one or several runs, for people and for programs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from tests.faults.figures import percentiles
from tests.faults.run import Outcome

# The bound of reliability for a soak: how long somebody waits around a fault, 99 of 100 times.
GAP_SECONDS = 3.0


def as_data(outcome: Outcome) -> dict:
    """Everything that was found, as JSON can hold it."""
    return {
        "counts": outcome.report.counts,
        "wrong": outcome.report.wrong,
        "figures": asdict(outcome.figures),
    }


def told(seed: str, outcomes: Sequence[Outcome]) -> str:
    """The report of outcomes as text."""
    return summary(seed, [as_data(outcome) for outcome in outcomes])


def summary(seed: str, rounds: Sequence[dict]) -> str:
    """The report of rounds, as `as_data` kept them."""
    counts, faults, failpoints, ends = Counter(), Counter(), Counter(), Counter()
    files, memory = Counter(), Counter()
    gaps: dict[str, list[float]] = {}
    for each in rounds:
        found = each["figures"]
        counts.update(each["counts"])
        faults.update(found["faults"])
        failpoints.update(found["failpoints"])
        ends.update(found["ends"])
        for kind, each_gap in found["gaps"].items():
            gaps.setdefault(kind, []).extend(each_gap)
        for name, value in found["peak_kilobytes"].items():
            memory[name] = max(memory[name], value)
        for name, value in found["peak_files"].items():
            files[name] = max(files[name], value)
    gap = {kind: percentiles(each) for kind, each in sorted(gaps.items())}
    worst_gap = percentiles([each for of_kind in gaps.values() for each in of_kind])["p99"]
    verdict = "met" if worst_gap <= GAP_SECONDS else "missed"
    longest = max(each["figures"]["longest_write"] for each in rounds)
    late = [each["figures"]["latency"] for each in rounds]
    lines = [
        f"seed {seed}: {len(rounds)} round(s), {faults.total()} faults",
        *(f"  {count:6} {name}" for name, count in counts.items()),
        "faults:",
        *(f"  {count:6} {kind}" for kind, count in sorted(faults.items())),
        "failpoints of processes that were started anew:",
        *(f"  {count:6} {what}" for what, count in sorted(failpoints.items())),
        "lines that ended, by what the client saw:",
        *(f"  {count:6} {why}" for why, count in ends.most_common()),
        "seconds from the answer to a commit until it was heard, worst of the rounds: "
        + ", ".join(f"{name} {max(each[name] for each in late)}" for name in late[0]),
        "the longest of them around each fault:",
        *(f"  p50 {each['p50']:6} most {each['most']:6} {kind}" for kind, each in gap.items()),
        f"around 99 of 100 faults: {worst_gap} s; at most {GAP_SECONDS:g} s: {verdict}",
        f"longest write while the database was there, s: {longest}",
        f"settled after, s: {[each['figures']['settled'] for each in rounds]}",
        f"most memory, kB: {dict(sorted(memory.items()))}",
        f"most open files: {dict(sorted(files.items()))}",
        f"most connections: {max(each['figures']['peak_connections'] for each in rounds)}",
    ]
    wrong = {number: each["wrong"] for number, each in enumerate(rounds) if each["wrong"]}
    lines.append("every promise was kept" if not wrong else f"BROKEN, by round: {wrong}")
    return "\n".join(lines)
