"""The guard: what is wrong is found, told once, and ends; what it heals is on record."""

import asyncio
import signal
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connections
from django.utils import timezone

from notifications.models import Kind, Notification
from portal.models import AuditEntry
from portal.operations import guard, healing, health, jobs, measures, sampling
from portal.operations.measures import HubMeasures, StreamMeasures
from portal.operations.models import Finding, Grain, HubSample
from portal.operations.sampling import SampledLifespan, keep_hub
from portal.tenancy import acting_for
from realtime.tally import Totals
from tests.waiting import wait_until

FLOWING = StreamMeasures(0.4, 7, 900, 0, 0.0, 0, 0.0)
SECOND = timedelta(seconds=1)


def hub(seconds=0.02, deliveries=0, sockets=40, **changed):
    totals = Totals(**changed)
    for _ in range(deliveries):
        totals.delivery.add(seconds)
    return HubMeasures(
        sockets=sockets, channels=sockets, by_organization={}, unsent_bytes=0, position=900,
        is_fresh=True, bus_is_down=False, totals=totals, hour=Totals(), lately=Totals(),
        usual_sockets=None,
    )  # fmt: skip


@pytest.fixture
def watch(db, monkeypatch):
    """`watch.look(after=10 * SECOND)`: the guard looks, so much later than before.

    A web process is heard just before, unless `is_heard` says otherwise.
    """
    watch = SimpleNamespace(now=timezone.now(), stream=FLOWING)
    monkeypatch.setattr(measures, "of_stream", lambda: watch.stream)

    def look(after=10 * SECOND, is_heard=True, **changed):
        watch.now += after
        if is_heard:
            keep_hub(hub(), watch.now, Grain.FINE, run="web")
        if changed:
            watch.stream = StreamMeasures(**(vars(FLOWING) | changed))
        return guard.look(watch.now)

    watch.look = look
    return watch


def findings():
    with acting_for(None, system=True):
        return list(Finding.objects.order_by("began_at"))


def alarms(person):
    with acting_for(person.organization.pk, system=True):
        return Notification.objects.filter(user=person.user, kind=Kind.ALARM).count()


def test_slow_delivery_is_found_with_the_numbers_that_decided(watch):
    keep_hub(hub(), watch.now - 60 * SECOND, Grain.MINUTE)
    keep_hub(hub(seconds=1.5, deliveries=100), watch.now, Grain.FINE)
    [found] = watch.look()
    assert found.reason == "99th percentile of delivery 2 s over five minutes; bound 1 s"


def test_administrators_of_every_organization_are_told_once(watch, admin, other_admin, ada):
    watch.look(dead_letters=1)
    watch.look()
    assert [alarms(who) for who in (admin, other_admin, ada)] == [1, 1, 0]
    assert findings()[0].told_at


def test_a_new_leader_that_looks_again_tells_nobody_twice(watch, admin):
    watch.look(dead_letters=1)
    with acting_for(None, system=True):
        # As if the leader had died between telling and remembering that it did.
        Finding.objects.update(told_at=None)
    watch.look()
    assert alarms(admin) == 1


def test_what_lasts_a_moment_is_not_told(watch, admin):
    watch.look(oldest_waiting=3.0)
    watch.look(oldest_waiting=0.0)
    assert findings() == []
    assert alarms(admin) == 0


def test_what_lasts_is_told_and_ends_when_it_is_clearly_over(watch, admin):
    watch.look(oldest_waiting=3.0)
    watch.look()
    [found] = watch.look()
    assert found.reason == "The oldest change waits in the inbox for 3 s for 20 s; bound 2 s"
    assert found.is_critical
    # Just below its bound, and a moment of rest: the same finding goes on.
    watch.look(oldest_waiting=1.9)
    watch.look(oldest_waiting=0.0)
    watch.look(oldest_waiting=3.0)
    assert [each.ended_at for each in findings()] == [None]
    watch.look(oldest_waiting=0.0)
    assert watch.look(after=3 * 60 * SECOND) == []
    assert [each.ended_at for each in findings()] == [watch.now]
    assert alarms(admin) == 1


def test_what_comes_again_is_a_finding_of_its_own(watch, admin):
    watch.look(dead_letters=1)
    watch.look(dead_letters=0)
    watch.look(dead_letters=2)
    assert [bool(each.ended_at) for each in findings()] == [True, False]
    assert alarms(admin) == 2


