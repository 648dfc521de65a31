"""Signing out: here, everywhere else, and one device of several."""

import pytest

from portal.models import AuditEntry, Session
from portal.sessions import digest_of

pytestmark = pytest.mark.usefixtures("db")


def test_the_session_is_gone_on_the_server(client_for, ana):
    page = client_for(ana)
    page.post("/sign-out/")
    assert not Session.objects.filter(user=ana.user).exists()
    assert page.get("/home/").url.startswith("/sign-in/")


def test_a_copied_cookie_is_worth_nothing_afterwards(client_for, ana, client):
    page = client_for(ana)
    client.cookies.update(page.cookies)
    page.post("/sign-out/")
    assert client.get("/home/").url.startswith("/sign-in/")


def test_the_browser_is_told_to_forget(client_for, ana):
    response = client_for(ana).post("/sign-out/")
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    assert response.url == "/sign-in/"


def test_it_is_on_record(client_for, ana, system):
    client_for(ana).post("/sign-out/")
    with system():
        assert AuditEntry.objects.get(action="session.ended").actor_id == ana.user.pk


def test_a_link_does_not_sign_anybody_out(client_for, ana):
    page = client_for(ana)
    assert page.get("/sign-out/").status_code == 405
    assert page.get("/home/").status_code == 200


def test_who_is_signed_out_already_is_led_to_the_door(client):
    assert client.post("/sign-out/").url == "/sign-in/"


def test_everywhere_else_leaves_this_browser_in(client_for, ana, ben):
    here, phone, _ = client_for(ana), client_for(ana), client_for(ana)
    other = client_for(ben)
    here.post("/sign-out/everywhere/")
    assert here.get("/home/").status_code == 200
    assert phone.get("/home/").status_code == 302
    assert other.get("/home/").status_code == 200


def test_one_device_of_several(client_for, ana):
    here, phone, tablet = client_for(ana), client_for(ana), client_for(ana)
    here.post("/account/sessions/", {"session": digest_of(phone.session.session_key)})
    assert phone.get("/home/").status_code == 302
    assert tablet.get("/home/").status_code == 200


def test_nobody_ends_somebody_elses_session(client_for, ana, ben):
    page, other = client_for(ana), client_for(ben)
    page.post("/account/sessions/", {"session": digest_of(other.session.session_key)})
    assert other.get("/home/").status_code == 200


@pytest.mark.parametrize("name", ["", "0", "\x00", "x" * 10_000])
def test_a_name_that_is_none_ends_nothing(client_for, ana, name):
    page = client_for(ana)
    assert page.post("/account/sessions/", {"session": name}).status_code == 302
    assert page.get("/home/").status_code == 200
