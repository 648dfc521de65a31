"""Bodies that a page would never send."""

import json

import pytest

DEEP = '{"path": ' + "[" * 100_000 + "]" * 100_000 + "}"


@pytest.mark.parametrize(
    "body", [DEEP, '{"path": ' + "9" * 10_000 + "}", "[]", "\x00", json.dumps({"path": "\ud800"})]
)
@pytest.mark.parametrize(
    ("address", "status"), [("/account/kept-text/", 400), ("/realtime/changes", (413, 422))]
)
def test_a_body_that_is_none_is_refused_and_breaks_nothing(client_for, ana, address, status, body):
    answer = client_for(ana).post(address, body, content_type="application/json")

    assert answer.status_code in ((status,) if isinstance(status, int) else status)


@pytest.mark.parametrize("address", ["/account/kept-text/", "/realtime/changes", "/session/"])
def test_nothing_is_written_without_the_proof_of_a_page(client_for, ana, address):
    client = client_for(ana, enforce_csrf_checks=True)
    client.handler.enforce_csrf_checks = True

    assert client.post(address, "{}", content_type="application/json").status_code == 403


def test_text_that_is_no_text_is_not_kept(client_for, ana):
    body = json.dumps({"path": "/messages/", "field": "message", "text": "\ud800"})
    answer = client_for(ana).post("/account/kept-text/", body, content_type="application/json")

    assert answer.status_code == 400
