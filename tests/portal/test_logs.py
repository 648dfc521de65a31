"""What the log says of a request, and what it never says."""

import io
import json
import logging
import re

import pytest
from django.test import Client

from portal import jobs, logs
from portal.models import Invitation
from tests.cast import PASSWORD, people


@pytest.fixture
def lines():
    """The lines that our own handler writes during a test, as they would reach a collector."""
    stream = io.StringIO()
    configuration = logs.configuration(for_people=False)
    logging.config.dictConfig({**configuration, "root": {"handlers": [], "level": "INFO"}})
    handler = logging.StreamHandler(stream)
    factory = {**configuration["formatters"]["lines"]}
    handler.setFormatter(factory.pop("()")(**factory))
    root = logging.getLogger()
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)


def requests_in(lines):
    return [line for line in lines() if line["event"] == "request"]


@pytest.mark.usefixtures("db")
def test_a_request_is_one_line_with_identifiers(lines, client_for, ana):
    response = client_for(ana).get("/account/?q=Ruiz")
    (line,) = requests_in(lines)
    assert line["path"] == "/account/"
    assert line["status"] == 200
    assert line["user"] == str(ana.user.pk)
    assert line["organization"] == str(ana.organization.pk)
    assert line["request_id"] == response["X-Request-Id"]


@pytest.mark.usefixtures("db")
def test_an_id_from_outside_is_not_believed(client_for, ana):
    response = client_for(ana).get("/account/", headers={"x-request-id": "forged\nline"})
    assert "forged" not in response["X-Request-Id"]


@pytest.mark.usefixtures("db")
def test_a_day_at_the_clinic_leaves_no_names_addresses_or_secrets(
    lines, client_for, ana, ada, admin, system, mailoutbox
):
    knocking = Client()
    for password in ("wrong one", PASSWORD):
        knocking.post("/sign-in/", {"username": ana.user.email, "password": password})
    for _ in range(7):
        Client().post("/sign-in/", {"username": ada.user.email, "password": "wrong one"})
    client_for(ada).post("/patients/", {"q": "Ruiz"})
    client_for(ada).get(f"/patients/{ana.patient.pk}/")
    with system():
        ana.patient.__class__.objects.filter(pk=ana.patient.pk).update(user=None)
    client_for(ada).post(
        f"/patients/{ana.patient.pk}/invitation/", {"email": "someone@new.example"}
    )
    with system():
        invitation = Invitation.objects.get()
    jobs.send_invitation(str(ada.organization.pk), str(invitation.pk), "http://testserver/")
    link = re.search(r"http://testserver(\S+)", mailoutbox[-1].body)[1]
    Client().get(link)
    Client().get(link + "broken")
    jobs.send_password_reset(str(ada.user.pk), "http://testserver/")
    reset = re.search(r"http://testserver(\S+)", mailoutbox[-1].body)[1]
    Client().get(reset)

    written = json.dumps(lines(), ensure_ascii=False)
    assert len(requests_in(lines)) > 10
    forbidden = {part for who in people() for part in (who.user.email, *who.user.name.split())}
    forbidden |= {"@", "wrong one", PASSWORD, "4471", "1964", link.split("/")[2]}
    forbidden |= set(reset.strip("/").split("/")[2:])
    found = {word for word in forbidden if re.search(rf"\b{re.escape(word)}\b", written)}
    assert not found


def test_an_exception_is_told_by_kind_and_place_without_its_words(lines):
    try:
        int("Ana Ruiz, potassium 6.4")
    except ValueError:
        logging.getLogger("portal.test").exception("It failed.")
    (line,) = lines()
    assert line["exception"] == "ValueError"
    assert "test_logs.py" in line["at"][-1]
    assert "Ana" not in json.dumps(line)


@pytest.mark.usefixtures("db")
def test_what_strangers_send_is_no_error_of_ours(lines):
    assert Client().get("/sign-in/", headers={"host": "elsewhere.example"}).status_code == 400
    fields = {str(number): "" for number in range(501)}
    assert Client().post("/sign-in/", fields).status_code in (400, 413)
    found = [line for line in lines() if line["logger"].startswith("django.security")]
    assert any("ALLOWED_HOSTS" in line["event"] for line in found)
    assert {line["level"] for line in lines()} <= {"info", "warning"}
    assert not any("exception" in line or "at" in line for line in lines())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sent to ana.ruiz+x@mail.example.org today", "sent to …@… today"),
        ("Not Found: /invitations/aBc-_123/", "Not Found: /invitations/…/"),
        ("Not Found: /calendar/aBc-_123/visits.ics", "Not Found: /calendar/…/"),
        ("GET /password/reset/MTIz/abc-def/", "GET /password/reset/…/"),
        ("GET /password/reset/sent/", "GET /password/reset/sent/"),
        ("GET /password/reset/", "GET /password/reset/"),
    ],
)
def test_what_slips_into_a_message_is_masked(text, expected):
    assert logs.masked(text) == expected


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece", ["a", "a.", "a@", "a@b-", "a@a.", "/calendar/", "vigil_", "@", "é"]
)
def test_a_text_without_end_holds_up_nobody(piece, lines):
    """Quadratic, a megabyte would take hours, and all sockets of the process with it."""
    logging.getLogger("portal").warning("A path: %s", "/" + piece * 300_000)
    (line,) = lines()
    assert len(line["event"]) <= logs.LONGEST + 1
