"""A forgotten password: what a stranger learns, what the link does, how long it works."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from portal import jobs
from portal.models import AuditEntry, Session, User
from portal.password_links import LinkTokens
from tests.cast import PASSWORD

pytestmark = pytest.mark.usefixtures("db")

NEW = "three quiet boats in line"


def do_jobs():
    for job in ProcrastinateJob.objects.filter(task_name="portal.send_password_reset"):
        jobs.send_password_reset(**job.args)


@pytest.fixture
def link(ana, client, mailoutbox):
    """The link that Ana finds in her mailbox."""
    client.post("/password/reset/", {"email": ana.user.email})
    do_jobs()
    return re.search(r"http://testserver(\S+)", mailoutbox[0].body)[1]


def test_the_answer_is_the_same_whether_or_not_somebody_has_the_address(client, ana):
    known = client.post("/password/reset/", {"email": ana.user.email})
    unknown = Client().post("/password/reset/", {"email": "nobody@nowhere.example"})
    assert known.url == unknown.url == "/password/reset/sent/"
    assert client.get(known.url).status_code == 200


def test_so_is_its_cost(client, ana):
    with CaptureQueriesContext(connection) as known:
        client.post("/password/reset/", {"email": ana.user.email})
    with CaptureQueriesContext(connection) as unknown:
        Client().post("/password/reset/", {"email": "nobody@nowhere.example"})
    assert len(known) == len(unknown)


def test_nobody_gets_no_mail(client, mailoutbox):
    client.post("/password/reset/", {"email": "nobody@nowhere.example"})
    do_jobs()
    assert mailoutbox == []


def test_the_mail_says_nothing_of_the_clinic_or_the_person(link, ana, mailoutbox):
    (mail,) = mailoutbox
    text = f"{mail.subject} {mail.body}"
    assert mail.to == [ana.user.email]
    for word in ("Harbour", "Ana", "Ruiz", "patient", "clinic"):
        assert word not in text


def test_asking_again_at_once_sends_no_second_mail(link, client, ana, mailoutbox):
    client.post("/password/reset/", {"email": ana.user.email})
    do_jobs()
    assert len(mailoutbox) == 1


def test_who_may_not_sign_in_gets_no_mail(client, ana, system, mailoutbox):
    with system():
        User.objects.filter(pk=ana.user.pk).update(is_active=False)
    client.post("/password/reset/", {"email": ana.user.email})
    do_jobs()
    assert mailoutbox == []


def test_behind_the_link_a_new_password_is_chosen(link, client, ana):
    assert client.post(link, {"password": NEW}).url == "/password/reset/done/"
    door = {"username": ana.user.email}
    assert client.post("/sign-in/", {**door, "password": PASSWORD}).status_code == 422
    assert client.post("/sign-in/", {**door, "password": NEW}).status_code == 302


def test_every_session_ends(link, client, client_for, ana):
    phone = client_for(ana)
    client.post(link, {"password": NEW})
    # Gone, and not only worthless because the password has changed.
    assert not Session.objects.filter(user=ana.user).exists()
    assert phone.get("/home/").status_code == 302


def test_it_is_on_record(link, client, ana, system):
    client.post(link, {"password": NEW})
    with system():
        entry = AuditEntry.objects.get(action="password.reset")
    assert entry.actor_id == ana.user.pk


def test_the_link_works_once(link, client):
    client.post(link, {"password": NEW})
    again = client.post(link, {"password": "another one altogether"})
    assert again.status_code == 410
    assert "This link is over" in again.content.decode()


def test_the_link_works_for_an_hour(link, client, monkeypatch):
    hour = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    now = LinkTokens()._now()
    monkeypatch.setattr(LinkTokens, "_now", lambda self: now + hour + timedelta(seconds=1))
    assert client.get(link).status_code == 410


def test_a_link_of_somebody_else_does_not_fit(link, client, ben):
    from django.utils.http import urlsafe_base64_encode

    token = link.rstrip("/").rsplit("/", 1)[1]
    uid = urlsafe_base64_encode(str(ben.user.pk).encode())
    assert client.get(f"/password/reset/{uid}/{token}/").status_code == 410


@pytest.mark.parametrize("uid", ["AAAA", "%00", "a.b", "x" * 300])
def test_a_link_that_is_none_is_no_fault_of_ours(client, uid):
    assert client.get(f"/password/reset/{uid}/token/").status_code in {404, 410}


@pytest.mark.parametrize(
    ("password", "words"),
    [("short", "too short"), ("password123", "too common"), ("ana@harbour.example", "too similar")],
)
def test_a_weak_password_is_refused_in_place(link, client, password, words):
    response = client.post(link, {"password": password})
    assert response.status_code == 422
    assert words in response.content.decode()


def test_a_long_sentence_is_a_password(link, client):
    sentence = "the boats " * 20
    assert client.post(link, {"password": sentence}).status_code == 302


def test_the_page_keeps_its_address_to_itself(link, client):
    assert client.get(link)["Referrer-Policy"] == "no-referrer"


def test_whoever_reads_the_mailbox_is_not_locked_out(link, client, ana):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        client.post("/sign-in/", {"username": ana.user.email, "password": "wrong"})
    client.post(link, {"password": NEW})
    response = client.post("/sign-in/", {"username": ana.user.email, "password": NEW})
    assert response.status_code == 302


@pytest.mark.parametrize("email", ["", "ana", "ana@", "a" * 300 + "@x.example"])
def test_what_is_no_address_is_said_in_place(client, email):
    response = client.post("/password/reset/", {"email": email})
    assert response.status_code == 422
    assert "field__error" in response.content.decode()