def test_a_process_that_hangs_is_told_once_and_ends_when_it_speaks_again(watch, admin):
    keep_hub(hub(), watch.now, Grain.FINE, run="hangs")
    for _ in range(9):
        assert watch.look() == []
    # Thirty seconds make it silent, and then it lasted for a minute.
    [found] = watch.look()
    assert (
        found.reason == "Web processes that hang, or ended without a goodbye: 1 for 60 s; bound 0"
    )
    watch.look()
    assert alarms(admin) == 1
    keep_hub(hub(), watch.now, Grain.FINE, run="hangs")
    watch.look()
    keep_hub(hub(), watch.now + 2 * 60 * SECOND, Grain.FINE, run="hangs")
    assert watch.look(after=2 * 60 * SECOND) == []


def test_a_process_that_said_goodbye_is_not_missed(watch, admin):
    """A rolling restart: it drains and ends, another run takes its place."""
    keep_hub(hub(), watch.now, Grain.FINE, run="drained")
    keep_hub(hub(), watch.now + SECOND, Grain.COARSE, run="drained", is_last=True)
    for _ in range(30):
        assert watch.look() == []
    assert findings() == []


def test_without_any_web_process_administrators_are_told(watch, admin):
    watch.look()
    for _ in range(9):
        assert watch.look(is_heard=False) == []
    # It was silent itself after thirty seconds, and told of together with its being alone.
    told = {found.rule for found in watch.look(is_heard=False)}
    assert told == {health.NO_HUB.name, health.SILENT.name}
    assert alarms(admin) == 2


