"""Whether what was seen of a run can be true: the promises of docs/faults.md, held against it.

`check` is a pure function over `facts`. It knows nothing of how the engine keeps its promises and
imports none of it. The truth is the database at the end.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.faults.facts import (
    FAILED,
    OK,
    UNKNOWN,
    Bounds,
    Client,
    Fact,
    Heard,
    Resynced,
    Right,
    Truth,
    Write,
)


@dataclass
class Report:
    """What was found. `wrong` is empty when every promise was kept."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)  # the log itself: holes, two leaders
    unsettled: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # writes that the engine stood in the way of
    swollen: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def wrong(self) -> dict[str, list[str]]:
        """The promises that were broken, each with its first examples."""
        found = {name: value for name, value in vars(self).items() if name != "counts" and value}
        return {name: [f"{len(value)} in all", *value[:5]] for name, value in found.items()}


def check(
    truth: Truth,
    rights: Iterable[Right],
    clients: Sequence[Client],
    writes: Sequence[Write],
    bounds: Bounds | None = None,
) -> Report:
    """Hold every promise against what happened."""
    report = Report()
    held: dict[str, list[Right]] = defaultdict(list)
    for right in rights:
        held[right.user].append(right)
    _check_writes(report, truth, writes)
    _check_log(report, truth, writes)
    knowledge = _Knowledge(truth, clients)
    for client in clients:
        _check_order(report, client)
        _check_rights(report, truth, held[client.user], client, knowledge)
        _check_whole(report, truth, held[client.user], client)
    _check_settled(report, truth, clients)
    _check_measures(report, truth, bounds or Bounds())
    report.counts = {
        "events": len(truth.seqs),
        "writes acknowledged": sum(write.outcome == OK for write in writes),
        "writes without an answer": sum(write.outcome == UNKNOWN for write in writes),
        "writes failed": sum(write.outcome == FAILED for write in writes),
        "deliveries": sum(isinstance(each, Heard) for one in clients for each in one.heard),
        "resyncs": sum(isinstance(each, Resynced) for one in clients for each in one.heard),
        "leaders": len({sample.leader_epoch for sample in truth.samples}),
    } | {name: len(getattr(report, name)) for name in ("lost", "doubled", "disordered", "leaked")}
    return report


def _check_writes(report: Report, truth: Truth, writes: Sequence[Write]) -> None:
    logged = {event.fact for event in truth.events}
    for write in writes:
        for row, version in write.facts:
            is_there = truth.rows.get(row, -1) >= version
            if write.outcome == OK and not is_there:
                report.lost.append(f"{write.writer}: acknowledged, and not in the database: {row}")
            if write.outcome == FAILED and (is_there or (row, version) in logged):
                report.torn.append(f"{write.writer}: failed, and there all the same: {row}")
        if write.outcome != OK and not _is_excused(write, truth.absences):
            report.refused.append(f"{write.writer}: {write.error or 'no reason given'}")


def _is_excused(write: Write, absences: Sequence[tuple[float, float]]) -> bool:
    if write.outcome == FAILED and not write.error:
        return True  # the writer's own decision
    return any(write.began <= end and write.ended >= begin for begin, end in absences)


def _check_log(report: Report, truth: Truth, writes: Sequence[Write]) -> None:
    if list(truth.seqs) != list(range(truth.oldest, truth.head + 1)):
        report.torn.append(f"{len(truth.seqs)} positions from {truth.oldest} to {truth.head}")
    times: dict[Fact, list[int]] = defaultdict(list)
    for event in truth.events:
        times[event.fact].append(event.seq)
    for row, version in truth.rows.items():
        for each in range(version + 1):
            if not times[row, each]:
                report.lost.append(f"in the database, and not in the log: {row} version {each}")
    for (row, version), seqs in times.items():
        if len(seqs) > 1:
            report.doubled.append(f"in the log at {seqs}: {row} version {version}")
        if seqs and truth.rows.get(row, -1) < version:
            report.torn.append(f"in the log, and not in the database: {row} version {version}")
    last: dict[str, int] = {}
    for write in sorted(writes, key=lambda write: write.began):
        seqs = [seq for fact in write.facts for seq in times.get(fact, ())]
        if seqs and min(seqs) <= last.get(write.writer, 0):
            report.disordered.append(f"{write.writer}: {write.facts} before an earlier write")
        if seqs:
            last[write.writer] = max(seqs)
    for before, after in pairwise(truth.samples):
        if after.leader_epoch < before.leader_epoch or after.last_seq < before.last_seq:
            report.torn.append(f"a deposed leader wrote: {before} then {after}")


