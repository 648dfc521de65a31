"""What is answered when something is not there, not allowed, too large or broken."""

import pytest
from django.conf import settings
from django.test import Client, RequestFactory

from portal.views import errors

pytestmark = pytest.mark.usefixtures("db")


def test_unknown_foreign_and_malformed_are_the_same_to_the_last_byte(client_for, ada, carla):
    client = client_for(ada)
    answers = [
        client.get(path)
        for path in (
            "/nowhere/",
            f"/patients/{carla.patient.pk}/",
            "/patients/00000000-0000-0000-0000-000000000000/",
            "/patients/nonsense/",
            "/home/",
        )
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


def test_a_stranger_gets_that_page_too(client, client_for, ada):
    assert client.get("/nowhere/").content == client_for(ada).get("/nowhere/").content


def test_it_leads_on_and_names_nobody(client_for, ada):
    page = client_for(ada).get("/nowhere/").content.decode()
    assert 'href="/"' in page
    assert "Ada" not in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "/sign-out/"), ("post", "/home/"), ("put", "/sign-in/"), ("delete", "/patients/")],
)
def test_a_wrong_method_gets_words_and_says_which_would_do(client_for, cast, method, path):
    client = client_for(cast.ana if path == "/home/" else cast.ada)
    response = getattr(client, method)(path)
    assert response.status_code == 405
    assert response["Allow"]
    assert "This page works another way" in response.content.decode()


def test_a_form_of_a_page_that_was_open_too_long_says_so(ana):
    client = Client(enforce_csrf_checks=True)
    response = client.post("/sign-in/", {"username": ana.user.email, "password": "x"})
    assert response.status_code == 403
    page = response.content.decode()
    assert "was open for a long time" in page
    assert "Go back" in page


def test_a_body_over_the_limit_is_refused(client_for, ana):
    response = client_for(ana).post(
        "/account/kept-text/",
        "x" * (settings.MAX_BODY_BYTES + 1),
        content_type="application/json",
    )
    assert response.status_code == 413


def test_too_many_fields_are_refused(client_for, ana):
    fields = {f"f{number}": "x" for number in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    assert client_for(ana).post("/account/theme/", fields).status_code == 400


def test_a_fault_of_ours_is_told_without_database_and_without_detail(
    client_for, ana, monkeypatch, django_assert_num_queries
):
    with django_assert_num_queries(0):
        response = errors.server_error(RequestFactory().get("/"))
    assert response.status_code == 500

    def broken(*args, **kwargs):
        raise RuntimeError("Ana Ruiz, potassium 6.4")

    monkeypatch.setattr("portal.views.account._context", broken)
    client = client_for(ana)
    client.raise_request_exception = False
    page = client.get("/account/")
    assert page.status_code == 500
    assert "potassium" not in page.content.decode()
    assert "Traceback" not in page.content.decode()


def test_error_pages_wear_the_chosen_colours(client_for, ana):
    client = client_for(ana)
    client.cookies["theme"] = "dark"
    assert 'data-theme="dark"' in client.get("/nowhere/").content.decode()


@pytest.mark.parametrize("path", ["/%00", "/patients/%00/", "/invitations/%ff/", "/" + "x" * 5000])
def test_bytes_that_are_no_address_are_no_fault_of_ours(client, path):
    assert client.get(path).status_code in {400, 404}
