"""Inviting a patient: who may, what is sent, what the link asks, and when it stops working."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from portal import jobs
from portal.mail import NO_SERVER
from portal.models import (
    AuditEntry,
    CareTeamMembership,
    Invitation,
    Membership,
    Patient,
    Session,
    User,
)
from tests.cast import PASSWORD
from tests.words import words_of

pytestmark = pytest.mark.usefixtures("db")

BORN = {"birth_on_day": "2", "birth_on_month": "3", "birth_on_year": "1964"}
WRONG = {**BORN, "birth_on_year": "1965"}
CHOSEN = "three quiet boats in line"


@pytest.fixture
def dora(clinic, ada, system):
    """A patient of Ada's who cannot sign in yet."""
    with system():
        patient = Patient.objects.create(
            organization=clinic, mrn="5001", name="Dora Lind", birth_on="1964-03-02", sex="female"
        )
        CareTeamMembership.objects.create(
            organization=clinic, patient=patient, provider=ada.provider
        )
    return patient


def page_of(patient):
    return f"/patients/{patient.pk}/invitation/"


def do_jobs():
    for job in ProcrastinateJob.objects.filter(task_name="portal.send_invitation"):
        jobs.send_invitation(**job.args)
    ProcrastinateJob.objects.all()._raw_delete("default")


@pytest.fixture
def invite(dora, ada, client_for, mailoutbox):
    """Invite Dora as Ada would, and return the link in her mailbox."""
    import procrastinate.contrib.django.models as models

    def invite(email="dora@home.example"):
        page = client_for(ada)
        assert page.post(page_of(dora), {"email": email}).status_code == 302
        for job in models.ProcrastinateJob.objects.filter(
            task_name="portal.send_invitation"
        ).order_by("-id")[:1]:
            jobs.send_invitation(**job.args)
        return re.search(r"http://testserver(\S+)", mailoutbox[-1].body)[1]

    return invite


@pytest.fixture
def link(invite):
    return invite()


def invitation(system, **filters):
    with system():
        return Invitation.objects.get(**filters)


# Inviting -------------------------------------------------------------------------------------


def test_the_mail_says_nothing_of_the_clinic_or_the_person(link, mailoutbox):
    (mail,) = mailoutbox
    for word in ("Harbour", "Dora", "Lind", "5001", "1964", "Ada"):
        assert word not in mail.subject + mail.body


def test_only_the_digest_of_the_token_is_kept(link, system):
    token = link.strip("/").split("/")[1]
    kept = invitation(system)
    assert token not in str(vars(kept))
    assert kept.token_digest == Invitation.digest_of(token)
    assert token not in str(list(ProcrastinateJob.objects.values()))


def test_the_token_has_256_bits(link):
    import base64

    token = link.strip("/").split("/")[1]
    assert len(base64.urlsafe_b64decode(token + "=")) == 32


@pytest.mark.parametrize("name", ["noor", "boris", "olga", "ana", "sam", "other_admin"])
def test_who_is_not_on_the_care_team_invites_nobody(dora, client_for, cast, name):
    client = client_for(getattr(cast, name))
    missing = client.get("/nowhere/").content
    for response in (
        client.get(page_of(dora)),
        client.post(page_of(dora), {"email": "x@y.example"}),
    ):
        assert response.status_code == 404
        assert response.content == missing


def test_a_colleague_who_may_only_read_invites_nobody(dora, clinic, noor, client_for, system):
    with system():
        CareTeamMembership.objects.create(
            organization=clinic, patient=dora, provider=noor.provider, access="read"
        )
    assert client_for(noor).get(page_of(dora)).status_code == 404


def test_an_administrator_invites_anybody_of_the_clinic(dora, admin, client_for, system):
    assert client_for(admin).post(page_of(dora), {"email": "d@x.example"}).status_code == 302
    assert invitation(system).created_by_id == admin.user.pk


def test_a_new_link_ends_the_one_before(invite, client):
    first, second = invite(), invite()
    assert client.get(first).status_code == 410
    assert "There is a newer link" in client.get(first).content.decode()
    assert client.get(second).status_code == 200


def test_a_link_is_withdrawn(link, dora, ada, client_for, client):
    client_for(ada).post(page_of(dora), {"revoke": "1"})
    assert client.get(link).status_code == 410


def test_who_can_sign_in_is_not_invited(ana, ada, client_for, system):
    response = client_for(ada).post(page_of(ana.patient), {"email": "x@y.example"})
    assert response.status_code == 422
    assert "This patient can sign in" in response.content.decode()


def test_who_has_died_is_not_invited(dora, ada, client_for, system):
    with system():
        Patient.objects.filter(pk=dora.pk).update(deceased_at=timezone.now())
    response = client_for(ada).post(page_of(dora), {"email": "x@y.example"})
    assert "has died" in response.content.decode()
    with system():
        assert not Invitation.objects.exists()


def test_a_mail_that_could_not_be_sent_is_tried_again_with_a_new_link(
    dora, ada, client_for, mailoutbox, monkeypatch, system
):
    client_for(ada).post(page_of(dora), {"email": "dora@home.example"})
    job = ProcrastinateJob.objects.get(task_name="portal.send_invitation")
    with monkeypatch.context() as broken:
        broken.setattr(jobs, "send_mail", lambda *args: (_ for _ in ()).throw(OSError("away")))
        with pytest.raises(OSError, match="away"):
            jobs.send_invitation(**job.args)
    assert invitation(system).sent_at is None
    jobs.send_invitation(**job.args)
    assert invitation(system).sent_at is not None
    assert len(mailoutbox) == 1


# Accepting ------------------------------------------------------------------------------------


