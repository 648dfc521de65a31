"""A person's own account: devices, password, colours, and what they had half written."""

import json
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from portal import jobs
from portal.models import AuditEntry, KeptText, Session, User
from portal.sessions import digest_of
from tests.cast import PASSWORD

pytestmark = pytest.mark.usefixtures("db")

NEW = "three quiet boats in line"


# Devices --------------------------------------------------------------------------------------


def test_every_device_is_listed_by_browser_and_place_and_none_by_its_key(client, ana):
    client.post(
        "/sign-in/",
        {"username": ana.user.email, "password": PASSWORD},
        headers={"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Version/19.0 Safari/604"},
    )
    page = client.get("/account/").content.decode()
    assert "Safari on an iPhone" in page
    assert "This network" in page
    assert client.session.session_key not in page


def test_nobody_elses_devices_are(client_for, ana, ben):
    other = client_for(ben)
    page = client_for(ana).get("/account/").content.decode()
    assert digest_of(other.session.session_key) not in page


def test_staff_and_patients_have_each_their_frame(client_for, ana, ada):
    assert 'data-frame="patient"' in client_for(ana).get("/account/").content.decode()
    assert 'data-frame="staff"' in client_for(ada).get("/account/").content.decode()


# Password -------------------------------------------------------------------------------------


def change(page, old=PASSWORD, new=NEW):
    return page.post("/account/password/", {"old_password": old, "password": new})


def test_the_password_changes_and_other_devices_are_signed_out(client_for, client, ana, system):
    here, phone = client_for(ana), client_for(ana)
    before = digest_of(here.session.session_key)
    assert change(here).url == "/account/"
    assert here.get("/account/").status_code == 200
    assert phone.get("/account/").status_code == 302
    assert Session.objects.get(user=ana.user).pk != before
    with system():
        assert AuditEntry.objects.filter(action="password.changed").count() == 1
    assert (
        client.post("/sign-in/", {"username": ana.user.email, "password": NEW}).status_code == 302
    )


def test_who_does_not_know_the_old_one_changes_nothing(client_for, ana, system):
    response = change(client_for(ana), old="a guess of somebody")
    assert response.status_code == 422
    assert "not the password you have now" in response.content.decode()
    with system():
        assert User.objects.get(pk=ana.user.pk).check_password(PASSWORD)


def test_guessing_the_old_one_is_slowed_down_as_at_the_door(client_for, ana):
    page = client_for(ana)
    for _ in range(settings.AXES_FAILURE_LIMIT):
        last = change(page, old="a guess of somebody")
    assert last.status_code == 429
    assert change(page).status_code == 429


def test_a_weak_one_is_refused_in_place(client_for, ana):
    response = change(client_for(ana), new="short")
    assert response.status_code == 422
    assert "too short" in response.content.decode()


# Colours --------------------------------------------------------------------------------------


def test_colours_are_remembered_on_this_device_and_for_the_next(client_for, client, ana):
    page = client_for(ana)
    page.post("/account/theme/", {"theme": "dark"})
    assert page.cookies["theme"].value == "dark"
    assert 'data-theme="dark"' in page.get("/account/").content.decode()
    client.post("/sign-in/", {"username": ana.user.email, "password": PASSWORD})
    assert 'data-theme="dark"' in client.get("/account/").content.decode()
    page.post("/account/theme/", {"theme": "system"})
    assert page.cookies["theme"].value == ""


def test_colours_that_are_none_are_refused_in_place(client_for, ana):
    response = client_for(ana).post("/account/theme/", {"theme": "<script>"})
    assert response.status_code == 422


# Half-written text ----------------------------------------------------------------------------


def keep(page, text, path="/messages/new/", field="body"):
    return page.post(
        "/account/kept-text/",
        json.dumps({"path": path, "field": field, "text": text}),
        content_type="application/json",
    )


def kept(page, path="/messages/new/"):
    return page.get("/account/kept-text/", {"path": path}).json()["kept"]


def test_text_is_given_back_on_its_own_page(client_for, ana):
    page = client_for(ana)
    assert keep(page, "My knee hurts when I").status_code == 204
    assert kept(page) == {"body": "My knee hurts when I"}
    assert kept(page, "/messages/other/") == {}


def test_also_after_signing_in_again_on_another_device(client_for, ana):
    first = client_for(ana)
    keep(first, "half")
    first.post("/sign-out/")
    assert kept(client_for(ana)) == {"body": "half"}


def test_the_last_word_counts_and_an_empty_one_forgets(client_for, ana):
    page = client_for(ana)
    keep(page, "one")
    keep(page, "two")
    assert kept(page) == {"body": "two"}
    keep(page, " ")
    assert kept(page) == {}


def test_nobody_else_reads_it(client_for, ana, ben, sam, ada):
    keep(client_for(ana), "half")
    for other in (ben, sam, ada):
        assert kept(client_for(other)) == {}


def test_it_is_sealed_in_the_database(client_for, ana, acting):
    keep(client_for(ana), "My knee hurts")
    with acting(ana):
        assert b"knee" not in bytes(KeptText.objects.get().sealed)


def test_it_is_given_back_for_a_day(client_for, ana, acting, system):
    page = client_for(ana)
    keep(page, "half")
    with acting(ana):
        KeptText.objects.update(kept_at=timezone.now() - timedelta(hours=24, seconds=1))
    assert kept(page) == {}
    jobs.forget_kept_texts(0)
    with system():
        assert not KeptText.objects.exists()


def test_young_text_survives_the_tidying(client_for, ana):
    page = client_for(ana)
    keep(page, "half")
    jobs.forget_kept_texts(0)
    assert kept(page) == {"body": "half"}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nonsense",
        "[]",
        "1",
        '{"path": "/x/"}',
        '{"path": "/x/", "field": "body", "text": 1}',
        '{"path": "", "field": "body", "text": "x"}',
        json.dumps({"path": "/" + "x" * 200, "field": "body", "text": "x"}),
        json.dumps({"path": "/x/", "field": "x" * 61, "text": "x"}),
        json.dumps({"path": "/x/", "field": "body", "text": "\x00"}),
        b"\xff\xfe",
    ],
)
def test_what_is_no_text_is_refused(client_for, ana, body):
    page = client_for(ana)
    response = page.post("/account/kept-text/", body, content_type="application/json")
    assert response.status_code == 400


def test_too_much_is_refused_and_what_was_kept_stays(client_for, ana):
    page = client_for(ana)
    keep(page, "half")
    assert keep(page, "x" * (KeptText.MAX_CHARACTERS + 1)).status_code == 413
    assert kept(page) == {"body": "half"}


def test_so_are_too_many(client_for, ana, monkeypatch):
    monkeypatch.setattr(KeptText, "MAX_TEXTS", 2)
    page = client_for(ana)
    assert [keep(page, "x", field=name).status_code for name in "abc"] == [204, 204, 413]
    assert keep(page, "y", field="a").status_code == 204


def test_a_stranger_keeps_nothing(client):
    assert keep(client, "half").status_code == 401
    assert client.get("/account/kept-text/?path=/").status_code == 401


def test_a_page_of_the_organization_before_keeps_nothing_here(client_for, ana, other_clinic):
    page = client_for(ana)
    response = page.post(
        "/account/kept-text/",
        json.dumps({"path": "/messages/new/", "field": "body", "text": "half"}),
        content_type="application/json",
        headers={"x-vigil-organization": str(other_clinic.pk)},
    )
    assert response.status_code == 409
    assert kept(page) == {}
