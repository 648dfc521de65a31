"""Faults that need a machine to oneself: a full disk, a disk that fails, a restore, containers.

    bin/drill disk-full       as root: PostgreSQL's data on a tmpfs of 192 MB, filled
    bin/drill disk-fails      as root, with strace: fdatasync answers EIO
    bin/drill disk-slow       as root, with strace: fdatasync takes 200 ms
    bin/drill restore         a base backup and the write-ahead log, restored to a point in time
    bin/drill compose         the installation with compose (tests/faults/composed.py)

Each but the last has a database of its own with nothing but the engine in it, a relay and a writer,
and looks at the end whether what was acknowledged is there, and in the log once and in order;
`restore` has all tables, and looks whether the audit log is as it was sealed. Prints what it saw;
ends with status 1 when something was lost, or is not well.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.processes import dies_with_parent
from tests.browser.server import ROOT
from tests.conftest import SETTINGS
from tests.faults import composed
from tests.faults.replicas import Archived
from tests.realtime.conftest import Notes
from tests.waiting import wait_until

WRITE_SECONDS = 6.0
DELAY_MICROSECONDS = 200_000


class Ward:
    """A server, a relay on it, and somebody who writes notes and remembers the answers."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self.acknowledged: list[int] = []
        self.slowest = 0.0
        self.errors: dict[str, int] = {}
        self._next = 0

    def open(self, *apps: str) -> None:
        self.server.start()
        self.urls = self.server.provision("drill")
        self.environment = os.environ | SETTINGS | self.urls.environment()
        subprocess.run(
            [sys.executable, "manage.py", "migrate", *apps, "--skip-checks", "-v0"],
            cwd=ROOT,
            env=self.environment,
            check=True,
        )
        with self.line("owner") as owner, self.line("application") as application:
            Notes(owner, application).create()
            # Kept as long as it is: a disk is not filled by what compresses well.
            owner.execute("ALTER TABLE notes ALTER body SET STORAGE EXTERNAL")

    @contextlib.contextmanager
    def relaying(self) -> Iterator[None]:
        relay = subprocess.Popen(
            [sys.executable, "manage.py", "relay"],
            cwd=ROOT,
            env=self.environment,
            stderr=subprocess.DEVNULL,
            preexec_fn=dies_with_parent(signal.SIGKILL),
        )
        try:
            with self.line("superuser") as line:
                leads = "SELECT 1 FROM realtime_relay WHERE leader_epoch > %s"
                (before,) = line.execute("SELECT leader_epoch FROM realtime_relay").fetchall()
                wait_until(lambda: line.execute(leads, [before["leader_epoch"]]).fetchone(), 60)
            yield
        finally:
            relay.kill()
            relay.wait()

    def line(self, role: str) -> psycopg.Connection:
        return psycopg.connect(
            getattr(self.urls, role), autocommit=True, row_factory=dict_row, connect_timeout=2
        )

    def write(self, seconds: float, body: int = 100, most_errors: int = 1_000) -> None:
        """Write as fast as answers come, for so long or until there were so many errors."""
        deadline = time.monotonic() + seconds
        connection = None
        while time.monotonic() < deadline and sum(self.errors.values()) < most_errors:
            try:
                connection = connection or self.line("application")
                self._next += 1
                began = time.monotonic()
                text = os.urandom(body // 2).hex()
                Notes(None, connection).insert(number=self._next, body=text)
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.acknowledged.append(self._next)
            except psycopg.Error as error:
                code = error.sqlstate or type(error).__name__
                self.errors[code] = self.errors.get(code, 0) + 1
                if connection is not None and connection.closed:
                    connection = None
                time.sleep(0.05)
        if connection is not None:
            connection.close()

    def audit(self, entries: int, anchors: Path) -> None:
        """Write entries of the audit log, seal them, and say the head as the worker does."""
        with self.line("superuser") as line:
            line.execute(
                "INSERT INTO organizations"
                " (id, name, slug, time_zone, locale, phone, emergency_phone, created_at)"
                " VALUES (gen_random_uuid(), 'Drill', 'drill', 'UTC', 'en', '', '112', now())"
                " ON CONFLICT DO NOTHING"
            )
            line.execute(
                "INSERT INTO audit_logs (id, organization_id, at, action, subject_type, detail)"
                " SELECT gen_random_uuid(), id, now(), 'drill.written', '', '{}'"
                " FROM organizations, generate_series(1, %s)",
                [entries],
            )
            line.execute("SELECT portal_seal_audit(%s)", [entries])
            head = line.execute(
                "SELECT 'audit anchor' AS event, number, encode(digest, 'hex') AS digest,"
                " sealed_at::text AS timestamp FROM audit_seals ORDER BY number DESC LIMIT 1"
            ).fetchone()
        with anchors.open("a") as file:
            file.write(json.dumps(head) + "\n")

    def verify(self, anchors: Path) -> dict:
        """What manage.py verify_audit says of it."""
        said = subprocess.run(
            [sys.executable, "manage.py", "verify_audit", "--json", "--anchors", anchors],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            check=False,
        )
        return json.loads(said.stdout)

    def look(self) -> dict:
        """What is in the database, and what of it was promised and is missing."""
        with self.line("superuser") as line:
            wait_until(
                lambda: not line.execute("SELECT 1 FROM realtime_inbox LIMIT 1").fetchone(), 60
            )
            rows = {row["number"] for row in line.execute("SELECT number FROM notes")}
            log = line.execute(
                "SELECT seq, (record->>'number')::int AS number FROM realtime_events ORDER BY seq"
            ).fetchall()
            (relay,) = line.execute(
                "SELECT log_epoch, last_seq, leader_epoch FROM realtime_relay"
            ).fetchall()
        told = [event["number"] for event in log if event["number"] is not None]
        return {
            "acknowledged": len(self.acknowledged),
            "errors": self.errors,
            "slowest write, s": round(self.slowest, 2),
            "in the database": len(rows),
            "acknowledged and lost": len(set(self.acknowledged) - rows),
            "rows without an event": len(rows - set(told)),
            "events without a row": len(set(told) - rows),
            "told twice": len(told) - len(set(told)),
            "out of order": sum(one > next_ for one, next_ in pairwise(told)),
            "holes": log[-1]["seq"] - log[0]["seq"] + 1 - len(log) if log else 0,
            "leaders": relay["leader_epoch"],
            "log": relay["log_epoch"],
        }


def disk_full(folder: Path) -> dict:
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192m,mode=755", "tmpfs", disk], check=True)
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(24 * 2**20))
    ward = Ward(EmbeddedPostgres(disk / "server"))
    try:
        ward.open("realtime")
        assert ward.server.folder.is_relative_to(disk), "PostgreSQL is not on the small disk"
        with ward.relaying():
            ward.write(90, body=200_000, most_errors=40)
            was_running = ward.server.is_running
            ballast.unlink()
            ward.server.kill()
            ward.server.start()
            ward.write(3)
            return ward.look() | {"the server lived on": was_running}
    finally:
        ward.server.discard()
        subprocess.run(["umount", "-l", disk], check=False)


