"""Without a mail server nothing is sent, and no link that opens an account is in any log."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from notifications.channels import sms
from portal.mail import NO_SERVER
from portal.models import AuditEntry
from portal.tenancy import acting_for
from tests.notifications.test_sending import work_off

ROOT = Path(__file__).resolve().parents[2]
LINK = "/password/reset/"


@pytest.fixture
def asked(committed, ana, client):
    """Ana has asked for a new password; what the worker is to do about it waits."""
    client.post("/password/reset/", {"email": ana.user.email})
    return ana


def noted(person):
    with acting_for(person.organization.pk, system=True):
        return AuditEntry.objects.filter(action="password.reset_sent").exists()


def said(capfd, caplog):
    out, err = capfd.readouterr()
    return out + err + caplog.text


def test_a_clinic_without_a_server_sends_nothing_and_prints_nothing(asked, settings, capfd, caplog):
    settings.EMAIL_BACKEND = NO_SERVER
    caplog.set_level("DEBUG")
    work_off("email")

    job = ProcrastinateJob.objects.get(task_name="portal.send_password_reset")
    assert (job.attempts, job.status) == (1, "todo")
    assert not noted(asked)
    words = said(capfd, caplog)
    assert "An e-mail was not sent: EMAIL_HOST is not set." in words
    assert LINK not in words
    assert asked.user.email not in words


def test_a_demo_keeps_the_link_for_its_owner_alone(asked, settings, tmp_path, capfd, caplog):
    settings.EMAIL_BACKEND = "portal.kept_mail.KeptBackend"
    settings.DEMO_MAIL_FILE = str(tmp_path / "mail.txt")
    caplog.set_level("DEBUG")
    work_off("email")

    kept = tmp_path / "mail.txt"
    assert kept.read_text().count(LINK) == 1
    assert kept.stat().st_mode & 0o777 == 0o600
    assert noted(asked)
    assert LINK not in said(capfd, caplog)


def test_texts_are_kept_beside_it(settings, tmp_path, capfd):
    settings.DEMO_MAIL_FILE = str(tmp_path / "mail.txt")
    sms.send("+16175550123", "Your code is 123 456.")
    sms.send("+16175550123", "Your code is 654 321.")

    kept = (tmp_path / "mail.txt").read_text()
    assert kept.split("\n\n") == [
        "A text message: Your code is 123 456.",
        "A text message: Your code is 654 321.",
        "",
    ]
    assert "code" not in capfd.readouterr().out


def test_who_waits_for_an_e_mail_is_told_that_none_comes(client, db, settings):
    assert "a link is on its way" in client.get("/password/reset/sent/").text
    settings.EMAIL_BACKEND = NO_SERVER
    answer = client.get("/password/reset/sent/").text
    assert "we cannot send you a link" in answer
    assert "a link is on its way" not in answer


def test_nobody_is_asked_for_an_address_to_which_nothing_would_go(client, ana, settings):
    assert 'name="email"' in client.get("/password/reset/").text
    settings.EMAIL_BACKEND = NO_SERVER
    for answer in (
        client.get("/password/reset/"),
        client.post("/password/reset/", {"email": ana.user.email}),
    ):
        assert "Call your clinic" in answer.text
        assert 'name="email"' not in answer.text
    assert not ProcrastinateJob.objects.filter(task_name="portal.send_password_reset").exists()


@pytest.mark.parametrize(
    ("environment", "backend"),
    [
        ({"EMAIL_HOST": "mail.example"}, "portal.mail.BoundedBackend"),
        ({}, NO_SERVER),
        # Only a demo has such a file.
        ({"DEMO_MAIL_FILE": "/nowhere/mail.txt"}, NO_SERVER),
        ({"DEMO": "1"}, NO_SERVER),
        ({"DEMO": "1", "DEMO_MAIL_FILE": "/nowhere/mail.txt"}, "portal.kept_mail.KeptBackend"),
    ],
)
def test_no_setting_prints_e_mail(environment, backend):
    finished = subprocess.run(
        [sys.executable, "-c", "from portal.settings import *; print(EMAIL_BACKEND)"],
        cwd=ROOT,
        env=os.environ | {"EMAIL_HOST": "", "DEMO_MAIL_FILE": ""} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.strip() == backend
