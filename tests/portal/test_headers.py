"""Security headers, on every kind of answer."""

import pytest
from django.test import Client, override_settings

from tests.cast import PASSWORD

pytestmark = pytest.mark.usefixtures("db")


def _redirect(client_for, cast):
    return client_for(cast.ana).get("/")


def _page(client_for, cast):
    return client_for(cast.ada).get(f"/patients/{cast.ana.patient.pk}/")


def _fragment(client_for, cast):
    return client_for(cast.ada).get(
        f"/patients/{cast.ana.patient.pk}/team/", headers={"hx-request": "true"}
    )


def _static(client_for, cast):
    response = Client().get("/static/css/tokens.css")
    response.close()
    return response


ANSWERS = {
    "sign-in": lambda client_for, cast: Client().get("/sign-in/"),
    "refused sign-in": lambda client_for, cast: Client().post("/sign-in/", {}),
    "redirect": _redirect,
    "page": _page,
    "fragment": _fragment,
    "json": lambda client_for, cast: client_for(cast.ana).get("/session/"),
    "401": lambda client_for, cast: Client().get("/home/", headers={"hx-request": "true"}),
    "403": lambda client_for, cast: Client(enforce_csrf_checks=True).post("/sign-in/"),
    "404": lambda client_for, cast: Client().get("/nowhere/"),
    "405": lambda client_for, cast: Client().get("/sign-out/"),
    "413": lambda client_for, cast: Client().post(
        "/sign-in/", "x" * 1_000_001, content_type="text/plain"
    ),
    "admin": lambda client_for, cast: client_for(cast.admin).get("/admin/"),
    "health": lambda client_for, cast: Client().get("/healthz"),
    "static": _static,
    "poll": lambda client_for, cast: Client().post("/realtime/changes"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_answer_says_what_a_browser_may_do_with_it(kind, client_for, cast):
    headers = ANSWERS[kind](client_for, cast).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] in {"same-origin", "no-referrer"}
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    if kind != "static":
        policy = headers["Content-Security-Policy"]
        for directive in (
            "default-src 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        ):
            assert directive in policy
        assert "unsafe-inline" not in policy.replace("style-src-attr 'unsafe-inline'", "")
        assert headers["Cache-Control"] == "no-store"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Frame-Options"] == "DENY"
        assert "geolocation=()" in headers["Permissions-Policy"]


@pytest.mark.parametrize("kind", [kind for kind in ANSWERS if kind != "admin"])
def test_only_the_administration_compiles_expressions(kind, client_for, cast):
    policy = ANSWERS[kind](client_for, cast).headers.get("Content-Security-Policy", "")
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in policy


def test_the_cookie_of_the_session_is_out_of_reach_of_scripts(client, ana, settings):
    client.post("/sign-in/", {"username": ana.user.email, "password": PASSWORD})
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["domain"]
    assert len(cookie.value) >= 32


def test_behind_tls_everything_is_over_tls(ana):
    with override_settings(
        SECURE_SSL_REDIRECT=True,
        SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
        SECURE_HSTS_SECONDS=63_072_000,
        SECURE_HSTS_INCLUDE_SUBDOMAINS=True,
    ):
        browser = Client()
        assert browser.get("/sign-in/").url == "https://testserver/sign-in/"
        over_tls = browser.get("/sign-in/", headers={"x-forwarded-proto": "https"})
        assert "max-age=63072000; includeSubDomains" in over_tls["Strict-Transport-Security"]


SAID = """
from portal import settings as s
print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE)
print(s.SECURE_HSTS_SECONDS > 31e6)
"""


def test_in_production_cookies_carry_the_host_prefix():
    """Read from the settings' own file, as a deployment without INSECURE_HTTP would."""
    import os
    import subprocess
    import sys

    environment = {
        name: value for name, value in os.environ.items() if name not in {"INSECURE_HTTP", "DEMO"}
    }
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            SAID,
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert said == ["__Host-vigil-session", "__Host-vigil-csrf", "True", "True", "True"]
