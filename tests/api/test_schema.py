"""What the API says about itself, and that it keeps to it."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tests.api.fhir import PATH, issues

ROOT = Path(__file__).resolve().parents[2]


def test_the_description_names_every_address(client, db):
    answer = client.get("/api/schema/")
    assert answer.status_code == 200
    described = answer.json()
    assert described["openapi"].startswith("3.")
    assert {path: set(methods) for path, methods in described["paths"].items()} == {
        "/api/observations/": {"get", "post"},
        "/api/observations/_search": {"post"},
        "/api/observations/{observation_id}/": {"get"},
        "/api/appointments/": {"get", "post"},
        "/api/appointments/_search": {"post"},
        "/api/appointments/$find": {"post"},
        "/api/appointments/$hold": {"post"},
        "/api/appointments/$book": {"post"},
        "/api/appointments/{appointment_id}/": {"get", "put", "patch"},
        "/api/slots/": {"get"},
        "/api/slots/{slot_id}/": {"get"},
    }
    send = described["paths"]["/api/observations/"]["post"]
    assert set(send["responses"]) == {"200", "201", "400", "401", "403", "409", "413", "415",
                                      "422", "429"}  # fmt: skip
    assert "application/fhir+json" in send["requestBody"]["content"]
    assert set(described["components"]["securitySchemes"]) == {"ServiceKey", "PersonSession"}


def test_it_names_no_host(client, db):
    assert "://" not in json.dumps({**client.get("/api/schema/").json(), "components": {}}).replace(
        "http://loinc.org", ""
    )


def test_there_is_no_page_of_documentation(client, db):
    for path in ("/api/docs", "/api/docs/", "/api/redoc", "/api/nothing/"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert issues(answer) == [("", "not-found")]


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_wrong_method_is_said_in_the_apis_words(gateway, method):
    answer = getattr(gateway.client, method)(PATH)
    assert answer.status_code == 405
    assert issues(answer) == [("", "not-supported")]
    assert "POST" in answer["Allow"]


def test_a_fault_of_ours_tells_nothing(gateway, monkeypatch):
    from care.api import router

    def broken(*args):
        raise RuntimeError("CANARY")

    monkeypatch.setattr(router.searching, "found", broken)
    answer = gateway.get(PATH)
    assert answer.status_code == 500
    assert issues(answer) == [("", "exception")]
    assert "CANARY" not in answer.content.decode()


def test_errors_of_pages_stay_pages(db):
    assert Client().get("/nowhere/")["Content-Type"].startswith("text/html")


def test_the_page_for_integrators_says_the_same(client, db):
    """docs/integration.md names limits that live in the code."""
    from care.api.sending import MOST_ENTRIES
    from portal.management.commands.mllp import PORT
    from portal.management.hl7.listener import Limits

    page = " ".join((ROOT / "docs/integration.md").read_text().split())
    limits = Limits()
    for said in (
        f"a Bundle of up to {MOST_ENTRIES} in at most one million bytes",
        f"127.0.0.1:{PORT},",
        "A message may have a million bytes",
        f"{limits.connections} may be open",
        f"whole within {limits.message_seconds:.0f} s",
        "`/api/schema/`",
    ):
        assert said in page
    assert (settings.MAX_BODY_BYTES, limits.message_bytes) == (1_000_000, 1_000_000)
    assert limits.idle_seconds == 3_600
