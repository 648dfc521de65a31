"""Processes whose clocks are off: order, lead and what is due are the database's business alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connections
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from alerts.models import Alert
from portal.password_links import password_link
from tests.browser.server import Server
from tests.cast import PASSWORD
from tests.faults.clients import NOBODY, TOKEN
from tests.realtime.conftest import ROOT
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is not installed")

WRITTEN = 40
LEAD = (
    "SELECT leader_epoch FROM realtime_relay WHERE leader_epoch > %s"
    " AND beat > clock_timestamp() - interval '2 seconds'"
)

WAITING = (
    "SELECT alert_id, due_at - clock_timestamp() AS left FROM alert_steps"
    " WHERE done_at IS NULL AND cancelled_at IS NULL"
)
# A message is due when its notification is made.
OFF = "SELECT max(abs(extract(epoch FROM clock_timestamp() - created_at))) AS off FROM {}"
# A page must be open before its session ends.
SOON = timedelta(seconds=6)
SILENT = "UPDATE sessions SET last_active_at = clock_timestamp() - %s WHERE user_id = %s"
LEFT = (
    "SELECT extract(epoch FROM last_active_at + interval '30 minutes' - clock_timestamp())"
    " AS seconds FROM sessions WHERE user_id = %s"
)
BEGUN = (
    "SELECT abs(extract(epoch FROM clock_timestamp() - created_at)) AS begun,"
    " abs(extract(epoch FROM clock_timestamp() - last_active_at)) AS touched,"
    " abs(extract(epoch FROM expire_date - clock_timestamp()) - 43200) AS until"
    " FROM sessions WHERE user_id = %s"
)
ENDED = (
    "SELECT extract(epoch FROM clock_timestamp() - ends_at) AS ago"
    " FROM care_team_memberships WHERE id = %s"
)
JOIN = {
    "config": {"postgres_changes": [{"event": "*", "schema": "public", "table": "vital_signs"}]}
}
STEPS = [
    {"wait": 0, "tell": "care_team"},
    {"wait": 5, "tell": "role", "who": "clinician"},
    {"wait": 5, "tell": "role", "who": "nurse"},
]


@pytest.fixture
def process_at(database_urls):
    """`process_at("+1d", "relay")`: a process of ours whose clock says so."""
    started = []

    def start(offset, command):
        # A group of its own: faketime is the parent of what it runs.
        process = subprocess.Popen(
            ["faketime", "-f", offset, sys.executable, "manage.py", command],
            cwd=ROOT,
            env=os.environ | database_urls.environment(),
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)


def opened(server, key):
    """A socket of the session with this key."""
    return connect(
        f"ws://127.0.0.1:{server.port}/realtime/v1/websocket?vsn=2.0.0",
        origin=server.url,
        additional_headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={key}"},
        compression=None,
    )


def test_relays_a_day_apart_take_turns_and_lose_nothing(notes, log, engine, process_at):
    def leads(after):
        return wait_until(lambda: engine.execute(LEAD, [after]).fetchone(), 60)["leader_epoch"]

    def written():
        # Those who watch from another day say things of their own.
        return [event for event in log.events() if event["table_name"] == "notes"]

    before = log.relay()["leader_epoch"]
    ahead = process_at("+1d", "relay")
    first = leads(before)
    behind = process_at("-1d", "relay")
    for number in range(WRITTEN):
        notes.insert(number=number)
    wait_until(lambda: len(written()) == WRITTEN, 60)
    # A standby that lives in yesterday, or a leader in tomorrow, does not look silent to anyone.
    assert log.relay()["leader_epoch"] == first

    os.killpg(ahead.pid, signal.SIGKILL)
    for number in range(WRITTEN, 2 * WRITTEN):
        notes.insert(number=number)
    assert leads(first) == first + 1
    wait_until(lambda: len(written()) == 2 * WRITTEN, 60)

    assert behind.poll() is None
    assert [event["record"]["number"] for event in written()] == list(range(2 * WRITTEN))
    every = log.events()
    assert [event["seq"] - log.start for event in every] == list(range(1, len(every) + 1))


@pytest.mark.parametrize("offset", ["-1h", "+1h"])
def test_a_worker_an_hour_off_raises_and_escalates_on_time(
    offset, committed, policy, rule, arrives, superuser, process_at, system, ana, told, pass_minutes
):
    def rows(query):
        return superuser.execute(query).fetchall()

    rule(high="6.0", policy_of=policy(steps=STEPS))
    arrives(ana, "6.4")
    process_at(offset, "worker")
    # Judged at once, and the next of the policy is told in five minutes, neither sooner nor later.
    (step,) = wait_until(lambda: rows(WAITING))
    assert timedelta() < step["left"] <= timedelta(minutes=5)
    with system():
        alert = Alert.objects.select_related("organization").get(pk=step["alert_id"])
    for table in ("portal_notifications", "notification_logs"):
        assert rows(OFF.format(table))[0]["off"] < 1800
    before = len(told(alert))

    pass_minutes(alert, 5)
    wait_until(lambda: len(told(alert)) > before)
    (following,) = rows(WAITING)
    assert timedelta() < following["left"] <= timedelta(minutes=5)


@pytest.fixture
def web_at(tmp_path, database_urls):
    """`web_at("-1d")`: a web process, with the relay inside it, whose clock says so.

    `jump("+1d")` of what it returns moves that clock while the process runs.
    """
    started = []

    def start(offset):
        # Its own variables without its parent, so that the process ends as any other does.
        said = subprocess.run(
            ["faketime", "-f", offset, "env"], capture_output=True, text=True, check=True
        )
        lines = [line.partition("=") for line in said.stdout.splitlines()]
        told = tmp_path / f"offset{len(started)}"
        told.write_text(offset)
        clock = {name: value for name, _, value in lines if name == "LD_PRELOAD"} | {
            "FAKETIME_TIMESTAMP_FILE": str(told),
            "FAKETIME_NO_CACHE": "1",
            # What counts seconds goes on as it does where somebody sets the time of a machine.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        server = Server(tmp_path / f"web{offset}.log", clock=clock)
        server.jump = lambda to: _written(tmp_path / "next", to).replace(told)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()


def _written(path, text):
    path.write_text(text)
    return path


def asks(server, cookies, page="/account/"):
    """The status with which the server answers whoever has these cookies."""
    key = cookies[settings.SESSION_COOKIE_NAME].value
    return httpx.get(
        f"{server.url}{page}", cookies={settings.SESSION_COOKIE_NAME: key}, verify=NOBODY
    ).status_code


def days_ahead(server):
    """By how many days its clock is ahead of ours: it says in each answer what time it is."""
    said = parsedate_to_datetime(httpx.get(f"{server.url}/healthz", verify=NOBODY).headers["date"])
    return round((said - datetime.now(UTC)) / timedelta(days=1))


class Page:
    """An open page: its socket has joined."""

    def __init__(self, socket):
        self._socket = socket
        socket.send(json.dumps(["1", "1", "realtime:page", "phx_join", JOIN]))
        assert json.loads(socket.recv(30))[4]["status"] == "ok"

    def hears(self):
        """Return when a change has come."""
        while json.loads(self._socket.recv(30))[3] != "postgres_changes":
            pass

    def ends(self):
        """Wait for the socket's end, and return its code."""
        with pytest.raises(ConnectionClosed) as closed:
            list(iter(lambda: self._socket.recv(60), None))
        return closed.value.rcvd.code


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("offset", ["-1d", "+1d"])
def test_a_web_process_a_day_off_keeps_a_session_as_long_as_any(
    offset, committed, web_at, client_for, cast, superuser, inbox
):
    ana, ada = (client_for(person).cookies for person in (cast.ana, cast.ada))
    connections.close_all()
    server = web_at(offset)

    assert asks(server, ana) == 200
    # Ada's has been silent for too long, and Ana's will have been, in a moment.
    superuser.execute(SILENT, [settings.SESSION_IDLE_STAFF, cast.ada.user.pk])
    superuser.execute(SILENT, [settings.SESSION_IDLE_PATIENT - SOON, cast.ana.user.pk])
    assert asks(server, ada) == 302
    with opened(server, ana[settings.SESSION_COOKIE_NAME].value) as socket:
        page = Page(socket)
        inbox.put([f"patient:{cast.ana.patient.pk}"], organization=cast.clinic.pk)
        page.hears()
        assert page.ends() == 4401
    (left,) = superuser.execute(LEFT, [cast.ana.user.pk]).fetchall()
    assert left["seconds"] <= 0


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_clock_that_jumps_under_open_pages_changes_nothing(
    committed, web_at, client_for, cast, superuser, inbox, engine
):
    ana, ada = (client_for(person).cookies for person in (cast.ana, cast.ada))
    connections.close_all()
    server = web_at("+0d")
    topics = [f"patient:{cast.ana.patient.pk}"]
    with opened(server, ana[settings.SESSION_COOKIE_NAME].value) as socket:
        page = Page(socket)
        for jump, days in (("+1d", 1), ("-1d", -1)):
            server.jump(jump)
            wait_until(lambda days=days: days_ahead(server) == days)
            assert asks(server, ana) == asks(server, ada) == 200
            inbox.put(topics, organization=cast.clinic.pk)
            page.hears()
        # The same relay leads on, and takes itself for no stranger.
        assert engine.execute(LEAD, [0]).fetchone()
        superuser.execute(SILENT, [settings.SESSION_IDLE_STAFF, cast.ada.user.pk])
        superuser.execute(SILENT, [settings.SESSION_IDLE_PATIENT - SOON, cast.ana.user.pk])
        assert asks(server, ada) == 302
        assert page.ends() == 4401
    (left,) = superuser.execute(LEFT, [cast.ana.user.pk]).fetchall()
    assert left["seconds"] <= 0


