"""What machines watch: who may, what is counted of real sockets, and how it is judged."""

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.utils import timezone
from websockets.exceptions import InvalidStatus

from portal.operations import health, history, measures, sampling
from portal.operations.measures import HubMeasures, StreamMeasures
from realtime import polling
from realtime.tally import Totals
from tests.realtime.reading.conftest import (  # noqa: F401 - fixtures are asked for by name
    cookie_of,
    inbox,
    running,
    server,
    wire,
)
from tests.realtime.reading.wire import Wire
from tests.waiting import wait_until

VITALS = {"table": "vital_signs"}


def metrics(client):
    """What is counted, by name with its labels."""
    answer = client.get("/metrics")
    assert answer["Content-Type"].startswith("text/plain")
    lines = answer.content.decode().splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


# Who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/metrics", "/health/realtime"])
@pytest.mark.parametrize(
    ("request_as", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "10.0.0.9"}, 404),
        ({"REMOTE_ADDR": ""}, 404),
        # A proxy on this machine: whoever asked it is elsewhere.
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 404),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_HOST": "portal.example"}, 404),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=10.0.0.9"}, 404),
        ({"REMOTE_ADDR": "10.0.0.9", "HTTP_AUTHORIZATION": "Bearer the right one"}, 200),
        ({"REMOTE_ADDR": "10.0.0.9", "HTTP_AUTHORIZATION": "Bearer another"}, 404),
        ({"REMOTE_ADDR": "10.0.0.9", "HTTP_AUTHORIZATION": "Bearer "}, 404),
        # Whoever shows a token is judged by it, wherever they are.
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_AUTHORIZATION": "Bearer another"}, 404),
    ],
)
def test_only_watchers_are_answered(client, settings, db, monkeypatch, path, request_as, status):
    # Whether all is well is not the question here.
    monkeypatch.setattr(health, "judged", lambda hub, stream, silent: (health.GREEN, []))
    monkeypatch.setattr(measures, "of_stream", lambda: None)
    settings.METRICS_TOKEN = "the right one"
    assert client.get(path, **request_as).status_code == status


def test_without_a_token_nobody_elsewhere_has_one(client, settings, db):
    settings.METRICS_TOKEN = ""
    for header in ("Bearer ", "Bearer None", "Bearer"):
        answer = client.get("/metrics", REMOTE_ADDR="10.0.0.9", HTTP_AUTHORIZATION=header)
        assert answer.status_code == 404


# What is counted ------------------------------------------------------------------------------


def test_a_socket_its_channel_and_its_events_are_counted(server, wire, inbox, ada, clinic, client):  # noqa: F811
    before = metrics(client)
    socket = wire(ada)
    socket.live(VITALS)
    inbox.put([f"care:{ada.organization.pk}"], organization=clinic.pk)
    now = metrics(client)
    grown = {name: value - before.get(name, 0) for name, value in now.items()}
    assert now["vigil_hub_up"] == now["vigil_stream_up"] == now["vigil_bus_up"] == 1
    assert now["vigil_sockets"] == now["vigil_channels"] == 1
    assert now[f'vigil_organization_sockets{{organization="{clinic.pk}"}}'] == 1
    assert grown["vigil_sockets_opened_total"] == grown["vigil_joins_total"] == 1
    assert grown["vigil_opening_seconds_count"] == 1
    assert grown["vigil_frames_received_total"] >= 1
    assert grown["vigil_frames_sent_total"] >= 2
    wait_until(
        lambda: (
            metrics(client)["vigil_delivery_seconds_count"] > before["vigil_delivery_seconds_count"]
        )
    )
    socket.close()
    closed = 'vigil_sockets_closed_total{code="1000"}'
    wait_until(lambda: metrics(client).get(closed, 0) == before.get(closed, 0) + 1)
    assert metrics(client)["vigil_sockets"] == 0


def test_what_is_refused_is_counted_by_its_reason(server, wire, ada, client):  # noqa: F811
    before = metrics(client)
    with pytest.raises(InvalidStatus):
        Wire(server, None)
    wire(ada).join({"table": "no_such_table"}, expect="error")
    grown = {
        name: value - before.get(name, 0)
        for name, value in metrics(client).items()
        if value != before.get(name, 0)
    }
    assert grown['vigil_handshakes_refused_total{status="401"}'] == 1
    reasons = [name for name in grown if name.startswith("vigil_joins_refused_total")]
    assert len(reasons) == 1
    assert re.fullmatch(r'vigil_joins_refused_total\{reason="\w+"\}', reasons[0])


def test_polls_are_counted_by_their_status_and_stand_for_the_time_until_the_next(
    server,  # noqa: F811
    client,
    client_for,
    ana,
    settings,
):
    def counted(status):
        return metrics(client).get(f'vigil_polls_total{{status="{status}"}}', 0)

    def poll():
        body = {"cursor": ":0", "bindings": []}
        answer = client_for(ana).post("/realtime/changes", body, content_type="application/json")
        return answer.status_code

    before = {status: counted(status) for status in (200, 429)}
    assert poll() == 200
    wait_until(lambda: counted(200) == before[200] + 1)
    settings.REALTIME_LIMITS = {"polls_per_user": 0}
    assert poll() == 429
    wait_until(lambda: counted(429) == before[429] + 1)
    script = Path(__file__).parents[2] / "static" / "js" / "realtime" / "connection.js"
    assert f"poll: {polling.EVERY_SECONDS:.0f}_000," in script.read_text()


