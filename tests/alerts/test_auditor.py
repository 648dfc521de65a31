"""The auditor finds what is wrong with the alerting itself, and tells it by a way of its own."""

import asyncio
import http.server
import threading
import time
from datetime import timedelta

import psycopg
import pytest
from django.core import mail
from django.db import connections
from django.utils import timezone

from alerts import auditor
from alerts.auditor import beat, look, tell
from alerts.models import AuditorAlarm, Judgement
from notifications.models import Kind, Notification
from portal.mail import NO_SERVER
from portal.operations import guard, health, measures
from portal.operations.models import Finding
from realtime.engine_connection import connect
from tests.notifications.servers import holding_server
from tests.realtime.conftest import RelayThread
from tests.triggers import switched_off
from tests.waiting import wait_until


@pytest.fixture
def works():
    """A worker that lives: `works(61)` one whose last sign of life is 61 seconds old."""

    def works(seconds=0):
        with connections["owner"].cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_workers")
            cursor.execute(
                "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)",
                [timezone.now() - timedelta(seconds=seconds)],
            )

    yield works
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")


@pytest.fixture
def audited():
    def audited():
        async def once():
            async with await connect("auditor") as connection:
                found = await look(connection)
                await tell(connection)
                await beat()
                return found

        return asyncio.run(once())

    return audited


@pytest.fixture
def kinds(system):
    """The alarms of Harbour Clinic that are open."""

    def kinds():
        with system():
            return sorted(AuditorAlarm.objects.filter(ended_at=None).values_list("kind", flat=True))

    return kinds


def test_all_is_well(committed, works, alert, audited, kinds):
    works()
    assert audited() == 0
    assert kinds() == []
    assert mail.outbox == []


def test_a_step_a_minute_late_raises_the_auditors_own_alarm(
    committed, works, alert, audited, kinds, pass_minutes, system
):
    works()
    pass_minutes(alert, 5.9)
    assert audited() == 0
    pass_minutes(alert, 0.2)
    assert audited() == 1
    assert kinds() == ["step_late"]
    with system():
        alarm = AuditorAlarm.objects.get()
    assert (alarm.number, alarm.told_at is None) == (1, False)


def test_administrators_are_told_once_and_nothing_clinical(
    committed, works, alert, audited, pass_minutes, admin
):
    works()
    pass_minutes(alert, 10)
    for _ in range(3):
        audited()
    (letter,) = mail.outbox
    assert letter.to == [admin.user.email]
    for secret in ("Ana", "4471", "Potassium", "6.4"):
        assert secret not in letter.body + letter.subject


@pytest.fixture
def waiting(arrives, ana, system):
    """`waiting(5)`: so many more readings have waited for a minute to be judged."""

    def waiting(number):
        for _ in range(number):
            arrives(ana, "4.0")
        with system():
            Judgement.objects.update(queued_at=timezone.now() - timedelta(seconds=61))

    return waiting


@pytest.fixture
def told_before(committed):
    """`told_before(minutes=61)`: as if the last e-mail had been so long ago."""

    def told_before(minutes):
        with connections["owner"].cursor() as owner:
            owner.execute(
                "UPDATE auditor_alarms SET told_at = told_at - make_interval(mins => %s)", [minutes]
            )

    return told_before


def test_an_old_alarm_does_not_hide_a_new_backlog(committed, works, waiting, audited, admin):
    works()
    waiting(1)  # one that can never be judged, say
    audited()
    assert len(mail.outbox) == 1
    waiting(9)
    audited()
    audited()
    assert [letter.to for letter in mail.outbox] == [[admin.user.email]] * 2
    assert "10" in mail.outbox[1].body


def test_a_little_more_of_the_same_is_not_told_again(committed, works, waiting, audited):
    works()
    waiting(10)
    audited()
    waiting(9)
    audited()
    assert len(mail.outbox) == 1
    waiting(1)  # twice as many
    audited()
    assert len(mail.outbox) == 2


