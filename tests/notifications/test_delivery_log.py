"""The delivery log: what administrators find in it, and sending again what did not go out."""

import re
from uuid import uuid4

import pytest
from django.urls import reverse

from notifications import sending
from notifications.actions import cancel_sends
from notifications.actions.resending import resend
from notifications.models import Channel, Delivery
from portal.models import AuditEntry
from portal.tenancy import acting_for

LOG = reverse("admin:notifications_delivery_changelist")
EMAIL, Status = Channel.EMAIL, Delivery.Status


@pytest.fixture
def office(client_for, admin):
    return client_for(admin)


@pytest.fixture
def failed(cast, told, log, postbox):
    """A mail to Ada that her mail server refused for good."""
    told(cast.ada, cast.ana.patient)
    postbox.refusal = "550 5.1.1 nobody here"
    sending.deliver(cast.clinic.pk, EMAIL)
    postbox.refusal = ""
    (row,) = log(cast.ada, EMAIL)
    assert row.status == Status.FAILED
    return row


def press(office, *rows):
    return office.post(
        LOG, {"action": "send_again", "_selected_action": [str(row.pk) for row in rows]}
    )


def shown(page):
    """The ids of the rows that a list shows."""
    return set(re.findall(r"/delivery/([0-9a-f-]{36})/change/", page.content.decode()))


def test_the_log_says_what_came_of_it_and_not_what_it_was_about(office, failed):
    page = office.get(LOG, {"status": "failed"})
    assert shown(page) == {str(failed.pk)}
    words = page.content.decode()
    assert "smtp_550" in words
    assert "Ada" in words
    for word in ("Ana", "alert needs", "ada@"):
        assert word not in words


@pytest.mark.parametrize(("asked", "finds"), [("Ada", True), ("ada@", True), ("Noor", False)])
def test_a_person_is_found_by_name_and_address(office, failed, asked, finds):
    assert (str(failed.pk) in shown(office.get(LOG, {"q": asked}))) is finds


def test_a_message_is_found_by_its_providers_name(office, cast, told, log, postbox):
    told(cast.ada, cast.ana.patient)
    sending.deliver(cast.clinic.pk, EMAIL)
    (row,) = log(cast.ada, EMAIL)
    assert shown(office.get(LOG, {"q": row.provider_id})) == {str(row.pk)}


def test_what_failed_is_sent_again_on_record(office, cast, failed, log, postbox, system):
    assert press(office, failed).status_code == 302
    sending.deliver(cast.clinic.pk, EMAIL)

    (row,) = log(cast.ada, EMAIL)
    assert (row.status, row.attempts) == (Status.SENT, 1)
    assert len(postbox.mails) == 1
    with system():
        assert AuditEntry.objects.filter(
            action="notification_delivery.resent", subject_id=failed.pk
        ).exists()


def test_what_went_out_is_not_sent_twice(office, cast, failed, log, postbox):
    for _ in range(2):
        press(office, failed)
        sending.deliver(cast.clinic.pk, EMAIL)
    assert len(postbox.mails) == 1


def test_what_was_answered_meanwhile_is_not_sent_again(office, cast, told, log, postbox, acting):
    alert = uuid4()
    told(cast.ada, cast.ana.patient, subject=alert)
    postbox.refusal = "550 5.1.1 nobody here"
    sending.deliver(cast.clinic.pk, EMAIL)
    told(cast.ada, cast.ana.patient, subject=alert)
    postbox.refusal = ""
    with acting(cast.noor):
        cancel_sends(alert)
    press(office, *log(cast.ada, EMAIL))
    sending.deliver(cast.clinic.pk, EMAIL)
    assert [row.status for row in log(cast.ada, EMAIL)] == [Status.FAILED, Status.CANCELLED]
    assert postbox.mails == []


def test_another_clinics_log_does_not_exist(client_for, cast, failed, log):
    office = client_for(cast.other_admin)
    assert shown(office.get(LOG)) == set()
    press(office, failed)
    with acting_for(cast.other_admin.organization.pk, cast.other_admin.user.pk):
        assert resend([failed.pk], by=cast.other_admin.reader) == 0
    assert [row.status for row in log(cast.ada, EMAIL)] == [Status.FAILED]
