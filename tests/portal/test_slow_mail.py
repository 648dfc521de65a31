"""No mail server holds whoever sends for longer than one may wait."""

from contextlib import contextmanager
from smtplib import SMTPServerDisconnected
from uuid import uuid4

import pytest
from django.core.mail import send_mail

from notifications.channels import email
from notifications.channels.message import Message, NotSent
from portal import mail
from tests.notifications.servers import drip, holding_server
from tests.waiting import ended


@pytest.fixture
def served_by(settings):
    """`with served_by(drip):` the clinic's mail server does that to everybody, and no more."""

    @contextmanager
    def served_by(say):
        with holding_server(say) as server:
            settings.EMAIL_BACKEND = "portal.mail.BoundedBackend"
            settings.EMAIL_USE_TLS, settings.EMAIL_HOST_USER = False, ""
            settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
            yield

    return served_by


@pytest.fixture
def for_a_moment(monkeypatch):
    """A mail may take half a second."""
    monkeypatch.setattr(mail, "LONGEST_SECONDS", 0.5)


def send():
    ended(lambda: send_mail("Vigil", "", "portal@portal.example", ["ada@harbour.example"]))


def test_a_server_may_be_silent_for_half_a_minute(settings):
    assert settings.EMAIL_TIMEOUT == 30


def test_a_server_that_says_nothing_is_left(settings, served_by):
    settings.EMAIL_TIMEOUT = 0.3
    with served_by(lambda line: None), pytest.raises(SMTPServerDisconnected):
        send()


def test_a_server_that_draws_its_greeting_out_is_cut_off(served_by, for_a_moment):
    with served_by(drip), pytest.raises(TimeoutError):
        send()


def test_one_that_does_so_after_its_greeting_too(served_by, for_a_moment):
    def greet_and_drip(line):
        line.sendall(b"220 mail.example\r\n")
        drip(line)

    with served_by(greet_and_drip), pytest.raises(TimeoutError):
        send()


def test_a_mail_that_was_cut_off_is_tried_again(served_by, for_a_moment):
    message = Message(uuid4(), 1, is_important=True)
    with served_by(drip), pytest.raises(NotSent) as raised:
        ended(lambda: email.send(message, "ada@harbour.example"))
    assert (raised.value.code, raised.value.is_final) == ("timeout", False)