def test_what_lasts_is_told_each_hour(committed, works, waiting, audited, told_before):
    works()
    waiting(1)
    audited()
    told_before(minutes=59)
    audited()
    assert len(mail.outbox) == 1
    told_before(minutes=1)
    for _ in range(3):
        audited()
    assert len(mail.outbox) == 2


def test_an_alarm_ends_when_its_cause_does(
    committed, works, alert, audited, kinds, pass_minutes, clinic
):
    from alerts.steps import take_due

    works()
    pass_minutes(alert, 10)
    audited()
    take_due(clinic.pk)
    assert audited() == 0
    assert kinds() == []


def test_a_worker_without_a_sign_of_life(committed, works, audited, kinds, admin, other_admin):
    works(61)
    assert audited() == 2
    assert kinds() == ["worker_silent"]
    assert sorted(letter.to[0] for letter in mail.outbox) == sorted(
        [admin.user.email, other_admin.user.email]
    )


def test_readings_that_nobody_judges(committed, works, arrives, ana, audited, kinds, system):
    works()
    arrives(ana, "4.0")
    assert audited() == 0
    with system():
        Judgement.objects.update(queued_at=timezone.now() - timedelta(seconds=61))
    assert audited() == 1
    assert kinds() == ["unjudged"]


def test_a_critical_alert_without_a_next_step_is_found_even_if_no_constraint_kept_it(
    committed, works, alert, audited, kinds
):
    works()
    with connections["owner"].cursor() as owner, switched_off(owner, "alert_steps"):
        owner.execute(
            "UPDATE alert_steps SET cancelled_at = now() WHERE done_at IS NULL RETURNING id"
        )
    audited()
    assert kinds() == ["no_next_step"]


def test_what_could_not_be_mailed_is_mailed_at_the_next_look(
    committed, works, alert, audited, pass_minutes, system, settings
):
    works()
    pass_minutes(alert, 10)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    audited()
    with system():
        assert AuditorAlarm.objects.get().told_at is None
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    audited()
    with system():
        assert AuditorAlarm.objects.get().told_at is not None


@pytest.fixture
def untold():
    """How many alarms nobody was told of, as /health/realtime and the guard have it."""

    def untold():
        (check,) = [
            each
            for each in health.judged(None, measures.of_stream(), 0)[1]
            if each.name == health.UNTOLD.name
        ]
        assert (check.state == health.RED) is bool(check.value)
        return check.value

    return untold


@pytest.fixture
def found_before(committed):
    """`found_before(seconds=61)`: as if the alarms had been found so long ago."""

    def found_before(seconds):
        with connections["owner"].cursor() as owner:
            owner.execute(
                "UPDATE auditor_alarms SET found_at = found_at - make_interval(secs => %s)",
                [seconds],
            )

    return found_before


@pytest.mark.parametrize("lacks", ["a mail server", "an administrator"])
def test_an_alarm_that_nobody_can_be_told_of_is_not_told_and_is_seen(
    committed, works, alert, audited, pass_minutes, system, settings, admin, caplog, capfd,
    lacks, untold, found_before,
):  # fmt: skip
    works()
    pass_minutes(alert, 10)
    if lacks == "a mail server":
        settings.EMAIL_BACKEND = NO_SERVER
    else:
        with connections["owner"].cursor() as owner:
            owner.execute("UPDATE users SET is_active = false WHERE id = %s", [admin.user.pk])
    audited()
    assert "Nobody can be told of it" in caplog.text
    assert "Vigil needs you now" not in capfd.readouterr().out
    with system():
        assert AuditorAlarm.objects.get().told_at is None
    assert untold() == 0  # the e-mail may still be on its way
    found_before(seconds=61)
    assert untold() == 1
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with connections["owner"].cursor() as owner:
        owner.execute("UPDATE users SET is_active = true WHERE id = %s", [admin.user.pk])
    audited()
    assert untold() == 0


