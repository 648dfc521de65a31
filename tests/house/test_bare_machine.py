"""From a bare machine to a running clinic: what is said when it cannot be, and what it survives."""

import contextlib
import http.client
import json
import os
import re
import secrets
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from portal.embedded import processes
from portal.embedded.postgres import EmbeddedPostgres, drop_database_on, provision_on
from portal.management.demo.folder import DataFolder

ROOT = Path(__file__).resolve().parents[2]


def run(*command, **variables):
    """Run a command in the checkout to its end, with nothing of ours in its environment."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def assert_one_plain_sentence(finished, *words):
    said = finished.stderr.strip()
    assert finished.returncode != 0
    assert len(said.splitlines()) == 1, said
    assert "Traceback" not in finished.stdout + said
    for word in words:
        assert word in said


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# Settings -----------------------------------------------------------------------------------


def usable_settings(database_urls):
    return database_urls.environment() | {
        "SECRET_KEY": os.environ["SECRET_KEY"],
        "ENCRYPTION_KEYS": os.environ["ENCRYPTION_KEYS"],
        "PYTHONPATH": str(ROOT),
    }


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SECRET_KEY", "", "missing"),
        ("DATABASE_URL", "", "missing"),
        ("DATABASE_URL", "mysql://vigil_app@127.0.0.1/vigil", "postgresql://"),
        ("DATABASE_URL", "postgresql://vigil_app@127.0.0.1:port/vigil", "port"),
        ("DATABASE_ENGINE_URL", "postgresql://127.0.0.1/vigil", "user"),
        ("ENCRYPTION_KEYS", "", "missing"),
        ("ENCRYPTION_KEYS", "main:c2hvcnQ=", "32 bytes"),
        ("ENCRYPTION_KEYS", "no separator", "id:key"),
        ("REDIS_URL", "http://127.0.0.1", "redis://"),
        ("DEMO", "perhaps", "1 or 0"),
        ("REALTIME_RETENTION_HOURS", "3", "at least 24"),
        ("REALTIME_LIMITS", "sockets_per_user=many", "numbers above 0"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(database_urls, name, value, words):
    settings = usable_settings(database_urls) | {name: value}
    finished = run(sys.executable, "manage.py", "check", **settings)
    assert_one_plain_sentence(finished, name, words)
    if value:
        assert value not in finished.stderr  # it may be a secret


def test_django_has_nothing_to_warn_a_deployment_of(database_urls):
    settings = usable_settings(database_urls) | {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "vigil.example",
        "SITE_URL": "https://vigil.example",
    }
    command = ["manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    finished = run(sys.executable, *command, **settings)
    assert (finished.returncode, finished.stderr) == (0, "")


def serve(**settings):
    return run(
        *[sys.executable, "-m", "portal.serving", "--port", free_port(), "--log-level", "critical"],
        **settings,
    )


def test_the_server_names_a_missing_setting(database_urls):
    finished = serve(**usable_settings(database_urls) | {"SECRET_KEY": ""})
    assert_one_plain_sentence(finished, "SECRET_KEY", "missing")


@pytest.mark.parametrize("command", [["migrate"], ["worker"]])
def test_a_database_that_is_away_is_said(database_urls, command):
    away = re.sub(r":\d+/", f":{free_port()}/", database_urls.application)
    settings = usable_settings(database_urls) | {"DATABASE_URL": away, "DATABASE_OWNER_URL": away}
    finished = run(sys.executable, "manage.py", *command, **settings)
    assert_one_plain_sentence(finished, "database", "cannot be reached", "127.0.0.1")
    assert "vigil_app:" not in finished.stderr


@pytest.fixture
def empty_database():
    """A database with its roles and no table, beside the one that tests use."""
    superuser_url = os.environ["VIGIL_TEST_SUPERUSER_URL"]
    name = f"vigil_empty_{os.getpid()}"
    yield provision_on(superuser_url, name)
    drop_database_on(superuser_url, name)


def test_the_server_refuses_a_database_without_its_migrations(empty_database):
    settings = usable_settings(empty_database)
    finished = serve(**settings)
    assert finished.returncode != 0

    finished = run(sys.executable, "manage.py", "worker", **settings)
    assert_one_plain_sentence(finished, "lacks", "migrations", "manage.py migrate")


# The demo -----------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path):
    """A data folder; the database may lie elsewhere, when root's cannot enter it."""
    yield tmp_path / "data"
    EmbeddedPostgres(tmp_path / "data" / "postgres").discard()


def demo(folder, port, **variables):
    return run(
        sys.executable, "manage.py", "demo", DATA_DIR=str(folder), PORT=str(port), **variables
    )


