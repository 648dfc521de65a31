"""Keeps the demo's processes: starts them, says when one dies, ends them all in time."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from portal.embedded import processes
from portal.embedded.errors import CannotStart
from portal.embedded.postgres import EmbeddedPostgres

# Ctrl-C promises an end within five seconds: children first, then the database they use.
CHILDREN_SECONDS = 2.8
DATABASE_SECONDS = 1.2

# A process that has died is started again; one that dies this often this quickly has a reason
# that another start does not mend.
DEATHS, WITHIN_SECONDS = 3, 60.0

_LOOK_EVERY_SECONDS = 0.2


@dataclass
class Child:
    """One process of the demo and how to start it."""

    name: str
    command: list[str]
    log: Path
    log_begins_at: int = 0
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def last_words(self) -> str:
        """Why the process ended: the signal, or the last line it wrote since it was started."""
        status = self.process.returncode if self.process else 0
        if status < 0:
            return f"ended by {signal.Signals(-status).name}"
        with self.log.open(errors="replace") as log:
            log.seek(self.log_begins_at)
            lines = [line.strip() for line in log if line.strip()]
        return lines[-1] if lines else f"status {status}"

    def has_died_too_often(self) -> bool:
        self.deaths = [at for at in self.deaths if time.monotonic() - at < WITHIN_SECONDS]
        return len(self.deaths) >= DEATHS


class Supervisor:
    """The processes of one demo. Made and run on the main thread, which receives the signals."""

    def __init__(
        self,
        database: EmbeddedPostgres,
        environment: dict[str, str],
        *,
        say: Callable[[str], None],
        remember: Callable[[list[tuple[str, int]]], None],
    ):
        self.database = database
        self.environment = environment
        self.children: list[Child] = []
        self.asked_to_stop = threading.Event()
        self._say = say
        self._remember = remember

    def heed_signals(self) -> None:
        """From now on Ctrl-C, a closed terminal and `kill` ask to stop. Asking twice is fine."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.asked_to_stop.set())

    def start(self, child: Child) -> None:
        self.children.append(child)
        self._launch(child)

    def run(self) -> int:
        """Watch until asked to stop. Returns the exit status: 0, or 1 when one keeps dying."""
        while not self.asked_to_stop.wait(_LOOK_EVERY_SECONDS):
            if not self.database.is_running:
                self._say("The database has ended: starting it again.")
                self.database.start()
                self._remember(self._running())
            for child in self.children:
                if not child.is_running and not self._start_again(child):
                    return 1
        return 0

    def stop(self) -> None:
        """End every process, the database last, within five seconds."""
        running = [child.process for child in self.children if child.is_running and child.process]
        for process in running:
            process.terminate()
        processes.wait_until(
            lambda: all(process.poll() is not None for process in running), CHILDREN_SECONDS
        )
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.database.stop(DATABASE_SECONDS)

    def _start_again(self, child: Child) -> bool:
        child.deaths.append(time.monotonic())
        if child.has_died_too_often():
            self._say(f"The {child.name} keeps ending ({child.last_words()}): see {child.log}.")
            return False
        self._say(f"The {child.name} has ended ({child.last_words()}): starting it again.")
        self._launch(child)
        return True

    def _launch(self, child: Child) -> None:
        with child.log.open("ab") as log:
            child.log_begins_at = log.tell()
            child.process = subprocess.Popen(
                child.command,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C goes to the whole terminal group; the order of ending is ours.
                start_new_session=True,
                preexec_fn=processes.dies_with_parent(signal.SIGTERM),
            )
        self._remember(self._running())

    def _running(self) -> list[tuple[str, int]]:
        return [
            (child.name, child.process.pid)
            for child in self.children
            if child.is_running and child.process
        ]


def run_once(command: list[str], environment: dict[str, str], failure: str) -> None:
    """Run a step to its end. What it printed is shown only when it fails, as the reason."""
    finished = subprocess.run(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        preexec_fn=processes.dies_with_parent(signal.SIGTERM),
    )
    if finished.returncode != 0:
        # A traceback may end in a line of marks under the line before.
        lines = [line.strip() for line in finished.stdout.splitlines() if line.strip(" ^~")]
        raise CannotStart(f"{failure}: {(lines or ['no reason given'])[-1]}")
