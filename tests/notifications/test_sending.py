"""Deliveries: what is sent, once, to whom it is still wanted, whatever dies or happens between."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone
from procrastinate.contrib.django import app

from notifications import jobs, sending
from notifications.actions import cancel_sends, mark_all_read
from notifications.models import Channel, Choice, Delivery, Device, Kind, Wishes
from portal.models import AccessGrant, CareTeamMembership, Membership, User
from portal.tenancy import acting_for

Status = Delivery.Status
EMAIL, SMS, PUSH = Channel.EMAIL, Channel.SMS, Channel.WEB_PUSH


def states(rows):
    return [(row.status, row.reason) for row in rows]


def change(person, channel, **values):
    with acting_for(person.organization.pk, system=True):
        Delivery.objects.filter(user=person.user, channel=channel).update(**values)


def wish(person, **values):
    with acting_for(person.organization.pk, system=True):
        Wishes.objects.create(organization=person.organization, user=person.user, **values)


def work_off(*queues):
    """Do what waits in these queues, as a lane of the worker does."""
    with app.replace_connector(app.connector.get_worker_connector()) as worker:
        worker.run_worker(
            queues=list(queues),
            wait=False,
            listen_notify=False,
            install_signal_handlers=False,
        )


def deliver(person, channel=EMAIL):
    return sending.deliver(person.organization.pk, channel)


def test_telling_writes_a_row_for_each_channel_and_a_job_for_each_way_out(cast, told, log):
    told(cast.ada, cast.ana.patient)
    assert {channel: states(log(cast.ada, channel)) for channel in Channel} == {
        "in_app": [("sent", "")],
        "email": [("pending", "")],
        "web_push": [("pending", "")],
        "sms": [("pending", "")],
    }
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT args ->> 'channel', queue_name FROM procrastinate_jobs"
            " WHERE task_name = 'notifications.deliver' AND status = 'todo'"
        )
        # Each in the lane of its own: a way out that hangs keeps no other waiting.
        assert set(cursor.fetchall()) == {(each, each.value) for each in (EMAIL, SMS, PUSH)}


def test_it_is_sent_once_and_says_nothing(cast, told, log, postbox):
    told(cast.ada, cast.ana.patient)
    deliver(cast.ada)
    deliver(cast.ada)

    (mail,) = postbox.mails
    assert "Ana" not in mail.as_string()
    (row,) = log(cast.ada, EMAIL)
    assert (row.status, row.attempts) == (Status.SENT, 1)
    assert row.provider_id == mail["Message-ID"]


def test_two_workers_send_it_once(committed, cast, told, log, postbox):
    for person in (cast.ada, cast.noor):
        told(person, cast.ana.patient)

    def work():
        try:
            deliver(cast.ada)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as workers:
        for done in [workers.submit(work) for _ in range(4)]:
            done.result()
    assert len(postbox.mails) == 2


def test_who_has_read_it_is_not_told_elsewhere(cast, told, log, postbox, acting):
    told(cast.ada, cast.ana.patient)
    with acting(cast.ada):
        mark_all_read(by=cast.ada.reader)
    deliver(cast.ada)

    assert states(log(cast.ada, EMAIL)) == [("cancelled", "read")]
    assert [row.status for row in log(cast.ada, Channel.IN_APP)] == [Status.DELIVERED]
    assert postbox.mails == []


def test_what_is_answered_is_cancelled_for_everybody(cast, told, log, postbox, acting):
    alert = uuid4()
    for person in (cast.ada, cast.noor):
        told(person, cast.ana.patient, subject=alert, is_important=True)
    told(cast.ada, cast.ana.patient, is_important=True)
    with acting(cast.noor):
        assert cancel_sends(alert) == 6
    deliver(cast.ada)

    assert states(log(cast.ada, EMAIL)) == [("cancelled", "answered"), ("sent", "")]
    assert len(postbox.mails) == 1


def test_neither_a_patient_nor_another_clinic_cancels(cast, told, acting):
    alert = uuid4()
    told(cast.ada, cast.ana.patient, subject=alert)
    for person in (cast.ana, cast.olga):
        with acting(person):
            assert cancel_sends(alert) == 0


def test_an_answer_while_it_is_on_its_way_ends_the_tries(committed, cast, told, log, text_provider,
                                                         with_phone):  # fmt: skip
    """The provider holds the request while a colleague acknowledges, then fails."""
    alert = uuid4()
    with_phone(cast.ada)
    told(cast.ada, cast.ana.patient, subject=alert, is_important=True)
    text_provider.answers = [(503, {}, b"")]
    cancelled = []

    def acknowledge():
        with acting_for(cast.clinic.pk, cast.noor.user.pk):
            cancelled.append(cancel_sends(alert))
        connections.close_all()

    text_provider.before_answer = acknowledge
    deliver(cast.ada, SMS)
    deliver(cast.ada, SMS)

    assert cancelled == [3]  # and the claim made nobody wait
    assert len(text_provider.arrived) == 1
    assert [row.status for row in log(cast.ada, SMS)] == [Status.CANCELLED]


def test_a_failure_is_tried_again_later_and_at_last_given_up(cast, told, log, postbox):
    told(cast.ada, cast.ana.patient)
    postbox.refusal = "451 4.7.1 later"
    tries = 0
    while log(cast.ada, EMAIL)[0].status == Status.PENDING:
        again_at = deliver(cast.ada)
        tries += 1
        assert again_at is None or again_at > timezone.now()
        assert tries < 20
        change(cast.ada, EMAIL, next_at=timezone.now())

    (row,) = log(cast.ada, EMAIL)
    assert (tries, row.attempts) == (12, 12)
    assert (row.status, row.error) == (Status.FAILED, "smtp_451")


def test_a_try_after_a_failure_has_the_same_name(cast, told, log, postbox):
    told(cast.ada, cast.ana.patient)
    postbox.refusal = "451 4.7.1 later"
    deliver(cast.ada)
    (first,) = log(cast.ada, EMAIL)
    postbox.refusal = ""
    change(cast.ada, EMAIL, next_at=timezone.now())
    deliver(cast.ada)

    assert postbox.mails[0]["Message-ID"] == f"<{first.message_id}@localhost>"


@pytest.mark.parametrize(
    ("channel", "is_important", "after"),
    [
        (EMAIL, False, Status.PENDING),
        (PUSH, False, Status.PENDING),
        # Nobody knows whether it was sent, and no telephone recognises a repeat.
        (SMS, False, Status.FAILED),
        (SMS, True, Status.PENDING),
    ],
)
def test_a_process_that_dies_between_claim_and_record(cast, told, log, with_phone, with_browser,
                                                      postbox, text_provider, push_service,
                                                      channel, is_important, after):  # fmt: skip
    with_phone(cast.ada)
    with_browser(cast.ada, f"{push_service.url}/1")
    with acting_for(cast.clinic.pk, system=True):
        Choice.objects.create(
            organization=cast.clinic, user=cast.ada.user, kind=Kind.ALERT, channel=channel,
            is_wanted=True,
        )  # fmt: skip
    told(cast.ada, cast.ana.patient, is_important=is_important)
    _more, claim = sending.claim_next(cast.clinic.pk, channel)
    assert claim is not None
    # Here it dies. Nothing is taken from a process that lives and is merely slow.
    assert sending.release_abandoned(cast.clinic.pk) == 0
    change(cast.ada, channel, claimed_at=timezone.now() - sending.ABANDONED_AFTER)
    assert sending.release_abandoned(cast.clinic.pk) == 1

    (row,) = log(cast.ada, channel)
    assert (row.status, row.error) == (after, "interrupted")


@pytest.mark.parametrize(("is_important", "tries"), [(True, 60), (False, 12)])
def test_what_always_dies_on_its_way_is_given_up_at_last(cast, told, log, postbox, is_important,
                                                         tries):  # fmt: skip
    told(cast.ada, cast.ana.patient, is_important=is_important)
    after = []
    for attempts in (tries - 2, tries - 1):
        change(cast.ada, EMAIL, attempts=attempts, next_at=timezone.now())
        sending.claim_next(cast.clinic.pk, EMAIL)
        change(cast.ada, EMAIL, claimed_at=timezone.now() - sending.ABANDONED_AFTER)
        assert sending.release_abandoned(cast.clinic.pk) == 1
        after += [(row.status, row.error) for row in log(cast.ada, EMAIL)]
    assert after == [(Status.PENDING, "interrupted"), (Status.FAILED, "interrupted")]


def test_a_record_that_comes_too_late_changes_nothing(cast, told, log, postbox):
    told(cast.ada, cast.ana.patient)
    _more, claim = sending.claim_next(cast.clinic.pk, EMAIL)
    change(cast.ada, EMAIL, status=Status.CANCELLED, reason="read")
    sending.send(cast.clinic.pk, claim)
    assert states(log(cast.ada, EMAIL)) == [("cancelled", "read")]


@pytest.mark.parametrize("right", ["team", "membership", "account"])
def test_whose_right_ended_meanwhile_is_told_nothing(committed, cast, told, log, postbox, right):
    told(cast.ada, cast.ana.patient, is_important=True)
    with acting_for(cast.clinic.pk, cast.admin.user.pk):
        if right == "team":
            CareTeamMembership.objects.filter(provider=cast.ada.provider).update(
                ends_at=timezone.now()
            )
    with acting_for(cast.clinic.pk, system=True):
        if right == "membership":
            Membership.objects.using("owner").filter(user=cast.ada.user).update(
                ended_at=timezone.now()
            )
        if right == "account":
            User.objects.using("owner").filter(pk=cast.ada.user.pk).update(is_active=False)
    deliver(cast.ada)

    reason = "no_access" if right == "team" else "no_member"
    assert states(log(cast.ada, EMAIL)) == [("cancelled", reason)]
    assert postbox.mails == []


def test_who_was_called_is_told_while_the_call_lasts(cast, told, log, postbox):
    alert = uuid4()
    with acting_for(cast.clinic.pk, system=True):
        AccessGrant.objects.create(
            organization=cast.clinic, patient=cast.ana.patient, user=cast.boris.user,
            subject_id=alert,
        )  # fmt: skip
    told(cast.boris, cast.ana.patient, subject=alert, is_important=True)
    deliver(cast.boris)
    assert states(log(cast.boris, EMAIL)) == [("sent", "")]


def test_the_night_holds_what_can_wait_and_then_it_is_one_message(cast, told, log, postbox):
    now = timezone.now()
    wish(
        cast.ada,
        time_zone="UTC",
        quiet_from=(now - timedelta(hours=1)).time(),
        quiet_until=(now + timedelta(hours=1)).time(),
    )
    for _ in range(3):
        told(cast.ada, cast.ana.patient)
    told(cast.ada, cast.ana.patient, is_important=True)
    ends = deliver(cast.ada)
    assert [mail["Subject"] for mail in postbox.mails] == ["Vigil: something needs you"]
    assert abs(ends - (now + timedelta(hours=1))) < timedelta(minutes=1)

    with acting_for(cast.clinic.pk, system=True):
        Wishes.objects.update(quiet_from=None, quiet_until=None)
        Delivery.objects.filter(reason="quiet").update(next_at=timezone.now())
    deliver(cast.ada)
    assert [mail["Subject"] for mail in postbox.mails[1:]] == [
        "Vigil: there are 3 new things for you"
    ]
    assert len({row.message_id for row in log(cast.ada, EMAIL) if not row.is_important}) == 1


def test_the_cap_makes_one_message_of_the_rest_and_lets_calls_through(cast, told, log, postbox):
    wish(cast.ada, hourly_cap=2)
    for _ in range(4):
        told(cast.ada, cast.ana.patient)
        deliver(cast.ada)
    told(cast.ada, cast.ana.patient, is_important=True)
    deliver(cast.ada)

    assert len(postbox.mails) == 3
    assert [row.reason for row in log(cast.ada, EMAIL)] == ["", "", "capped", "capped", ""]
    change(cast.ada, EMAIL, sent_at=timezone.now() - timedelta(hours=2), next_at=timezone.now())
    deliver(cast.ada)
    assert postbox.mails[-1]["Subject"] == "Vigil: there are 2 new things for you"


def test_a_digest_is_one_mail_at_its_hour(cast, told, log, postbox):
    wish(cast.ada, time_zone="UTC", digest_at=(timezone.now() + timedelta(hours=2)).time())
    for _ in range(2):
        told(cast.ada, cast.ana.patient)
    deliver(cast.ada)
    assert postbox.mails == []
    change(cast.ada, EMAIL, next_at=timezone.now())
    deliver(cast.ada)
    assert [mail["Subject"] for mail in postbox.mails] == ["Vigil: there are 2 new things for you"]


def test_a_channel_that_is_off_or_leads_nowhere_is_said(cast, told, log, settings):
    settings.SMS_PROVIDER, settings.VAPID_PRIVATE_KEY = "", bytes(range(32))
    told(cast.ada, cast.ana.patient, is_important=True)
    for channel in (SMS, PUSH):
        deliver(cast.ada, channel)
    assert states(log(cast.ada, SMS)) == [("suppressed", "channel_off")]
    assert states(log(cast.ada, PUSH)) == [("suppressed", "no_address")]


def test_a_browser_that_is_gone_is_forgotten_and_the_other_told(cast, told, log, with_browser,
                                                                push_service):  # fmt: skip
    with_browser(cast.ada, f"{push_service.url}/gone")
    with_browser(cast.ada, f"{push_service.url}/here")
    push_service.answers = [(410, {}, b""), (201, {}, b"")]
    told(cast.ada, cast.ana.patient)
    deliver(cast.ada, PUSH)

    assert [row.status for row in log(cast.ada, PUSH)] == [Status.SENT]
    with acting_for(cast.clinic.pk, system=True):
        (left,) = Device.objects.all()
    assert left.endpoint.endswith("/here")


def test_the_sweep_finds_what_lost_its_job(committed, cast, told, log, postbox):
    told(cast.ada, cast.ana.patient)
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    jobs.sweep(0)
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT task_name, queue_name FROM procrastinate_jobs")
        found = cursor.fetchall()
    assert {name for name, _queue in found} == {"notifications.deliver"}
    assert {queue for _name, queue in found} == {EMAIL, SMS, PUSH}
    work_off(EMAIL, SMS, PUSH)
    assert len(postbox.mails) == 1


def test_a_delivery_of_an_older_version_holds_no_slot_of_the_house(committed, cast, told, log,
                                                                   postbox):  # fmt: skip
    told(cast.ada, cast.ana.patient)
    with connections["default"].cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET queue_name = 'default'")
    work_off("default")
    assert [row.status for row in log(cast.ada, EMAIL)] == [Status.PENDING]
    work_off("email")
    assert [row.status for row in log(cast.ada, EMAIL)] == [Status.SENT]


def test_a_rolled_back_telling_leaves_nothing(committed, cast, told, log):
    def tell_and_fail():
        with acting_for(cast.clinic.pk, system=True):
            told(cast.ada, cast.ana.patient)
            raise LookupError

    with pytest.raises(LookupError):
        tell_and_fail()
    assert log(cast.ada, EMAIL) == []