def test_the_patient_comes_in(link, client, dora, system):
    response = client.post(link, {**BORN, "password": CHOSEN})
    assert client.get(response.url, follow=True).redirect_chain[-1][0] == "/home/"
    with system():
        user = User.objects.get(email="dora@home.example")
        assert Patient.objects.get(pk=dora.pk).user_id == user.pk
        assert Membership.objects.get(user=user).role == "patient"
        assert {entry.action for entry in AuditEntry.objects.filter(actor_id=user.pk)} >= {
            "invitation.accepted",
            "session.started",
        }
    assert Session.objects.get(user=user).organization_id == dora.organization_id
    again = Client().post("/sign-in/", {"username": "dora@home.example", "password": CHOSEN})
    assert again.status_code == 302


def test_the_page_names_the_clinic_and_not_the_person(link, client):
    page = words_of(client.get(link))
    assert "Harbour Clinic" in page
    assert "Dora" not in page
    assert "1964" not in page


def test_the_link_works_once(link, client):
    client.post(link, {**BORN, "password": CHOSEN})
    again = Client().post(link, {**BORN, "password": "stolen later on"})
    assert again.status_code == 410
    assert "You have used this link" in again.content.decode()


def test_a_wrong_birth_date_is_counted_and_said_in_place(link, client, system):
    response = client.post(link, {**WRONG, "password": CHOSEN})
    assert response.status_code == 422
    assert "You can try 4 more times" in response.content.decode()
    assert invitation(system).attempts == 1
    with system():
        assert AuditEntry.objects.filter(action="invitation.wrong_birth_date").count() == 1


def test_five_wrong_birth_dates_end_the_link(link, client):
    for _ in range(5):
        last = client.post(link, {**WRONG, "password": CHOSEN})
    assert last.status_code == 410
    assert "This link is locked" in last.content.decode()
    assert client.post(link, {**BORN, "password": CHOSEN}).status_code == 410
    assert not User.objects.filter(email="dora@home.example").exists()


def test_a_weak_password_costs_no_attempt(link, client, system):
    response = client.post(link, {**BORN, "password": "short"})
    assert response.status_code == 422
    assert invitation(system).attempts == 0


@pytest.mark.parametrize(
    "born",
    [
        {"birth_on_day": "31", "birth_on_month": "2", "birth_on_year": "1964"},
        {"birth_on_day": "2", "birth_on_month": "3", "birth_on_year": "99999999999999"},
        {"birth_on_day": "x", "birth_on_month": "13", "birth_on_year": ""},
        {"birth_on_day": "1", "birth_on_month": "1", "birth_on_year": "2200"},
        {},
    ],
)
def test_what_is_no_date_costs_no_attempt(link, client, system, born):
    response = client.post(link, {**born, "password": CHOSEN})
    assert response.status_code == 422
    assert "field__error" in response.content.decode()
    assert invitation(system).attempts == 0


def test_an_old_link_says_so_and_whom_to_call(link, client, system):
    with system():
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    page = client.get(link)
    assert page.status_code == 410
    assert "This link is too old" in page.content.decode()
    assert "555 0100" in page.content.decode()


@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 200, "A" * 201, "..", "%00"])
def test_a_token_that_is_none_is_no_page(client, token):
    response = client.get(f"/invitations/{token}/")
    assert response.status_code == 404
    assert response.content == client.get("/nowhere/").content


def test_an_account_that_the_address_has_keeps_its_password(invite, olga, dora, client, system):
    link = invite(olga.user.email)
    page = client.get(link).content.decode()
    assert "You have an account" in page
    refused = client.post(link, {**BORN, "password": "a guess of somebody"})
    assert refused.status_code == 422
    accepted = client.post(link, {**BORN, "password": PASSWORD})
    assert accepted.status_code == 302
    with system():
        assert Patient.objects.get(pk=dora.pk).user_id == olga.user.pk
        assert User.objects.get(pk=olga.user.pk).password == olga.user.password


def test_the_account_of_another_patient_is_not_taken(invite, ana, dora, client, system):
    link = invite(ana.user.email)
    response = client.post(link, {**BORN, "password": PASSWORD})
    assert response.status_code == 422
    assert "belongs to another patient" in response.content.decode()
    with system():
        assert Patient.objects.get(pk=dora.pk).user_id is None


def test_nobody_opens_a_record_to_themselves(invite, ada, dora, client, system):
    link = invite(ada.user.email)
    assert client.post(link, {**BORN, "password": PASSWORD}).status_code == 422
    with system():
        assert Patient.objects.get(pk=dora.pk).user_id is None


def test_who_was_signed_in_before_in_this_browser_is_not_any_more(link, client_for, ben, system):
    browser = client_for(ben)
    browser.post(link, {**BORN, "password": CHOSEN})
    assert not Session.objects.filter(user=ben.user).exists()
    assert "Dora" in browser.get("/account/").content.decode()


def test_the_page_keeps_its_address_to_itself(link, client):
    assert client.get(link)["Referrer-Policy"] == "no-referrer"
    assert client.post(link, {})["Referrer-Policy"] == "no-referrer"


def test_whoever_invites_is_told_that_no_link_goes_out(client_for, ada, dora, settings):
    page = f"/patients/{dora.pk}/invitation/"
    client = client_for(ada)
    client.post(page, {"email": "dora@home.example"})
    assert "The link is on its way" in client.get(page).text
    assert "Tell them that it comes" in client.get(page).text
    settings.EMAIL_BACKEND = NO_SERVER
    shown = client.get(page).text
    assert "no e-mail" in shown
    assert "The link is on its way" not in shown
    assert "Tell them that it comes" not in shown
    assert "Send a new link" not in shown
    assert "Withdraw the link" in shown
