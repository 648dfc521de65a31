"""Our server as its own process: killed, restarted and cut off as a real one is."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

from portal.embedded.processes import dies_with_parent

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "127.0.0.1"
START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def serving(port: int) -> list[str]:
    """What to tell Python to start the web server."""
    return [
        *["-m", "portal.serving", "--host", HOST, "--port", str(port)],
        *["--timeout-graceful-shutdown", "2", "--log-level", "warning"],
    ]


class Server:
    """The web server with the relay inside it, on the database of this worker."""

    def __init__(self, log: Path, *, pool: int = 8, clock: Mapping[str, str] | None = None) -> None:
        """`pool`: as many connections as any server has; one anew for each request costs more.

        `clock`: what is in its environment to have it live at another time.
        """
        self.port = free_port()
        self.log = log
        self.pool = str(pool)
        self.clock = clock or {}
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Start, and return when pages are served."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *serving(self.port)],
                cwd=ROOT,
                env={
                    **os.environ,
                    **self.clock,
                    "PYTHONUNBUFFERED": "1",
                    "DATABASE_POOL": self.pool,
                },
                stdout=log,
                stderr=log,
                preexec_fn=dies_with_parent(),
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"The server does not start:\n{self.last_words()}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End the process; SIGKILL leaves it no time to say goodbye to anybody."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=60)
            self._process = None

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-4_000:]

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        with closing(connection), suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        return False


class Wire:
    """A stretch of network before the server that can go dead without either end being told."""

    def __init__(self, port: int) -> None:
        self._target = (HOST, port)
        self._listener = socket.create_server((HOST, 0))
        self._flows = threading.Event()
        self._flows.set()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._listener.getsockname()[1]}"

    def die(self) -> None:
        """From now on nothing arrives on either side, and no connection breaks."""
        self._flows.clear()

    def revive(self) -> None:
        """Let what waited arrive, as after a tunnel."""
        self._flows.set()

    def close(self) -> None:
        self._flows.set()
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._sockets += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._flows.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