@pytest.mark.parametrize(
    ("lately", "rule"),
    [
        ({"turned_away": Counter({503: 400, 429: 1})}, health.TURNED_AWAY),
        ({"polls": Counter({200: 400})}, health.POLLING),
    ],
)
def test_sockets_that_nobody_gets_are_told(watch, admin, lately, rule):
    """They are refused all the time, forty looks long."""
    counted = hub(**{name: Counter() for name in lately})
    for number in range(41):
        for name, counter in lately.items():
            grown = Counter({key: count * number // 40 for key, count in counter.items()})
            setattr(counted.totals, name, grown)
        keep_hub(counted, watch.now + 10 * SECOND, Grain.FINE, run="crowded")
        watch.look()
    assert [found.rule for found in findings()] == [rule.name]
    assert alarms(admin) == 1


@pytest.mark.parametrize(
    ("burst", "what"),
    [
        ({"turned_away": Counter({503: 400}), "opened": 400}, "all pages came back at once"),
        ({"turned_away": Counter({401: 900}), "opened": 30}, "sessions that ended overnight"),
        ({"turned_away": Counter({401: 900, 403: 900})}, "a scanner"),
        ({}, "a quiet night"),
    ],
)
def test_what_passes_is_not_told(watch, admin, burst, what):
    keep_hub(hub(), watch.now, Grain.FINE, run="restarted")
    for _ in range(60):
        keep_hub(hub(**burst), watch.now + 10 * SECOND, Grain.FINE, run="restarted")
        assert watch.look() == [], what
    assert alarms(admin) == 0


def test_only_one_guard_looks_at_a_time(watch, superuser):
    superuser.execute("SELECT pg_advisory_lock(%s, %s)", list(guard._LOCK))
    try:
        assert watch.look(dead_letters=1) == []
    finally:
        superuser.execute("SELECT pg_advisory_unlock(%s, %s)", list(guard._LOCK))
    assert findings() == []


@pytest.mark.parametrize("age", [None, 11.0])
def test_without_a_relay_the_worker_looks_and_tells(watch, admin, ada, age):
    watch.stream = replace(FLOWING, beat_age=age)
    keep_hub(hub(), timezone.now(), Grain.FINE, run="web")
    for minute in range(2):
        jobs.stand_in_for_the_guard(timestamp=minute)
    assert [found.rule for found in findings()] == [health.BEAT.name]
    assert [alarms(who) for who in (admin, ada)] == [1, 0]
    # The guard, back with the next leader, goes on with the same finding.
    watch.stream = FLOWING
    watch.look(after=3 * 60 * SECOND)
    assert watch.look(after=3 * 60 * SECOND) == []
    assert alarms(admin) == 1


@pytest.mark.parametrize("stream", [replace(FLOWING, dead_letters=1), None])
def test_the_worker_leaves_looking_to_a_relay_that_leads(watch, admin, stream):
    watch.stream = stream
    jobs.stand_in_for_the_guard(timestamp=0)
    assert findings() == []
    assert alarms(admin) == 0


def test_every_rule_judges_a_measure_by_one_of_its_bounds():
    names = Counter(rule.name for rule in guard.RULES)
    assert set(names.values()) == {1}
    for rule in guard.RULES:
        assert rule.bound in (rule.measure.yellow, rule.measure.red)
        assert rule.measure in vars(health).values()


# Healing --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("committed", "log")
def test_a_session_that_holds_the_full_queue_is_ended_and_that_is_on_record(
    connect, superuser, admin, other_admin, monkeypatch
):
    """A program of ours listens, begins a transaction and forgets it; somebody else works on."""
    stuck, busy = connect("application"), connect("application")
    stuck.execute("LISTEN something")
    stuck.execute("BEGIN")
    stuck.execute("SELECT 1")
    for _ in range(40):
        superuser.execute(
            "SELECT pg_notify('something', n || repeat('x', 7900)) FROM generate_series(1, 500) n"
        )
    monkeypatch.setattr(health, "NOTIFY_QUEUE", health.Measure("notify queue", "", 1e-4, 0.5))
    usage = superuser.execute("SELECT pg_notification_queue_usage() AS usage").fetchone()["usage"]
    assert usage > 1e-4
    full = StreamMeasures(**(vars(FLOWING) | {"notify_queue": usage}))

    assert healing.heal(full) == 0, "it has only just begun"
    assert healing.heal(full, stale_after=timedelta(0)) == 1
    wait_until(
        lambda: (
            superuser.execute("SELECT pg_notification_queue_usage() AS usage").fetchone()["usage"]
            < 1e-4
        )
    )
    busy.execute("SELECT 1")

    assert healing.put_on_record() == 1
    assert healing.put_on_record() == 0
    for organization in (admin.organization, other_admin.organization):
        with acting_for(organization.pk, system=True):
            [entry] = AuditEntry.objects.filter(action=healing.MENDED)
        assert entry.detail["reason"] == "stale session"
        assert entry.detail["session"] == stuck.info.backend_pid
        assert entry.actor_id is None


@pytest.mark.usefixtures("committed")
def test_a_relay_that_hangs_is_ended_by_its_standby_and_that_is_on_record(
    log, relay_processes, relays, superuser, admin
):
    def epoch():
        return log.relay()["leader_epoch"]

    before = epoch()
    stuck = relay_processes()
    wait_until(lambda: epoch() > before)
    stuck.send_signal(signal.SIGSTOP)
    relays()

    assert healing.put_on_record() == 1
    with acting_for(admin.organization.pk, system=True):
        [entry] = AuditEntry.objects.filter(action=healing.MENDED)
    assert entry.detail["reason"] == "silent leader"
    assert entry.detail["seconds"] >= 2.0
    stuck.send_signal(signal.SIGCONT)


# Sampling -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("committed")
async def test_a_process_keeps_looks_from_its_start_to_its_end(monkeypatch):
    monkeypatch.setattr(measures, "of_hub", hub)
    monkeypatch.setattr(sampling, "_LAST_SECONDS", 60.0)
    to_server, sent = asyncio.Queue(), []

    async def server(scope, receive, send):
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})

    async def send(message):
        sent.append(message["type"])

    serving = asyncio.create_task(SampledLifespan(server)({}, to_server.get, send))
    await to_server.put({"type": "lifespan.startup"})
    first = await asyncio.to_thread(wait_until, kept)
    assert [each.is_last for each in first] == [False]
    await to_server.put({"type": "lifespan.shutdown"})
    await serving
    assert sent == ["lifespan.startup.complete"]
    assert [each.is_last for each in await asyncio.to_thread(kept)] == [False, True]


def kept():
    try:
        with acting_for(None, system=True):
            return list(HubSample.objects.order_by("at"))
    finally:
        # Of the thread that asks.
        connections.close_all()