def test_a_port_that_is_taken_is_said(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert_one_plain_sentence(demo(tmp_path / "data", port), f"Port {port} is taken", "PORT=")


def test_a_port_that_is_none_is_said(tmp_path):
    assert_one_plain_sentence(demo(tmp_path / "data", "http"), "PORT", "whole number")
    assert_one_plain_sentence(demo(tmp_path / "data", 70_000), "PORT", "at most 65535")


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    assert_one_plain_sentence(demo(tmp_path / "file" / "data", free_port()), "cannot be written")


def test_a_folder_in_use_is_said(data):
    with running_demo(data, until="Starting the database") as first:
        assert_one_plain_sentence(demo(data, free_port()), "already runs")
        assert first.poll() is None


def test_what_an_earlier_run_left_is_ended_and_no_stranger(tmp_path):
    folder = DataFolder(tmp_path / "data")
    folder.take()
    waiting = [sys.executable, "-c", "input()"]
    with (
        subprocess.Popen(waiting, stdin=subprocess.PIPE) as left,
        subprocess.Popen(waiting, stdin=subprocess.PIPE) as stranger,
    ):
        folder.remember([("left", left.pid)])
        recorded = json.loads((tmp_path / "data" / "processes.json").read_text())
        # The id of a process that has ended since, given to somebody else.
        recorded.append({"name": "gone", "pid": stranger.pid, "started": "1"})
        (tmp_path / "data" / "processes.json").write_text(json.dumps(recorded))
        folder.end_orphans()
        assert left.wait(60) == -signal.SIGTERM
        assert stranger.poll() is None
        stranger.kill()


@contextlib.contextmanager
def running_demo(folder, port=None, *, until="Ctrl-C"):
    """`manage.py demo` in a process group of its own, from when it has said `until`."""
    with subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=ROOT,
        env=os.environ
        | {"DATA_DIR": str(folder), "PORT": str(port or free_port()), "SIMULATE": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as supervisor:
        try:
            said = ""
            for line in supervisor.stdout:
                said += line
                if until in line:
                    break
            else:
                pytest.fail(said)
            supervisor.said = said
            yield supervisor
        finally:
            supervisor.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                supervisor.wait(60)
            supervisor.kill()


def ask(port, path):
    """The JSON or text behind an address, or None when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        answer = connection.getresponse().read().decode()
        return json.loads(answer) if answer.startswith("{") else answer
    return None


def family(folder):
    """The ids of all processes of a demo: its children, and its database's."""
    children = [entry["pid"] for entry in json.loads((folder / "processes.json").read_text())]
    return [*children, postmaster(folder)]


def postmaster(folder):
    with psycopg.connect(owner_url(folder)) as connection:
        backend = connection.execute("SELECT pg_backend_pid()").fetchone()[0]
        return int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])


def owner_url(folder):
    lines = (line.split("=", 1) for line in (folder / "urls.env").read_text().splitlines())
    return dict(lines)["DATABASE_OWNER_URL"]


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at processes through /proc")
def test_a_demo_from_first_start_to_forgetting(data):
    """It starts, is seen, dies as a whole, comes back with its data, ends in time, is forgotten."""
    port = free_port()
    with running_demo(data, port) as supervisor:
        assert ask(port, "/healthz") == "alive\n"
        assert ask(port, "/readyz")["database, engine role"] == "ok"
        assert stat.S_IMODE((data / "urls.env").stat().st_mode) == 0o600
        assert stat.S_IMODE((data / "keys.env").stat().st_mode) == 0o600
        with psycopg.connect(owner_url(data)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS id")

        # Kill everything at once, as a power cut does.
        everyone = family(data)
        for pid in [supervisor.pid, *everyone]:
            processes.signal_if_alive(pid, signal.SIGKILL)
        supervisor.wait()

    with running_demo(data, port) as supervisor:
        with psycopg.connect(owner_url(data)) as connection:
            assert connection.execute("SELECT id FROM kept").fetchone() == (7,)

        # A child that dies is started again.
        web = family(data)[0]
        os.kill(web, signal.SIGKILL)
        assert processes.wait_until(lambda: family(data)[0] != web, seconds=60)
        assert processes.wait_until(lambda: bool(ask(port, "/readyz")), seconds=60)

        everyone = family(data)
        os.killpg(supervisor.pid, signal.SIGINT)
        assert supervisor.wait(60) == 0
        assert not any(processes.is_alive(pid) for pid in everyone)
        assert not (data / "urls.env").exists()
        said = supervisor.said + supervisor.stdout.read()
        assert f"http://127.0.0.1:{port}" in said
        assert "clinician@demo.example" in said
        assert "vigil-demo" in said
        assert said.rstrip().endswith("Stopped.")

    finished = run(sys.executable, "manage.py", "demo", "--forget", DATA_DIR=str(data))
    assert finished.returncode == 0
    assert not data.exists()
