"""W5: what the triggers cost whoever writes, by pgbench: a row of `medications` in each commit.

    none      the four triggers of `Publish` disabled
    polled    the same log, no doorbell: a relay looks every 2 ms
    doorbell  ours: `manage.py relay`
    notify    the same log, and a NOTIFY with each commit

Commits that take 5 ms are made by `commit_delay`: PostgreSQL sleeps so long before each flush of
its log, for all who wait for that flush. It is what a slow or a replicated disk does to commits.
"""

import re
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from datetime import date

import psycopg

from benchmarks.contestants import Portal, medication
from benchmarks.servers import ROOT
from benchmarks.writing import Insert
from portal.embedded.accounts import server_account
from portal.embedded.binaries import programs_for
from portal.embedded.processes import dies_with_parent, wait_until
from portal.models import Patient

ARMS = ("none", "polled", "doorbell", "notify")
_PATIENTS = 32
_DELAY_MICROSECONDS = 5_000
SETTLING_SECONDS = 3.0
_PATIENT = "('00000000-0000-4000-8000-' || lpad(:client_id::text, 12, '0'))::uuid"
_ALWAYS = """
    CREATE FUNCTION bench_notify() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
        $$ BEGIN PERFORM pg_notify('realtime', ''); RETURN NULL; END $$;
    CREATE TRIGGER bench_notify AFTER INSERT ON realtime_inbox
        FOR EACH STATEMENT EXECUTE FUNCTION bench_notify();
    ALTER TABLE realtime_inbox DISABLE TRIGGER bench_notify;
"""

Figures = dict[str, float]


def write_tax(
    portal: Portal,
    *,
    writers: tuple[int, ...],
    rounds: int,
    seconds: float,
    settling: float = SETTLING_SECONDS,
) -> Figures:
    """Commits a second of each arm, and what of `polled` the doorbell keeps."""
    rates: dict[str, list[float]] = defaultdict(list)
    slowest: list[float] = []
    stage = portal.stage
    organization = portal.visitors[0].organization_id
    script = stage.folder / "write.sql"
    write = Insert(medication(organization), {"id": "uuid", "patient_id": "uuid"})
    patients = Insert(
        Patient(organization_id=organization, name="Patient", birth_on=date(1964, 3, 2)),
        {"id": "uuid", "mrn": "text"},
    )
    with psycopg.connect(stage.portal.superuser, autocommit=True) as connection:
        text = write.as_text(connection, id="gen_random_uuid()", patient_id=_PATIENT)
        script.write_text(f"{text};\n")
        # Each writer has a patient of its own, whose id pgbench can name.
        numbers = range(_PATIENTS)
        patients.run(
            connection,
            [f"00000000-0000-4000-8000-{number:012}" for number in numbers],
            [f"w5-{number}" for number in numbers],
        )
        connection.execute(_ALWAYS)
        for turn in range(rounds):
            for arm in ARMS[turn % len(ARMS) :] + ARMS[: turn % len(ARMS)]:
                with _armed(connection, arm, settling):
                    for delay in (0, _DELAY_MICROSECONDS):
                        _set_delay(connection, delay)
                        for count in writers:
                            if delay and count == 1:
                                continue
                            name = f"{arm}_{count}" + ("_slow" if delay else "")
                            head = _head(connection)
                            rates[name].append(_pgbench(stage, script, count, seconds))
                            if arm == "doorbell":
                                slowest.append(_slowest(connection, head))
                    _set_delay(connection, 0)
        connection.execute("DROP FUNCTION bench_notify CASCADE")
        connection.execute("ALTER ROLE vigil_owner RESET commit_delay")
        connection.execute("ALTER ROLE vigil_owner RESET commit_siblings")
    figures = {f"w5_{name}": statistics.median(values) for name, values in rates.items()}
    for name in list(figures):
        if name.startswith("w5_doorbell"):
            polled = figures[name.replace("doorbell", "polled")]
            figures[name.replace("doorbell", "kept")] = figures[name] / max(polled, 1e-9)
    # A bell that was missed would show as half a second: the sweep's pace.
    figures["w5_slowest_ms"] = max(slowest)
    return figures