def test_what_is_counted_is_about_nobody(server, wire, ada, client, cast):  # noqa: F811
    wire(ada).live(VITALS)
    text = client.get("/metrics").content.decode() + client.get("/health/realtime").content.decode()
    for word in ("Ana", "Ada", ada.user.email, str(ada.user.pk), str(cast.ana.patient.pk)):
        assert word not in text


def test_health_judges_a_process_that_works(server, wire, ada, client):  # noqa: F811
    wire(ada).live(VITALS)
    answer = wait_until(
        lambda: (found := client.get("/health/realtime")).json()["status"] == "green" and found
    )
    assert answer.status_code == 200
    assert answer.json()["sockets"] == 1
    assert answer["Cache-Control"] == "no-store"


def test_a_red_process_still_answers(client, db, monkeypatch):
    """No hub runs in a test: red. A balancer must not take it for a process that is gone."""
    monkeypatch.setattr(measures, "of_stream", lambda: None)
    monkeypatch.setattr(measures, "running", lambda: None)
    answer = client.get("/health/realtime")
    assert (answer.status_code, answer.json()["status"]) == (200, "red")


# How it is judged -----------------------------------------------------------------------------

WELL = HubMeasures(
    sockets=40, channels=40, by_organization={}, unsent_bytes=0, position=9, is_fresh=True,
    bus_is_down=False, totals=Totals(), hour=Totals(), lately=Totals(), usual_sockets=40.0,
)  # fmt: skip
FLOWING = StreamMeasures(0.4, 1, 9, 0, 0.0, 0, 0.0)


def spread(seconds, count=100):
    totals = Totals()
    for _ in range(count):
        totals.delivery.add(seconds)
        totals.opening.add(seconds)
    return totals


def opened(seconds, count=100):
    """So many sockets that took so long to open."""
    totals = Totals(opened=count)
    for _ in range(count):
        totals.opening.add(seconds)
    return totals


def judged(hub=WELL, stream=FLOWING, silent=0):
    """The state, and the names of what is not green."""
    state, checks = health.judged(hub, stream, silent)
    return state, {check.name for check in checks if check.state != health.GREEN}


def test_all_well_is_green():
    assert judged() == ("green", set())


@pytest.mark.parametrize(
    ("changed", "state", "what"),
    [
        ({"hour": spread(0.9)}, "yellow", "delivery, 95th percentile"),
        ({"hour": spread(4)}, "red", "delivery, 95th percentile"),
        ({"hour": spread(4)}, "yellow", "opening a socket, 95th percentile"),
        ({"hour": spread(6)}, "red", "opening a socket, 95th percentile"),
        ({"lately": spread(1.5)}, "yellow", "delivery, 99th percentile, five minutes"),
        ({"hour": Totals(watched=1000, fresh=985)}, "yellow", "seconds with everything delivered"),
        ({"hour": Totals(watched=1000, fresh=900)}, "red", "seconds with everything delivered"),
        ({"hour": Totals(joined=98, refused={"a": 2})}, "yellow", "refused subscriptions"),
        ({"hour": Totals(joined=90, refused={"a": 10})}, "red", "refused subscriptions"),
        (
            {"hour": Totals(socket_seconds=36_000, closed={1006: 20, 1001: 900})},
            "yellow",
            "lost sockets, each socket and hour",
        ),
        (
            {"hour": Totals(socket_seconds=36_000, closed={4008: 60})},
            "red",
            "lost sockets, each socket and hour",
        ),
        (
            {"lately": Totals(pages_turned_away=11)},
            "yellow",
            "pages that got no turn, five minutes",
        ),
        ({"sockets": 90}, "yellow", "sockets against the usual number"),
        ({"is_fresh": False}, "red", "hub is behind the log"),
        ({"bus_is_down": True}, "yellow", "bus is down"),
    ],
)
def test_a_measure_beyond_its_bounds_is_told(changed, state, what):
    _, checks = health.judged(replace(WELL, **changed), FLOWING, 0)
    assert [check.state for check in checks if check.name == what] == [state]


@pytest.mark.parametrize(
    ("lately", "state"),
    [
        (Totals(opened=99, turned_away={503: 1}), "green"),
        (Totals(opened=98, turned_away={503: 2}), "yellow"),
        (Totals(opened=95, turned_away={429: 2, 500: 1, 503: 2}), "yellow"),
        (Totals(opened=94, turned_away={429: 2, 500: 2, 503: 2}), "red"),
        (Totals(turned_away={503: 20}), "red"),
        # Of fewer than twenty a share says nothing.
        (Totals(turned_away={503: 19}), "green"),
        # Sessions that ran out overnight, and a scanner: they are let in nowhere, and rightly.
        (Totals(opened=20, turned_away={401: 500, 403: 500, 400: 500}), "green"),
    ],
)
def test_handshakes_that_we_refuse_are_told(lately, state):
    lately.turned_away = Counter(lately.turned_away)
    found, names = judged(replace(WELL, lately=lately))
    assert (found, names) == (state, {health.TURNED_AWAY.name} if names else set())


