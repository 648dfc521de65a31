"""From a critical result to a message in a pocket, and from an answer to silence: the whole way."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from alerts import actions
from alerts.steps import take_due
from notifications import sending
from notifications.models import Channel, Delivery
from tests.notifications.servers import mail_server

EMAIL, Status = Channel.EMAIL, Delivery.Status


@pytest.fixture
def mail(settings, clinic, system):
    """`mail.send()` does what a worker does; `mail.to` are the people whom a mail reached."""
    with mail_server() as (box, place):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = place.host, place.port
        settings.EMAIL_USE_TLS, settings.EMAIL_HOST_USER = False, ""

        def states(alert):
            with system():
                rows = Delivery.objects.filter(notification__subject_id=alert.pk, channel=EMAIL)
                return sorted(rows.values_list("status", "reason"))

        yield SimpleNamespace(
            box=box,
            send=lambda: sending.deliver(clinic.pk, EMAIL),
            to=lambda: sorted(each["To"].split("@")[0] for each in box.mails),
            states=states,
        )


def test_a_critical_result_reaches_the_team_at_once_and_names_nothing(alert, mail):
    mail.send()
    assert len(mail.to()) == 2
    for each in mail.box.mails:
        assert each["Subject"] == "Vigil: something needs you"
        for word in ("Ana", "otassium", "6.4", "ritical"):
            assert word not in each.as_string()


@pytest.mark.parametrize("act", ["acknowledge", "snooze"])
def test_who_answers_silences_what_is_still_to_be_sent(alert, mail, ada, acting, act):
    values = {
        "acknowledge": {},
        "snooze": {"reason": "In theatre", "until": timezone.now() + timedelta(minutes=30)},
    }[act]
    with acting(ada):
        getattr(actions, act)(alert.pk, by=ada.reader, **values)
    mail.send()

    assert mail.to() == []
    assert mail.states(alert) == [(Status.CANCELLED, "answered")] * 2


def test_what_failed_before_the_answer_is_not_tried_after_it(alert, mail, noor, acting, system):
    mail.box.refusal = "451 4.7.1 later"
    mail.send()
    with acting(noor):
        actions.acknowledge(alert.pk, by=noor.reader)
    mail.box.refusal = ""
    with system():
        Delivery.objects.filter(channel=EMAIL).update(next_at=timezone.now())
    mail.send()
    assert mail.to() == []


def test_handing_over_tells_the_one_and_no_longer_the_others(alert, mail, ada, noor, acting):
    with acting(ada):
        actions.hand_over(alert.pk, by=ada.reader, to=noor.user.pk)
    mail.send()
    assert mail.to() == [noor.user.email.split("@")[0]]


def test_an_acknowledgement_that_ran_out_tells_again(alert, mail, ada, acting, pass_minutes):
    with acting(ada):
        actions.acknowledge(alert.pk, by=ada.reader)
    pass_minutes(alert, 35)
    assert take_due(alert.organization_id) == 1
    mail.send()
    assert len(mail.to()) == 2