@contextmanager
def _armed(connection: psycopg.Connection, arm: str, settling: float):
    """The database as an arm has it, with its relay."""
    on = {"none": "DISABLE"}.get(arm, "ENABLE ALWAYS")
    triggers = connection.execute(
        "SELECT tgname FROM pg_trigger WHERE tgrelid = 'medications'::regclass"
        " AND NOT tgisinternal AND tgname LIKE '%%publish%%'"
    ).fetchall()
    for (name,) in triggers:
        connection.execute(f'ALTER TABLE medications {on} TRIGGER "{name}"')
    bell = "ENABLE ALWAYS" if arm == "doorbell" else "DISABLE"
    always = "ENABLE" if arm == "notify" else "DISABLE"
    connection.execute(f"ALTER TABLE realtime_inbox {bell} TRIGGER realtime_bell")
    connection.execute(f"ALTER TABLE realtime_inbox {always} TRIGGER bench_notify")
    relay = _relay(arm)
    try:
        if relay is not None:
            epoch = "SELECT leader_epoch FROM realtime_relay WHERE beat > now() - interval '1 s'"
            wait_until(lambda: connection.execute(epoch).fetchone() is not None, 20)
            # What a relay brings with it starts too: half a second of processor, once a day.
            time.sleep(settling)
        yield
        if relay is not None:
            wait_until(lambda: not _waiting(connection), 20)
    finally:
        if relay is not None:
            relay.terminate()
            with suppress(subprocess.TimeoutExpired):
                relay.wait(5)
            relay.kill()
            relay.wait()
        for (name,) in triggers:
            connection.execute(f'ALTER TABLE medications ENABLE ALWAYS TRIGGER "{name}"')
        connection.execute("ALTER TABLE realtime_inbox ENABLE ALWAYS TRIGGER realtime_bell")
        connection.execute("ALTER TABLE realtime_inbox DISABLE TRIGGER bench_notify")


def _relay(arm: str) -> subprocess.Popen | None:
    commands = {
        "polled": [sys.executable, "-m", "benchmarks.peers.polling_relay"],
        "doorbell": [sys.executable, "manage.py", "relay"],
        "notify": [sys.executable, "manage.py", "relay"],
    }
    if arm not in commands:
        return None
    return subprocess.Popen(
        commands[arm],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=dies_with_parent(),
    )


def _pgbench(stage, script, writers: int, seconds: float) -> float:
    """Commits a second."""
    answer = subprocess.run(
        [
            str(programs_for(server_account()) / "pgbench"),
            *["-n", "-M", "prepared", "-c", str(writers), "-j", "1"],
            *["-T", str(max(1, round(seconds))), "-f", str(script), stage.portal.owner],
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"tps = ([0-9.]+)", answer.stdout)
    # pgbench leaves the line out when not one commit came through.
    return float(found[1]) if found else 0.0


def _set_delay(connection: psycopg.Connection, microseconds: int) -> None:
    connection.execute(f"ALTER ROLE vigil_owner SET commit_delay = {microseconds}")
    connection.execute("ALTER ROLE vigil_owner SET commit_siblings = 0")


def _waiting(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT EXISTS (SELECT FROM realtime_inbox)").fetchone()
    return bool(row and row[0])


def _head(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT last_seq FROM realtime_relay").fetchone()
    return int(row[0]) if row else 0


def _slowest(connection: psycopg.Connection, after: int) -> float:
    """Milliseconds that the slowest event since a position waited for the relay."""
    wait_until(lambda: not _waiting(connection), 20)
    time.sleep(0.02)
    row = connection.execute(
        "SELECT extract(epoch FROM max(sequenced_at - created_at)) * 1000"
        " FROM realtime_events WHERE seq > %s",
        [after],
    ).fetchone()
    return float(row[0] or 0) if row else 0.0
