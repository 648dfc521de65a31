"""Before a socket is open: who is let in, and how the others are turned away."""

import io
import json
import logging
import logging.config

import pytest
from websockets.exceptions import InvalidStatus

from portal import logs


def refused(wire, *arguments, **options):
    """The status and the text that a handshake is refused with."""
    with pytest.raises(InvalidStatus) as raised:
        wire(*arguments, **options)
    response = raised.value.response
    return response.status_code, json.loads(response.body)["error"]


def test_nobody_is_let_in_without_a_session(wire):
    assert refused(wire) == (401, "Sign in first")
    assert refused(wire, cookie="made-up") == (401, "Sign in first")


def test_a_page_of_somebody_else_is_not_let_in(wire, server, cookie_of, ana):
    cookie = cookie_of(ana)
    for origin in (
        None,
        "null",
        "https://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://127.0.0.1.evil.example:{port}",
        "http://evil.example:{port}",
        "http://localhost:{port}",
        "file://127.0.0.1:{port}",
        "http://127.0.0.1:{port}@evil.example",
        "http://[",
        "http://127.0.0.1:99999999",
    ):
        origin = origin and origin.format(port=server.port)
        assert refused(wire, cookie=cookie, origin=origin) == (403, "Origin not allowed")


def test_an_origin_that_the_settings_name_is_let_in(wire, ana, settings):
    settings.REALTIME_ALLOWED_ORIGINS = ["https://portal.example/"]
    wire(ana, origin="https://portal.example").live({"table": "goals"})


def test_a_host_that_we_are_not_is_no_origin_either(wire, ana, settings):
    settings.ALLOWED_HOSTS = ["portal.example"]
    assert refused(wire, ana)[0] == 403


def test_an_unknown_version_is_refused(wire, ana):
    for vsn in ("3.0.0", "x", ""):
        status, text = refused(wire, ana, vsn=vsn)
        assert (status, text) == (400, "Unknown vsn: 1.0.0 and 2.0.0 are spoken here")


def test_both_addresses_answer_and_others_do_not(wire, ana):
    wire(ana, path="/socket/websocket").live({"table": "goals"})
    assert refused(wire, ana, path="/elsewhere/websocket") == (404, "Not found")


def test_no_subprotocol_is_agreed_on(wire, ana):
    assert wire(ana).socket.subprotocol is None


def test_a_socket_that_opens_or_is_refused_writes_no_line(wire, ana):
    """The server and the library below it would write three, with its address; a herd is
    thousands."""
    nowhere = {"root": {"handlers": [], "level": "INFO"}}
    logging.config.dictConfig(logs.configuration(for_people=False) | nowhere)
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    handler.addFilter(lambda record: record.name.startswith(("uvicorn", "websockets")))
    logging.getLogger().addHandler(handler)
    try:
        wire(ana).live({"table": "goals"})
        assert refused(wire, ana, path="/elsewhere/websocket")[0] == 404
        logging.getLogger("uvicorn.error").info("Application startup complete.")
    finally:
        logging.getLogger().removeHandler(handler)
    assert heard.getvalue() == "Application startup complete.\n"
