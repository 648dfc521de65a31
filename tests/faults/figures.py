"""The numbers of a run, for people: how many of everything, and how long the worst took."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from tests.faults import failpoints
from tests.faults.clients import Reader
from tests.faults.facts import OK, Heard, Truth, Write
from tests.faults.nemesis import Fault

# What is told so long after a fault ended may have been late because of it.
AFTER_SECONDS = 2.0


@dataclass(frozen=True)
class Figures:
    """All times in seconds."""

    faults: dict[str, int]
    failpoints: dict[str, int]  # with which processes were started anew
    reconnects: int
    ends: dict[str, int]
    latency: dict[str, float]  # from the answer to the commit until it is heard
    gap: dict[str, float]  # the longest such time around each fault
    longest_write: float  # while the database was there
    leader_epochs: int
    settled: float | None
    peak_kilobytes: dict[str, int]
    peak_files: dict[str, int]
    peak_connections: int
    # For summing up the figures of several runs: by the fault's kind.
    gaps: dict[str, list[float]]


def figures(
    truth: Truth,
    readers: Sequence[Reader],
    writes: Sequence[Write],
    faults: Sequence[Fault],
    armed: Sequence[str],
) -> Figures:
    """Reckon them."""
    acknowledged = {
        fact: write.ended for write in writes if write.outcome == OK for fact in write.facts
    }
    told = [
        (acknowledged[each.fact], max(0.0, each.at - acknowledged[each.fact]))
        for reader in readers
        for each in reader.heard
        if isinstance(each, Heard) and each.fact in acknowledged
    ]
    gaps: dict[str, list[float]] = {}
    for fault in faults:
        around = (late for at, late in told if fault.began <= at <= fault.ended + AFTER_SECONDS)
        gaps.setdefault(fault.kind, []).append(round(max(around, default=0.0), 3))
    ends: Counter[str] = Counter()
    for reader in readers:
        ends.update(reader.ends)
    calm = [
        write.ended - write.began
        for write in writes
        if not any(write.began <= end and write.ended >= begin for begin, end in truth.absences)
    ]
    return Figures(
        faults=dict(sorted(Counter(fault.kind for fault in faults).items())),
        failpoints=dict(sorted(Counter(failpoints.kinds(armed)).items())),
        reconnects=ends.total(),
        ends=dict(ends.most_common()),
        latency=percentiles([late for _, late in told]),
        gap=percentiles(list(chain.from_iterable(gaps.values()))),
        longest_write=round(max(calm, default=0.0), 3),
        leader_epochs=len({sample.leader_epoch for sample in truth.samples}),
        settled=None if truth.settled is None else round(truth.settled, 2),
        peak_kilobytes=_peaks(truth, "kilobytes"),
        peak_files=_peaks(truth, "files"),
        peak_connections=max(truth.connections, default=0),
        gaps=gaps,
    )


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and the most of them."""
    ordered = sorted(values) or [0.0]
    found = {
        f"p{share}": ordered[min(len(ordered) - 1, len(ordered) * share // 100)]
        for share in (50, 95, 99)
    }
    return {name: round(value, 3) for name, value in (found | {"most": ordered[-1]}).items()}


def _peaks(truth: Truth, what: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for gauge in truth.gauges:
        found[gauge.name] = max(found.get(gauge.name, 0), getattr(gauge, what))
    return dict(sorted(found.items()))
