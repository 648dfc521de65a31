"""Server processes: started, waited for, weighed and ended."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import psutil

from benchmarks.ear import HOST
from portal.embedded.processes import dies_with_parent, wait_until

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 60


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class Server:
    """One server process, with whatever it starts itself."""

    def __init__(
        self,
        command: list[str],
        log: Path,
        *,
        port: int,
        environment: dict[str, str] | None = None,
        core: int | None = None,
        ready_path: str = "",
        folder: Path = ROOT,
    ) -> None:
        self.port = port
        self.log = log
        self._ready_path = ready_path
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)} | (environment or {}),
                stdout=out,
                stderr=out,
                preexec_fn=dies_with_parent(),
            )
        self.process = psutil.Process(self._process.pid)
        if core is not None:
            pin(self.process, core)
        if not wait_until(self._answers, _START_SECONDS, every=0.05):
            self.stop()
            raise RuntimeError(f"A server does not start:\n{log.read_text()[-2_000:]}")

    def cpu(self) -> float:
        """Seconds of processor that it and its children have used."""
        return cpu_of(self.process)

    def memory(self) -> int:
        """Resident bytes."""
        return self.process.memory_info().rss

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it; SIGKILL leaves it no time to say goodbye to anybody."""
        if self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"A server ended:\n{self.log.read_text()[-2_000:]}")
        with suppress(OSError, http.client.HTTPException):
            if not self._ready_path:
                socket.create_connection((HOST, self.port), timeout=1).close()
                return True
            connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
            with closing(connection):
                connection.request("GET", self._ready_path)
                return connection.getresponse().status == 200
        return False


def uvicorn(application: str, port: int, *, lifespan: bool = True) -> list[str]:
    """The command that serves a peer's application as ours is served, without our limits."""
    return [
        *[sys.executable, "-m", "uvicorn", application],
        *["--host", HOST, "--port", str(port), "--lifespan", "on" if lifespan else "off"],
        *["--ws", "websockets-sansio", "--ws-per-message-deflate", "false"],
        *["--timeout-graceful-shutdown", "1", "--log-level", "warning", "--backlog", "4096"],
    ]


def vigil(port: int) -> list[str]:
    """The command that serves the portal, with the limits of its connections."""
    return [
        *[sys.executable, "-m", "portal.serving", "--host", HOST, "--port", str(port)],
        *["--timeout-graceful-shutdown", "1", "--log-level", "warning", "--backlog", "4096"],
    ]


def cpu_of(process: psutil.Process) -> float:
    """Seconds of processor that a process and its living children have used."""
    seconds = 0.0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            seconds += times.user + times.system
    return seconds


def pin(process: psutil.Process, core: int | None) -> None:
    """Keep a process on one core, where the system can; None lets it go wherever it likes."""
    if hasattr(process, "cpu_affinity") and (os.cpu_count() or 1) > 1:
        cores = list(range(os.cpu_count() or 1)) if core is None else [core]
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                each.cpu_affinity(cores)
