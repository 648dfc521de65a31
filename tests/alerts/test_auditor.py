"""The auditor finds what is wrong with the alerting itself, and tells it by a way of its own."""

import asyncio
import http.server
import threading
from datetime import timedelta

import psycopg
import pytest
from django.core import mail
from django.db import connections
from django.utils import timezone

from alerts.auditor import beat, look, tell
from alerts.models import AuditorAlarm, Judgement
from notifications.models import Kind, Notification
from portal.mail import NO_SERVER
from portal.operations import guard, health, measures
from portal.operations.models import Finding
from realtime.engine_connection import connect
from tests.triggers import switched_off


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


@pytest.fixture
def counted_before(committed):
    """`counted_before(seconds=61)`: as if the numbers had been written so long ago."""

    def counted_before(seconds):
        with connections["owner"].cursor() as owner:
            owner.execute(
                "UPDATE auditor_alarms SET counted_at = counted_at - make_interval(secs => %s)",
                [seconds],
            )

    return counted_before


def test_a_growing_number_is_written_once_a_minute(
    committed, works, waiting, audited, counted_before, system
):
    """Or every open page of staff would ask for its bar anew at each look."""

    def number():
        audited()
        with system():
            return AuditorAlarm.objects.get().number

    works()
    waiting(10)
    assert number() == 10
    waiting(1)
    assert number() == 10
    counted_before(seconds=50)
    assert number() == 10
    counted_before(seconds=10)
    assert number() == 11
    waiting(11)  # twice as many: at once
    assert number() == 22


def test_a_number_that_is_due_to_be_told_is_written_first_and_only_once(
    committed, works, waiting, audited, settings, system
):
    works()
    waiting(3)
    audited()
    waiting(2)
    with connections["owner"].cursor() as owner:
        owner.execute("UPDATE auditor_alarms SET number = 5")
    settings.EMAIL_BACKEND = NO_SERVER
    waiting(1)  # twice what was told
    audited()
    waiting(1)  # which it was before
    audited()
    with system():
        alarm = AuditorAlarm.objects.get()
    assert (alarm.number, alarm.told_number) == (6, 3)


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
