"""The processes of a run: PostgreSQL, Valkey, relays, web servers and the worker, all our own.

Everything is started by one thread that lives as long as the plant, because a child that is tied
to its parent is tied to the thread that started it.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from portal.embedded.errors import CannotStart
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.processes import dies_with_parent, wait_until
from portal.embedded.valkey import EmbeddedValkey
from tests.browser.server import HOST, ROOT, serving
from tests.conftest import SETTINGS
from tests.copies import copy_database
from tests.faults.facts import Gauge

START_SECONDS = 120
WEBS = ("web 1", "web 2")
RELAYS = ("relay 1", "relay 2")


class Process:
    """One of ours: started, stopped, killed. `turn` is held by whoever is doing something to it.

    `orders` are the failpoints that it is started with.
    """

    def __init__(
        self, name: str, command: list[str], port: int | None = None, code: Path = ROOT
    ) -> None:
        self.name, self.command, self.port, self.code = name, command, port, code
        self.turn = asyncio.Lock()
        self.orders = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, environment: dict[str, str], log: Path) -> None:
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, *self.command],
                cwd=self.code,
                env=environment,
                stdout=file,
                stderr=file,
                preexec_fn=dies_with_parent(signal.SIGKILL),
            )

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def signal(self, number: int) -> None:
        """Signal it and, if that ends it, wait until it has."""
        if self._process is None:
            return
        self._process.send_signal(number)
        if number in {signal.SIGKILL, signal.SIGTERM}:
            self._process.wait(20)

    def answers(self) -> bool:
        """Whether a web process is up; of the others it is enough that they live.

        Not whether it is ready: the database may be away by now.
        """
        if self.port is None:
            return self.pid is not None
        with contextlib.suppress(OSError):
            url = f"http://{HOST}:{self.port}/healthz"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        return False


class Plant:
    """All of it. `template` is the superuser's URL of a migrated database that may be copied.

    `server` is the PostgreSQL to take, for one that another may follow.

    `old` is a checkout of an older version, which the second web process and the second relay run:
    an upgrade that takes its time, on the newer version's database.
    """

    def __init__(
        self,
        folder: Path,
        template: str | None = None,
        old: Path | None = None,
        server: EmbeddedPostgres | None = None,
        **options: str,
    ) -> None:
        self.folder = folder
        self._codes = [ROOT, old or ROOT]
        self.server = server or EmbeddedPostgres(folder / "server", durable=False)
        self.bus = EmbeddedValkey()
        self.server.port, self.bus.port = quiet_port(), quiet_port()
        self.log = folder / "processes.log"
        self._foreman = ThreadPoolExecutor(1, "foreman")
        self._template = template
        self._options = options
        self.processes: dict[str, Process] = {}
        self.database_turn, self.bus_turn = asyncio.Lock(), asyncio.Lock()

    async def do(self, work, *arguments):
        """Have the foreman do something that blocks."""
        return await asyncio.get_running_loop().run_in_executor(self._foreman, work, *arguments)

    async def start(self) -> None:
        """Start everything; return when pages are served and a relay leads."""
        await self.do(self._start_servers)
        for name, code in zip(WEBS, self._codes, strict=True):
            port = quiet_port()
            self.processes[name] = Process(name, serving(port), port, code)
        for name, code in zip(RELAYS, self._codes, strict=True):
            self.processes[name] = Process(name, ["manage.py", "relay"], code=code)
        self.processes["worker"] = Process("worker", ["manage.py", "worker"])
        for name in self.processes:
            await self.start_process(name)
        self.world = await asyncio.to_thread(self.arrange)
        for process in self.processes.values():
            await self.until(process.answers)
        await self.until(lambda: self.rows("SELECT 1 FROM realtime_relay WHERE leader_epoch > 0"))

    def arrange(self) -> dict:
        """Seat people in the database; who they are, and their sessions."""
        return arranged(self.environment)

    async def start_process(self, name: str) -> None:
        process = self.processes[name]
        environment = self.environment_of(name) | {"REALTIME_FAILPOINTS": process.orders}
        await self.do(process.start, environment, self.log)

    def environment_of(self, name: str) -> dict[str, str]:
        """What a process is started with."""
        return self.environment

    async def until_up(self, process: Process) -> None:
        """Wait until it answers. One that ended because it found no database is started again."""
        deadline = time.monotonic() + START_SECONDS
        while not await asyncio.to_thread(process.answers):
            if time.monotonic() > deadline:
                raise AssertionError(f"{process.name} does not answer; {self.last_words()}")
            if process.pid is None:
                await self.start_process(process.name)
            await asyncio.sleep(0.5)

    async def until(self, condition, seconds: float = START_SECONDS) -> None:
        """Wait for something that is asked in a thread; fail when it does not come."""
        deadline = time.monotonic() + seconds
        while not await asyncio.to_thread(condition):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s; {self.last_words()}")
            await asyncio.sleep(0.1)

    async def end(self) -> None:
        """End and forget everything."""
        try:
            await self.do(self._end)
        finally:
            self._foreman.shutdown()

    def signal_bus(self, number: int) -> None:
        if self.bus.pid:
            os.kill(self.bus.pid, number)

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-3_000:] if self.log.exists() else ""

    # The database -----------------------------------------------------------------------------

    def crash_database(self, number: int) -> None:
        """SIGQUIT is `pg_ctl -m immediate`; after either, start again and recover."""
        pid = self.server.pid
        if number == signal.SIGQUIT and pid:
            os.kill(pid, number)
            wait_until(lambda: not self.server.is_running, 20)
        self.server.kill()
        deadline = time.monotonic() + START_SECONDS
        while not self.server.is_running:
            try:
                self.server.start()
            except CannotStart:
                # What the killed one left behind may live on for a moment.
                if time.monotonic() > deadline:
                    raise

    def kill_backend(self) -> None:
        """kill -9 of one server process: PostgreSQL ends all connections and recovers."""
        victims = self.rows(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1"
        )
        for victim in victims:
            # It may have ended by itself since.
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim["pid"], signal.SIGKILL)
        wait_until(self._accepts, 30, every=0.1)

    def _accepts(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            return bool(self.rows("SELECT 1"))
        return False

    # What they hold ---------------------------------------------------------------------------

    def gauges(self) -> list[Gauge]:
        """Memory that is their own, and open files; empty where the system does not tell."""
        found = []
        for name, process in self.processes.items():
            with contextlib.suppress(OSError, StopIteration):
                folder = Path(f"/proc/{process.pid}")
                lines = (folder / "status").read_text().splitlines()
                memory = next(line for line in lines if line.startswith("RssAnon"))
                files = len(list((folder / "fd").iterdir()))
                found.append(Gauge(name, int(memory.split()[1]), files))
        return found

    # Below: how it is done --------------------------------------------------------------------

    def _start_servers(self) -> None:
        self.server.start()
        self.bus.start()
        self.urls = self.server.provision("faults")
        # Runs a query as the superuser and returns its rows.
        self.rows = asking(self.urls.superuser)
        self.environment = os.environ | SETTINGS | self.urls.environment()
        self.environment |= {
            "REDIS_URL": self.bus.url,
            "REALTIME_RELAY_IN_WEB": "0",
            "SESSION_IDLE_STAFF_MINUTES": "60",
            "SESSION_IDLE_PATIENT_MINUTES": "60",
        } | self._options
        if self._template is None:
            run("manage.py", "migrate", "--skip-checks", "-v0", environment=self.environment)
        else:
            copy_database(self._template, self.urls.superuser)

    def _end(self) -> None:
        for process in self.processes.values():
            if process.pid:
                process.signal(signal.SIGCONT)
                process.signal(signal.SIGKILL)
        self.signal_bus(signal.SIGCONT)
        self.bus.kill()
        self.server.discard()


def asking(url: str) -> Callable[..., list[dict]]:
    """What runs a query, over a connection of its own, and returns the rows as dictionaries."""

    def ask(query: str, *values: object) -> list[dict]:
        with psycopg.connect(url, connect_timeout=5, row_factory=dict_row) as line:
            line.autocommit = True
            return line.execute(query, values).fetchall()

    return ask


def arranged(environment: Mapping[str, str]) -> dict:
    """Seat the cast in the database of an environment; who they are, and their sessions."""
    return json.loads(run("-m", "tests.faults.world", environment=environment))


def run(*arguments: str, environment: Mapping[str, str]) -> str:
    """Run Python to its end; what it printed."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def quiet_port() -> int:
    """A free port that stays free while its owner is down.

    Below those that the system hands out to clients: one that tries again and again to reach a
    closed port among them meets itself in the end, and keeps the port.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise AssertionError("a hundred ports are taken")