@pytest.mark.parametrize(
    ("hour", "state"),
    [
        # A morning: each page knocks two or three times, then its person signs in.
        ({"opened": 200, "turned_away": {401: 500}}, "green"),
        ({"opened": 10, "turned_away": {401: 60, 403: 30}}, "green"),
        ({"opened": 10, "turned_away": {401: 60, 403: 31}}, "yellow"),
        ({"opened": 0, "turned_away": {401: 99}}, "green"),
        ({"opened": 0, "turned_away": {401: 100}}, "yellow"),
    ],
)
def test_a_site_that_lets_nobody_in_is_looked_at(hour, state):
    hour = Totals(opened=hour["opened"], turned_away=Counter(hour["turned_away"]))
    found, names = judged(replace(WELL, hour=hour))
    assert (found, names) == (state, {health.STRANGERS.name} if names else set())


@pytest.mark.parametrize(
    ("polls", "socket_seconds", "state"),
    [
        # A poll stands for five seconds of a page.
        (240, 10_800, "green"),
        (241, 10_800, "yellow"),
        (240, 1_200, "yellow"),
        (241, 1_200, "red"),
        # Every socket is refused, by whoever on the way: nothing is open, everybody asks.
        (240, 0, "red"),
        # Three pages in a night on a line that lets no socket through.
        (239, 0, "green"),
        (0, 0, "green"),
    ],
)
def test_pages_that_get_no_socket_are_told(polls, socket_seconds, state):
    lately = Totals(polls=Counter({200: polls}), socket_seconds=socket_seconds)
    found, names = judged(replace(WELL, lately=lately))
    assert (found, names) == (state, {health.POLLING.name} if names else set())


@pytest.mark.parametrize(
    ("lately", "state"),
    [
        (opened(2), "green"),
        (opened(2.1), "yellow"),
        (opened(5.1), "red"),
        (opened(60, count=19), "green"),
        (opened(60, count=20), "red"),
    ],
)
def test_sockets_that_open_slowly_now_are_told(lately, state):
    found, names = judged(replace(WELL, lately=lately))
    assert (found, names) == (state, {health.OPENING_LATELY.name} if names else set())


@pytest.mark.parametrize(("silent", "state"), [(None, "green"), (0, "green"), (1, "yellow")])
def test_processes_that_fell_silent_are_told(silent, state):
    assert judged(silent=silent) == (state, {health.SILENT.name} if silent else set())


@pytest.mark.usefixtures("committed")
def test_the_others_tell_of_a_process_that_hangs(client, monkeypatch):
    monkeypatch.setattr(measures, "of_stream", lambda: FLOWING)
    now = timezone.now()

    def told():
        checks = client.get("/health/realtime").json()["checks"]
        return [check["value"] for check in checks if check["name"] == health.SILENT.name]

    sampling.keep_hub(WELL, now, sampling.Grain.FINE, run="lives")
    sampling.keep_hub(WELL, now - timedelta(minutes=5), sampling.Grain.FINE, run="hangs")
    assert told() == [1]
    sampling.keep_hub(WELL, now, sampling.Grain.FINE, run="hangs", is_last=True)
    assert told() == [0]


def test_without_the_database_health_answers_all_the_same(client, db, monkeypatch):
    def away(now):
        raise OperationalError

    monkeypatch.setattr(measures, "of_stream", lambda: None)
    monkeypatch.setattr(history, "silent", away)
    answer = client.get("/health/realtime")
    assert (answer.status_code, answer.json()["status"]) == (200, "red")


@pytest.mark.parametrize(
    ("changed", "state", "what"),
    [
        ({"beat_age": 4.0}, "yellow", "relay's last sign of life"),
        ({"beat_age": 30.0}, "red", "relay's last sign of life"),
        ({"beat_age": None}, "red", "relay's last sign of life"),
        ({"oldest_waiting": 1.0}, "yellow", "oldest change in the inbox"),
        ({"oldest_waiting": 3.0}, "red", "oldest change in the inbox"),
        ({"dead_letters": 1}, "yellow", "dead letters"),
        ({"notify_queue": 0.02}, "yellow", "notify queue"),
        ({"notify_queue": 0.6}, "red", "notify queue"),
        ({"untold_alarms": 1}, "red", "alarms that nobody was told of"),
    ],
)
def test_the_stream_beyond_its_bounds_is_told(changed, state, what):
    assert judged(stream=replace(FLOWING, **changed)) == (state, {what})


def test_a_share_of_few_says_nothing():
    few = Totals(joined=1, refused={"a": 1}, watched=10, fresh=1, socket_seconds=100)
    assert judged(replace(WELL, hour=few)) == ("green", set())


def test_a_process_without_a_hub_or_without_its_database_is_red():
    assert judged(hub=None) == ("red", {"hub does not answer"})
    assert judged(stream=None) == ("red", {"stream cannot be read"})