def disk_fails(folder: Path) -> dict:
    return _injected(folder, "error=EIO", ends=True)


def disk_slow(folder: Path) -> dict:
    return _injected(folder, f"delay_enter={DELAY_MICROSECONDS}", ends=False)


def _injected(folder: Path, fault: str, *, ends: bool) -> dict:
    ward = Ward(EmbeddedPostgres(folder / "server"))
    try:
        ward.open("realtime")
        with ward.relaying():
            ward.write(2)
            before = len(ward.acknowledged)
            with _strace(ward.server, fault):
                ward.write(WRITE_SECONDS)
                was_running = ward.server.is_running
                during = len(ward.acknowledged) - before
            if ends:
                ward.server.kill()
                ward.server.start()
            ward.write(2)
            return ward.look() | {
                "acknowledged while it lasted": during,
                "the server lived on": was_running,
            }
    finally:
        ward.server.discard()


@contextlib.contextmanager
def _strace(server: EmbeddedPostgres, fault: str) -> Iterator[None]:
    """The postmaster, every process it has and every process it will have."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    pids = [each for pid in [str(server.pid), *children] for each in ("-p", pid)]
    calls = "fsync,fdatasync"
    tracer = subprocess.Popen(
        [
            *["strace", "-f", "-qq", "-o", "/dev/null"],
            *["-e", f"trace={calls}", "-e", f"inject={calls}:{fault}", *pids],
        ],
        stderr=subprocess.DEVNULL,
    )
    status = Path(f"/proc/{server.pid}/status")
    try:
        wait_until(lambda: f"TracerPid:\t{tracer.pid}" in status.read_text(), 10)
        yield
    finally:
        tracer.terminate()
        tracer.wait(60)


def restore(folder: Path) -> dict:
    archive = folder / "archive"
    archive.mkdir(mode=0o777)
    archive.chmod(0o777)
    anchors = folder / "anchors"
    ward = Ward(Archived(folder / "first", archive))
    again = Archived(folder / "second", archive)
    try:
        # All of it, for the audit log.
        ward.open()
        with ward.relaying():
            ward.write(1)
            ward.audit(100, anchors)
            again.copy(ward.server)
            ward.write(2)
            ward.audit(100, anchors)
            kept = list(ward.acknowledged)
            with ward.line("superuser") as line:
                line.execute("SELECT pg_create_restore_point('before the accident')")
            ward.write(2)
            ward.audit(100, folder / "anchors of what was undone")
            lost = len(ward.acknowledged) - len(kept)
            before = ward.look()
            with ward.line("superuser") as line:
                line.execute("SELECT pg_switch_wal()")
        ward.server.stop()
        began = time.monotonic()
        again.restore_to("before the accident")
        ward.server, ward.acknowledged = again, kept
        ward.urls = again.provision("drill")
        ward.environment |= ward.urls.environment()
        with ward.relaying():
            wait_until(lambda: ward.look()["log"] != before["log"], 30)
            ward.write(1)
            ward.audit(100, anchors)
            after = ward.look()
        audited = ward.verify(anchors)
        return after | {
            "audit entries sealed": audited["seals"],
            "anchors that were compared": audited["anchors"],
            "audit log not as it was": audited["problems"],
            "undone on purpose": lost,
            "seconds to restore": round(time.monotonic() - began, 1),
            "the log is another one": after["log"] != before["log"],
        }
    finally:
        again.discard()
        ward.server.discard()


DRILLS = {
    "disk-full": disk_full,
    "disk-fails": disk_fails,
    "disk-slow": disk_slow,
    "restore": restore,
    "compose": composed.compose,
}
WRONG = (
    *composed.WRONG,
    "acknowledged and lost",
    "rows without an event",
    "events without a row",
    "told twice",
    "out of order",
    "holes",
)


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] not in DRILLS:
        print(__doc__)
        return 2
    with tempfile.TemporaryDirectory(prefix="vigil-drill-") as name:
        folder = Path(name)
        # PostgreSQL runs as nobody when we are root.
        folder.chmod(0o755)
        found = DRILLS[sys.argv[1]](folder)
    for what, value in found.items():
        print(f"{what:32} {value}")
    return 1 if any(found.get(what) for what in WRONG) else 0


if __name__ == "__main__":
    sys.exit(main())
