"""Answers that cross a change of session leave the browser's newer cookie alone.

The answers are asked for one after another with the cookie that a page had when it asked: that
order is the one in which a browser gets them.
"""

import pytest
from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpResponse
from django.utils import timezone

from portal.middleware.session_cookie import SessionCookie
from portal.models import Membership, Session

pytestmark = pytest.mark.usefixtures("cast")

COOKIE = settings.SESSION_COOKIE_NAME


@pytest.fixture
def two_places(ada, other_clinic, system):
    with system(other_clinic):
        Membership.objects.create(organization=other_clinic, user=ada.user, role="nurse")
    return ada


@pytest.fixture
def asked_before(client, client_for):
    """`asked_before(person)`: their browser, and one whose requests carry the cookie of now."""

    def browsers(person):
        page = client_for(person)
        client.cookies[COOKIE] = page.cookies[COOKIE].value
        return page, client

    return browsers


@pytest.mark.parametrize("path", ["/session/", "/home/", "/account/", "/sign-in/", "/nowhere/"])
def test_of_a_page_that_asked_before_the_organization_was_switched(
    asked_before, two_places, other_clinic, path
):
    page, earlier = asked_before(two_places)
    page.post("/organization/", {"organization": str(other_clinic.pk)})
    assert COOKIE not in earlier.get(path).cookies
    assert page.get("/account/").status_code == 200


def test_of_a_page_that_was_silent_too_long(asked_before, ana):
    _, earlier = asked_before(ana)
    silence = timezone.now() - settings.SESSION_IDLE_PATIENT
    Session.objects.filter(user=ana.user).update(last_active_at=silence)
    assert COOKIE not in earlier.get("/session/").cookies


@pytest.fixture
def changed(client_for, ana, rf):
    """The middleware, and a request of Ana's that has changed something in her session."""
    middleware = SessionCookie(lambda request: HttpResponse())
    request = rf.get("/")
    request.COOKIES[COOKIE] = client_for(ana).session.session_key
    middleware.process_request(request)
    request.session["colour"] = "blue"
    return middleware, request


def test_a_change_in_a_session_gives_no_key_twice(changed, ana):
    middleware, request = changed
    assert COOKIE not in middleware.process_response(request, HttpResponse()).cookies
    assert Session.objects.get(user=ana.user).get_decoded()["colour"] == "blue"


def test_a_change_in_a_session_that_has_ended_meanwhile_is_refused(changed, ana):
    middleware, request = changed
    Session.objects.filter(user=ana.user).delete()
    with pytest.raises(SessionInterrupted):
        middleware.process_response(request, HttpResponse())


def test_signing_out_takes_the_cookie(client_for, ana):
    cookie = client_for(ana).post("/sign-out/").cookies[COOKIE]
    assert (cookie.value, cookie["max-age"], cookie["path"]) == ("", 0, "/")


def test_signing_out_without_a_session_takes_a_dead_cookie_too(client):
    client.cookies[COOKIE] = "x" * 32
    assert client.post("/sign-out/").cookies[COOKIE]["max-age"] == 0
