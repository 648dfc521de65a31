"""Whether a critical alert was left to silence: what stands in the tables, held to the promise.

`check` is a pure function. It knows no policy but the waits that it is given, and imports nothing
of the engine: the deadlines are reckoned here once more.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from tests.faults.figures import percentiles
from tests.faults.ward.facts import Alert, Event, Finding, Promise, Ward


@dataclass
class Report:
    """What was found. `wrong` is empty when every promise was kept."""

    silent: list[str] = field(default_factory=list)  # nobody heard, or nobody further
    late: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # what somebody was told was done
    torn: list[str] = field(default_factory=list)  # what contradicts itself
    counts: dict[str, int] = field(default_factory=dict)
    # In seconds: from the finding to the first telling, and what each telling was behind its time.
    figures: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def wrong(self) -> dict[str, list[str]]:
        """The promises that were broken, each with its first examples."""
        kinds = ("silent", "late", "doubled", "lost", "torn")
        found = {name: value for name in kinds if (value := getattr(self, name))}
        return {name: [f"{len(value)} in all", *value[:5]] for name, value in found.items()}


@dataclass(frozen=True)
class Telling:
    """Everybody who was told by one step."""

    at: float
    users: tuple[str | None, ...]


def check(ward: Ward, promise: Promise) -> Report:
    """Hold every alert against the promise."""
    report = Report()
    history: dict[str, list[Event]] = defaultdict(list)
    for event in sorted(ward.events, key=lambda event: event.at):
        history[event.alert].append(event)
    of_patient: dict[str, list[Alert]] = defaultdict(list)
    for alert in ward.alerts:
        of_patient[alert.patient].append(alert)
    behind: list[list[float]] = [[] for _ in promise.waits]
    escalated = 0
    for finding in ward.findings:
        alerts = of_patient[finding.patient]
        if not alerts:
            if ward.ended > finding.came + promise.late:
                report.silent.append(f"never raised: finding {finding.id}")
            continue
        if len(alerts) > 1:
            report.doubled.append(f"raised {len(alerts)} times: finding {finding.id}")
        for alert in alerts:
            tellings = _tellings(report, alert, history[alert.id])
            _check_heard(report, finding, alert, tellings, history[alert.id], ward.ended, promise)
            _check_answers(report, alert, history[alert.id], ward.ended, promise)
            due = finding.came
            for number, (telling, wait) in enumerate(zip(tellings, promise.waits, strict=False)):
                behind[number].append(max(0.0, telling.at - due - wait))
                due = telling.at
            escalated += len(tellings) > 1
    _check_pressed(report, ward, history)
    report.counts = {
        "findings": len(ward.findings),
        "alerts": len(ward.alerts),
        "acknowledged": sum(_has(history[alert.id], "acknowledged") for alert in ward.alerts),
        "seen": sum(_has(history[alert.id], "seen") for alert in ward.alerts),
        "escalated": escalated,
        "silent": len(report.silent),
        "late": len(report.late),
    }
    report.figures = {
        f"telling {number} behind its time": percentiles(each)
        for number, each in enumerate(behind, start=1)
    }
    return report


def _tellings(report: Report, alert: Alert, events: Sequence[Event]) -> list[Telling]:
    told = sorted((e for e in events if e.kind == "told"), key=lambda e: (e.at, e.step or ""))
    found = []
    for _, group in groupby(told, key=lambda event: (event.at, event.step)):
        each = list(group)
        users = tuple(event.user for event in each)
        if len(set(users)) < len(users):
            report.doubled.append(f"one person told twice by one step: alert {alert.id}")
        found.append(Telling(each[0].at, users))
    steps = {(event.step, event.user) for event in told}
    if len(steps) < len(told) and not report.doubled:
        report.doubled.append(f"a step was taken twice: alert {alert.id}")
    return found


def _check_heard(
    report: Report,
    finding: Finding,
    alert: Alert,
    tellings: Sequence[Telling],
    events: Sequence[Event],
    ended: float,
    promise: Promise,
) -> None:
    """Each telling came in time, or an answer before it."""
    answered = next((event.at for event in events if event.kind == "acknowledged"), None)
    before = finding.came
    for number, wait in enumerate(promise.waits):
        deadline = before + wait + promise.late
        what = f"telling {number + 1} of alert {alert.id}"
        if number < len(tellings):
            before = tellings[number].at
            if before > deadline:
                report.late.append(f"{what} by {before - deadline:.1f} s")
            continue
        if answered is not None:
            if answered > deadline:
                report.late.append(f"{what} never came, and the answer late")
        elif ended > deadline:
            report.silent.append(f"{what} never came, and no answer")
        return


def _check_answers(
    report: Report, alert: Alert, events: Sequence[Event], ended: float, promise: Promise
) -> None:
    """One person has it at a time, nobody is told meanwhile, and it is not forgotten afterwards."""
    held: Event | None = None
    for event in events:
        match event.kind:
            case "acknowledged":
                if held is not None and held.user != event.user:
                    report.doubled.append(f"acknowledged by two: alert {alert.id}")
                held = event
            case "expired" | "handed_over" | "woken" | "closed" | "escalated":
                held = None
            case "told" if held is not None and event.at > held.at:
                report.torn.append(f"told after it was answered: alert {alert.id}")
    if held is not None:
        if held.until is not None and held.until + promise.late < ended:
            report.silent.append(f"an acknowledgement ran out unnoticed: alert {alert.id}")
        if (alert.phase, alert.owner) != ("acknowledged", held.user):
            report.torn.append(f"acknowledged, and its row says {alert.phase}: alert {alert.id}")
    elif alert.phase == "acknowledged":
        report.torn.append(f"nobody acknowledged it, and its row says so: alert {alert.id}")
    seen = [event.user for event in events if event.kind == "seen"]
    if len(set(seen)) < len(seen):
        report.doubled.append(f"seen twice by one person: alert {alert.id}")


def _check_pressed(report: Report, ward: Ward, history: dict[str, list[Event]]) -> None:
    for each in ward.pressed:
        there = (each.kind, each.user) in {(e.kind, e.user) for e in history[each.alert]}
        if not there:
            report.lost.append(f"{each.kind} by {each.user}, who was told so: alert {each.alert}")


def _has(events: Sequence[Event], kind: str) -> bool:
    return any(event.kind == kind for event in events)
