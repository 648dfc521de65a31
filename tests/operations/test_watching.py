"""What machines watch: who may, what is counted of real sockets, and how it is judged."""

import re
from dataclasses import replace

import pytest
from websockets.exceptions import InvalidStatus

from portal.operations import health, measures
from portal.operations.measures import HubMeasures, StreamMeasures
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
    monkeypatch.setattr(health, "judged", lambda hub, stream: (health.GREEN, []))
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


def judged(hub=WELL, stream=FLOWING):
    """The state, and the names of what is not green."""
    state, checks = health.judged(hub, stream)
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
        ({"sockets": 90}, "yellow", "sockets against the usual number"),
        ({"is_fresh": False}, "red", "hub is behind the log"),
        ({"bus_is_down": True}, "yellow", "bus is down"),
    ],
)
def test_a_measure_beyond_its_bounds_is_told(changed, state, what):
    _, checks = health.judged(replace(WELL, **changed), FLOWING)
    assert [check.state for check in checks if check.name == what] == [state]


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
