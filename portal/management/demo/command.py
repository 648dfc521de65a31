"""`manage.py demo`: from nothing to a running clinic, and back on Ctrl-C."""

import contextlib
import http.client
import os
import signal
import socket
import sys
import time
from pathlib import Path

from portal import environment
from portal.embedded.errors import CannotStart, EmbeddedError
from portal.embedded.postgres import EmbeddedPostgres
from portal.management.demo.folder import DataFolder
from portal.management.demo.supervisor import Child, Supervisor, run_once

ROOT = Path(__file__).resolve().parents[3]
HOST = "127.0.0.1"
PASSWORD = "vigil-demo"  # noqa: S105 - printed for everyone to see


START_SECONDS = 60.0

SIGN_INS = [
    ("patient@demo.example", "a patient recovering at home"),
    ("caregiver@demo.example", "her caregiver"),
    ("clinician@demo.example", "on her care team"),
    ("nurse@demo.example", "on her care team"),
    ("admin@demo.example", "runs the Demo Clinic"),
    ("patient@other.example", "a patient of the Other Clinic"),
    ("clinician@other.example", "a clinician of the Other Clinic"),
    ("admin@other.example", "runs the Other Clinic"),
]


def main(arguments: list[str]) -> int:
    """Run the demo, or with `--forget` delete its data. Returns the exit status."""
    if arguments not in ([], ["--forget"]):
        print("Usage: manage.py demo [--forget]", file=sys.stderr)
        return 2
    with environment.said_plainly():
        port = environment.integer("PORT", default=8000, minimum=1, maximum=65535)
        simulate = environment.boolean("SIMULATE", default=True)
        folder = DataFolder(environment.path("DATA_DIR", default=ROOT / ".data"))
    try:
        if arguments:
            forget(folder)
            return 0
        return run(folder, port, simulate)
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(folder: DataFolder, port: int, simulate: bool) -> int:
    folder.take()
    folder.end_orphans()
    folder.put_old_mail_away()
    refuse_taken(port)

    # A plain `kill` or a closed terminal while starting ends like Ctrl-C does, nothing left behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)

    database = EmbeddedPostgres(folder.postgres)
    supervisor = Supervisor(database, {}, say=say, remember=folder.remember)
    try:
        say("Starting the database …")
        database.start()
        urls = database.provision("vigil").environment()
        folder.write_urls(urls)

        say("Preparing the demo clinic …")
        variables = settings(folder, urls)
        prepare(variables)
        # Only migrations need the owner, and no process has a role that it does not need.
        supervisor.environment = {**variables, "DATABASE_OWNER_URL": ""}

        supervisor.heed_signals()
        start_web_server(supervisor, folder, port)
        if supervisor.asked_to_stop.is_set():
            return 0
        start_others(supervisor, folder, simulate)
        welcome(folder, port)
        return supervisor.run()
    finally:
        # Whoever presses Ctrl-C twice gets the same end, not half of one.
        supervisor.heed_signals()
        supervisor.stop()
        folder.tidy()
        say("Stopped.")


def forget(folder: DataFolder) -> None:
    """Delete what the demo keeps. Refused while it runs."""
    if not folder.path.exists():
        say("There are no demo data to forget.")
        return
    folder.take()
    folder.end_orphans()
    EmbeddedPostgres(folder.postgres).discard()
    folder.remove()
    say(f"The demo data in {folder.path} are gone.")


def refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise CannotStart(
                f"Port {port} is not open to ordinary users: choose one from 1024 up, with PORT=."
            ) from None
        except OSError:
            raise CannotStart(
                f"Port {port} is taken by another program: choose another, as in "
                f"`make demo PORT={port + 1}`."
            ) from None


def settings(folder: DataFolder, urls: dict[str, str]) -> dict[str, str]:
    """The environment of every process of the demo. What is named here wins over the caller's."""
    return {
        **folder.keys(),
        **urls,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "DEMO": "1",
        "DEMO_MAIL_FILE": str(folder.mail_file),
        "REDIS_URL": "",
        "ALLOWED_HOSTS": f"{HOST},localhost",
    }


def prepare(variables: dict[str, str]) -> None:
    manage = [sys.executable, str(ROOT / "manage.py")]
    run_once([*manage, "migrate", "--verbosity=0"], variables, "The database cannot be prepared")
    run_once([*manage, "demo_clinic"], variables, "The demo clinic cannot be made")


def start_web_server(supervisor: Supervisor, folder: DataFolder, port: int) -> None:
    """Start it alone, so that the first page comes soon; return when it serves."""
    web = Child("web server", [sys.executable, "-m", *server(port)], folder.log_of("web"))
    supervisor.start(web)
    wait_until_served(supervisor, web, port)


def start_others(supervisor: Supervisor, folder: DataFolder, simulate: bool) -> None:
    """Start what runs beside the web server in production too, and the simulator."""
    manage = [sys.executable, str(ROOT / "manage.py")]
    supervisor.start(Child("job worker", [*manage, "worker"], folder.log_of("worker")))
    if simulate:
        supervisor.start(Child("simulator", [*manage, "simulate"], folder.log_of("simulate")))


def server(port: int) -> list[str]:
    return [
        *["portal.serving", "--host", HOST, "--port", str(port)],
        *["--timeout-graceful-shutdown", "2", "--log-level", "warning"],
    ]


def wait_until_served(supervisor: Supervisor, web: Child, port: int) -> None:
    """Return when pages are served, or when somebody asked to stop before."""
    deadline = time.monotonic() + START_SECONDS
    while not supervisor.asked_to_stop.wait(0.1):
        if not web.is_running:
            raise CannotStart(f"The web server does not start: {web.last_words()}")
        if is_served(port):
            return
        if time.monotonic() > deadline:
            raise CannotStart(f"The web server did not answer in time: see {web.log}.")


def is_served(port: int) -> bool:
    # Not urllib, which would ask a proxy for our own loopback address.
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


def welcome(folder: DataFolder, port: int) -> None:
    width = max(len(address) for address, _ in SIGN_INS)
    lines = [f"  {address:<{width}}  {who}" for address, who in SIGN_INS]
    say(
        f"\nVigil is running at http://{HOST}:{port}\n\n"
        + "\n".join(lines)
        + f"\n\n  The password is {PASSWORD} for all of them."
        + f"\n  E-mails and texts are sent to nobody: {_short(folder.mail_file)}"
        + f"\n  Databases: {_short(folder.urls_file)}   Logs: {_short(folder.path / 'logs')}"
        + "\n  Ctrl-C stops everything; the data stay.\n"
    )


def say(sentence: str) -> None:
    print(sentence, flush=True)


def _short(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
