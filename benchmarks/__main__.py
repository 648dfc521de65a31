"""The benchmark: one run, one table.

    make bench                       all of it, about half an hour
    make bench BENCH="w1 w5"         some of it: w1 w1p w2 w2m w3 w4 w5 w6 w7 w8 revoke leave dom
    make bench BENCH=faults          how soon all is well after each fault (tests/faults/bounds.py)
    make bench MESSAGES=100          only from a commit to the open page, so many messages
    PEERS="floor ws" ROUNDS=3 make bench BENCH=w2
    SCALE=0.1 make bench             with a tenth of the people and of the log, on a small machine

What each workload is stands in benchmarks/workloads, what came of it in docs/performance.md. The
figures of every round are kept as JSON in .data/benchmarks.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.report import Report
from benchmarks.stage import ROOT, Stage

WORKLOADS = ("w1", "w1p", "w2", "w2m", "w3", "w4", "w5", "w6", "w7", "w8", "revoke", "leave", "dom")
FAULTS = "faults"  # only when it is asked for: it breaks things
_DOM_MESSAGES = "80"
_SOCKETS = 10_000
_CLINICIANS, _WARD = 3_000, 50
_REVOKED = 200  # people who lose a right in each way
_COMING, _ROUNDS_OF_COMING = 1_000, 10  # as often before, to become warm


def main(names: list[str]) -> None:
    """Run what is named, print the table, keep the JSON."""
    asked = set(names or WORKLOADS)
    if unknown := asked - {*WORKLOADS, FAULTS}:
        known = (*WORKLOADS, FAULTS)
        raise SystemExit(f"There is no workload {', '.join(sorted(unknown))}: {known}")
    if FAULTS in asked:
        # A table of its own: not how fast, but how soon again, beside bounds and no peers.
        _say(FAULTS)
        subprocess.run([sys.executable, "-m", "tests.faults.bounds"], cwd=ROOT, check=True)
        asked.discard(FAULTS)
        if not asked:
            return
    report = Report()
    if asked - {"dom"}:
        stage = Stage()
        try:
            _say("setting the stage")
            stage.set_up()
            Run(stage, report).run(asked)
        finally:
            stage.tear_down()
    if "dom" in asked:
        _say("dom")
        messages = os.environ.get("MESSAGES") or _DOM_MESSAGES
        command = [sys.executable, "-m", "benchmarks.commit_to_dom", messages]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            report.say("dom: it failed, see above")
    path = report.keep(ROOT / ".data" / "benchmarks")
    print(report.table())
    print(f"\n{path.relative_to(ROOT)}")


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {what}", file=sys.stderr, flush=True)


class Run:
    """One run over a stage that is set."""

    def __init__(self, stage: Stage, report: Report) -> None:
        # Late: Django's models exist once the stage is set.
        from benchmarks.contestants import Portal
        from benchmarks.population import Clinic

        self.stage = stage
        self.report = report
        self.rounds = int(os.environ.get("ROUNDS") or 2)
        self.scale = float(os.environ.get("SCALE") or 1)
        _say("patients and clinicians sign in")
        first, second, ward = Clinic("harbour"), Clinic("hill"), Clinic("ward")
        for clinic in (first, second):
            clinic.admit(self._scaled(_SOCKETS) // 2, with_page=True)
        ward.admit(_WARD, with_page=False)
        ward.employ(self._scaled(_CLINICIANS))
        self.portal = Portal(stage, first.visitors)
        self.two_clinics = Portal(stage, first.visitors + second.visitors)
        self.ward = Portal(stage, ward.visitors)
        self.ward_patients = [str(patient.pk) for patient in ward.patients]
        self._settle()

    def _settle(self) -> None:
        """Have the making of the people told and cleared away: it is not what is measured."""
        self.portal.start()
        try:
            self.stage.clear_away()
        finally:
            self.portal.stop()

    def _scaled(self, number: int) -> int:
        return max(10, round(number * self.scale))

    def run(self, asked: set[str]) -> None:
        """Every workload that was asked for, in an order that keeps the log small at first."""
        if asked & {"w1", "w1p", "w2", "w2m", "w3"}:
            self._side_by_side(asked)
        for names, workload in (
            ({"w8"}, self._feed),
            ({"revoke"}, self._revoke),
            ({"leave"}, self._come_and_go),
            ({"w4", "w7"}, self._herd),
            ({"w5"}, self._write_tax),
            ({"w6"}, self._catch_up),
        ):
            if asked & names:
                self._try(" ".join(sorted(names)), workload)

    def _side_by_side(self, asked: set[str]) -> None:
        from benchmarks.contestants import Channels, Floor, Node
        from benchmarks.workloads.beside_pages import beside_pages
        from benchmarks.workloads.fan_out import (
            SERVER_CORE,
            Size,
            fanned,
            paced,
            spread_out,
        )

        size, stage = Size(), self.stage
        if self.scale < 1:
            size = Size(
                topics=self._scaled(size.topics),
                sockets=self._scaled(size.sockets),
                many_sockets=self._scaled(size.many_sockets),
            )
        floor = Floor(stage)
        peers = [
            Channels(stage, server, layer)
            for server in ("uvicorn", "daphne")
            for layer in ("memory", "pubsub", "core")
        ]
        stage.pin_postgres(1)
        if stage.find_node(self.report.say):
            peers += [Node(stage, "ws", "ws.js"), Node(stage, "Socket.IO", "socketio.js")]
        wanted = os.environ.get("PEERS")
        contestants = [self.portal, floor, *peers]
        if wanted is not None:
            contestants = [
                each
                for each in contestants
                if each is self.portal or any(word in each.name for word in wanted.split())
            ]
        for turn in range(self.rounds):
            # Ours and the floor again at the end: what the machine did meanwhile is in both.
            for contestant in [*contestants, *contestants[:2]]:
                _say(f"round {turn + 1}: {contestant.name}")
                try:
                    contestant.start(SERVER_CORE)
                    if "w1" in asked:
                        self.report.took(contestant.name, paced(contestant, size))
                    if "w1p" in asked and contestant is self.portal:
                        self.report.took(contestant.name, beside_pages(self.portal, size))
                    if "w2" in asked:
                        figures = fanned(contestant, size, size.sockets)
                        self.report.took(contestant.name, figures)
                    if "w3" in asked:
                        self.report.took(contestant.name, spread_out(contestant, size))
                    if "w2m" in asked and turn == 0 and contestant.name in _MANY:
                        figures = fanned(contestant, size, size.many_sockets, "w2m")
                        self.report.took(contestant.name, figures)
                except (RuntimeError, OSError) as error:
                    self.report.say(f"{contestant.name}: {error}")
                finally:
                    contestant.stop()
        stage.pin_postgres(None)

    def _feed(self) -> None:
        from benchmarks.workloads.feed import feed

        self.report.feed = feed(
            self.ward,
            self.ward_patients,
            tuple(map(self._scaled, (500, 1_500, 3_000))),
            (30, 100, 300, 1_000),
            seconds=4,
        )

    def _revoke(self) -> None:
        from benchmarks.contestants import Portal
        from benchmarks.population import Clinic
        from benchmarks.workloads.revoke import WAYS, revoke

        wing, each = Clinic("wing"), self._scaled(_REVOKED)
        wing.admit(max(each, _WARD), with_page=True)
        patients = wing.visitors
        wing.visitors = []
        wing.employ(each * sum(not way.of_patient for way in WAYS.values()))
        self._settle()
        portal = Portal(self.stage, wing.visitors)
        self.report.revoked = revoke(portal, wing.visitors, patients, each)

    def _come_and_go(self) -> None:
        from benchmarks.workloads.come_and_go import come_and_go

        self.report.alone |= come_and_go(
            self.portal,
            warm=_ROUNDS_OF_COMING,
            rounds=_ROUNDS_OF_COMING,
            pages=self._scaled(_COMING),
        )

    def _herd(self) -> None:
        from benchmarks.workloads.herd import herd

        self.report.alone |= herd(self.two_clinics, self._scaled(_SOCKETS))

    def _write_tax(self) -> None:
        from benchmarks.workloads.write_tax import write_tax

        self.report.alone |= write_tax(self.portal, writers=(1, 8, 16, 32), rounds=3, seconds=2)

    def _catch_up(self) -> None:
        from benchmarks.workloads.catch_up import Size, catch_up

        self.report.alone |= catch_up(
            self.portal, Size(events=self._scaled(1_000_000), missed=self._scaled(10_000))
        )

    def _try(self, name: str, workload: Callable[[], None]) -> None:
        """One that fails says so in the table, and leaves the others their turn."""
        _say(name)
        try:
            workload()
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            self.report.say(f"{name}: {error}")
        self.report.look()


# Those who have 5,000 sockets on one topic too.
_MANY = ("Vigil", "floor", "ws", "Channels uvicorn pubsub")


if __name__ == "__main__":
    if shutil.which("taskset") is None and not hasattr(os, "sched_setaffinity"):
        _say("this system cannot bind processes to cores: figures are of all cores together")
    main(sys.argv[1:])