@pytest.mark.parametrize("offset", ["-1d", "+1d"])
def test_what_is_ended_a_day_off_is_ended_now(
    offset, committed, web_at, client_for, cast, superuser
):
    admin = client_for(cast.admin).cookies
    place = cast.teams[0]
    connections.close_all()
    server = web_at(offset)
    with httpx.Client(base_url=server.url, verify=NOBODY, timeout=30) as office:
        office.cookies.set(settings.CSRF_COOKIE_NAME, TOKEN)
        office.cookies.set(settings.SESSION_COOKIE_NAME, admin[settings.SESSION_COOKIE_NAME].value)
        answer = office.post(
            "/admin/portal/careteammembership/",
            data={"action": "end_now", "_selected_action": [str(place.pk)]},
            headers={"X-CSRFToken": TOKEN},
        )
        assert answer.status_code == 302
    (ended,) = superuser.execute(ENDED, [place.pk]).fetchall()
    assert abs(ended["ago"]) < 300


@pytest.mark.parametrize("offset", ["-1d", "+1d"])
def test_a_link_to_choose_a_password_is_as_old_as_it_is(offset, committed, web_at, cast):
    link = password_link(cast.ana.user, "http://vigil.example/")
    server = web_at(offset)
    address = link.replace("http://vigil.example", server.url)
    assert httpx.get(address, verify=NOBODY).status_code == 200


@pytest.mark.parametrize("offset", ["-1d", "+1d"])
def test_a_session_that_begins_a_day_off_begins_now(offset, committed, web_at, cast, superuser):
    # The tests' own hasher is a quick one, which a server does not know.
    hashed = PBKDF2PasswordHasher().encode(PASSWORD, "salt of a test")
    superuser.execute("UPDATE users SET password = %s WHERE id = %s", [hashed, cast.ana.user.pk])
    server = web_at(offset)
    with httpx.Client(base_url=server.url, verify=NOBODY, timeout=30) as door:
        door.cookies.set(settings.CSRF_COOKIE_NAME, TOKEN)
        answer = door.post(
            "/sign-in/",
            data={"username": cast.ana.user.email, "password": PASSWORD},
            headers={"X-CSRFToken": TOKEN},
        )
        assert answer.status_code == 302
        assert door.get("/account/").status_code == 200
    (begun,) = superuser.execute(BEGUN, [cast.ana.user.pk]).fetchall()
    assert all(off < 300 for off in begun.values())