def test_the_guard_tells_of_it_by_every_way_there_is(
    committed, works, alert, audited, pass_minutes, system, settings, admin, found_before
):
    works()
    pass_minutes(alert, 10)
    settings.EMAIL_BACKEND = NO_SERVER
    audited()
    found_before(seconds=61)
    guard.look(timezone.now())
    with system():
        finding = Finding.objects.get(rule=health.UNTOLD.name)
        told = Notification.objects.get(user=admin.user, subject_id=finding.pk)
    assert (told.kind, told.is_important) == (Kind.ALARM, True)


def test_each_look_is_told_to_the_dead_mans_switch(committed, works, audited, settings):
    works()
    heard = []

    class Switch(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Switch) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.HEARTBEAT_URL = f"http://127.0.0.1:{server.server_port}/vigil"
        audited()
        audited()
        server.shutdown()
    assert heard == ["/vigil", "/vigil"]


def test_only_the_engine_audits_and_it_reads_no_alert(committed, alert, database_urls):
    with psycopg.connect(database_urls.application, autocommit=True) as app:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("SELECT alerts_audit('1 s', '1 s')")
    with psycopg.connect(database_urls.engine, autocommit=True) as engine:
        for table in ("assessment_critical_alerts", "alert_steps", "auditor_alarms", "users"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                engine.execute(f"SELECT * FROM {table}")


@pytest.fixture
def relay():
    relay = RelayThread()
    yield relay
    relay.stop()


def test_the_auditor_looks_on_while_its_own_mail_hangs(
    committed, kinds, relay, settings, works, monkeypatch
):
    settings.EMAIL_BACKEND, settings.EMAIL_USE_TLS = "portal.mail.BoundedBackend", False
    # For longer than anybody here waits.
    settings.EMAIL_TIMEOUT = 600
    monkeypatch.setattr(auditor, "LOOK_EVERY_SECONDS", 0.2)
    looked_by = []

    async def seen(connection):
        looked_by.append(connection)
        return await look(connection)

    monkeypatch.setattr(auditor, "look", seen)
    with holding_server() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
        relay.start()
        wait_until(lambda: kinds() == ["worker_silent"])
        wait_until(lambda: server.lines)
        already = len(looked_by)
        wait_until(lambda: len(looked_by) > already + 2)
        works(-3600)
        wait_until(lambda: kinds() == [])
        # One by one: of each leader, should this one lose the lead on a busy machine.
        assert len(server.lines) <= len(set(map(id, looked_by)))


def test_the_auditor_looks_on_while_the_dead_mans_switch_hangs(
    committed, kinds, relay, settings, works, monkeypatch
):
    monkeypatch.setattr(auditor, "HEARTBEAT_SECONDS", 600)
    monkeypatch.setattr(auditor, "LOOK_EVERY_SECONDS", 0.2)
    with holding_server() as switch:
        settings.HEARTBEAT_URL = f"http://{switch.host}:{switch.port}/vigil"
        relay.start()
        wait_until(lambda: kinds() == ["worker_silent"])
        wait_until(lambda: switch.lines)
        works(-3600)
        wait_until(lambda: kinds() == [])


def test_the_auditor_runs_where_the_relay_leads(committed, works, kinds, relay):
    """And not in the worker: here there is none, which is what it finds."""
    relay.start()
    wait_until(lambda: kinds() == ["worker_silent"])


def test_whoever_takes_the_lead_looks_at_once(committed, kinds, relay, monkeypatch):
    monkeypatch.setattr(auditor, "LOOK_EVERY_SECONDS", 600)
    monkeypatch.setattr(auditor, "_process_began", time.monotonic() - 600)
    relay.start()
    wait_until(lambda: kinds() == ["worker_silent"])


def test_a_process_that_has_just_begun_gives_the_worker_time_to_begin(
    committed, works, kinds, relay, monkeypatch
):
    looks = []

    async def seen(connection):
        looks.append(time.monotonic())
        return await look(connection)

    monkeypatch.setattr(auditor, "look", seen)
    monkeypatch.setattr(auditor, "LOOK_EVERY_SECONDS", 2)
    began = time.monotonic()
    monkeypatch.setattr(auditor, "_process_began", began)
    relay.start()
    wait_until(lambda: looks)
    assert looks[0] >= began + 2