def _check_order(report: Report, client: Client) -> None:
    epoch, last = "", 0
    seen: set[tuple[str, int]] = set()
    for each in client.heard:
        if isinstance(each, Resynced):
            if each.epoch != epoch:
                epoch, last = each.epoch, each.upto
            continue
        place = (each.epoch, each.seq)
        if place in seen:
            report.doubled.append(f"{client.name}: heard {each.seq} again")
        elif each.epoch == epoch and each.seq <= last:
            report.disordered.append(f"{client.name}: heard {each.seq} after {last}")
        elif epoch and each.epoch != epoch:
            report.disordered.append(f"{client.name}: another log without a word, at {each.seq}")
        seen.add(place)
        epoch, last = each.epoch, max(last, each.seq)


class _Knowledge:
    """From when on each web process surely knew the log up to a position: it had told what follows.

    A history that was asked for later is told by the rights of later.
    """

    def __init__(self, truth: Truth, clients: Sequence[Client]) -> None:
        live = [
            (each.at, each.by, each.seq)
            for client in clients
            for each in client.heard
            if isinstance(each, Heard) and each.is_live and each.epoch == truth.epoch
        ]
        self._told: dict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
        for at, by, seq in sorted(live):
            seqs, times = self._told[by]
            if not seqs or seq > seqs[-1]:
                seqs.append(seq)
                times.append(at)

    def of_end(self, right: Right, by: str) -> float:
        """When a right's end was surely known to whoever told something."""
        if right.until is None:
            return float("inf")
        if not by:
            return right.ended
        seqs, times = self._told[by]
        later = bisect_right(seqs, right.until)
        return times[later] if later < len(times) else float("inf")


def _check_rights(
    report: Report, truth: Truth, rights: list[Right], client: Client, knowledge: _Knowledge
) -> None:
    known = {event.seq: event for event in truth.events}
    for each in client.heard:
        if not isinstance(each, Heard):
            continue
        event = known.get(each.seq)
        is_kept = each.epoch == truth.epoch and each.seq >= truth.oldest
        if is_kept and (event is None or (event.patient, event.fact) != (each.patient, each.fact)):
            report.leaked.append(f"{client.name}: heard {each.seq}, which never happened")
        elif not any(
            _entitles(right, each) and each.asked < knowledge.of_end(right, each.by)
            for right in rights
            if right.patient == each.patient
        ):
            report.leaked.append(f"{client.name}: heard {each.seq} of {each.patient}")


def _entitles(right: Right, heard: Heard) -> bool:
    """Held at that position; or granted later, and history is read under today's rights."""
    if heard.seq <= right.since:
        return heard.at >= right.granted
    return right.until is None or heard.seq < right.until


def _check_whole(report: Report, truth: Truth, rights: list[Right], client: Client) -> None:
    received = {
        each.seq: each.at
        for each in client.heard
        if isinstance(each, Heard) and each.epoch == truth.epoch
    }
    excused = [each for each in client.heard if isinstance(each, Resynced)]
    start = max(
        [client.since, *(each.upto for each in excused if each.epoch == truth.epoch)],
        default=client.since,
    )
    for right in rights:
        begin = max(start, right.since)
        # Who has not come so far yet is unsettled, which is another complaint.
        end = client.position if right.until is None else _told_before(right, received)
        for event in truth.events:
            if event.patient != right.patient or not begin < event.seq <= end:
                continue
            if event.seq not in received:
                report.lost.append(f"{client.name}: never heard {event.seq} of {event.patient}")


def _told_before(right: Right, received: dict[int, float]) -> int:
    """Up to where a right that ended must have been honoured.

    What was still on its way when the right ended may be withheld. What came before something that
    arrived while the right surely held may not.
    """
    assert right.until is not None
    return max(
        (
            seq
            for seq, at in received.items()
            if right.since < seq < right.until and at < right.revoked
        ),
        default=0,
    )


def _check_settled(report: Report, truth: Truth, clients: Sequence[Client]) -> None:
    if truth.settled is None or truth.settled > truth.settle_within:
        report.unsettled.append(f"not everybody knew everything within {truth.settle_within} s")
    report.unsettled += [
        f"{client.name}: stands at {client.position} of {truth.head}"
        for client in clients
        if client.position < truth.head
    ]


def _check_measures(report: Report, truth: Truth, bounds: Bounds) -> None:
    for gauge in truth.gauges:
        if gauge.kilobytes > bounds.kilobytes:
            report.swollen.append(f"{gauge.name}: {gauge.kilobytes} kB")
        if gauge.files > bounds.files:
            report.swollen.append(f"{gauge.name}: {gauge.files} open files")
    if max(truth.connections, default=0) > bounds.connections:
        report.swollen.append(f"{max(truth.connections)} connections to the database")
