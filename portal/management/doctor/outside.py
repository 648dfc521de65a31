"""The portal as the world reaches it: TLS, the proxy's headers, sockets through it, closed doors.

Asked only with `--site`, because it makes requests to the address of the portal.
"""

import http.client
import secrets
import ssl
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import urlsplit

from portal.management.doctor.finding import Finding, ok, problem, warning

TIMEOUT_SECONDS = 10.0
SOCKET = "/realtime/v1/websocket?vsn=2.0.0"

_PROXY = "Compare the proxy's configuration with docs/deployment/nginx.conf or Caddyfile"


def look(site: str) -> Iterator[Finding]:
    """Five requests to `site`, none of them signed in."""
    try:
        status, headers = _ask(site, "/healthz")
    except (OSError, http.client.HTTPException) as error:
        yield problem(f"{site} cannot be reached ({_words(error)})", _PROXY)
        return
    if status != 200:
        yield problem(
            f"{site}healthz answers {status}",
            "400: the proxy must pass the Host that was asked, and ALLOWED_HOSTS must name it;"
            " 301: it must send X-Forwarded-Proto: https; 502: no web process answers",
        )
        return
    yield ok(f"{site} answers")
    if urlsplit(site).scheme == "https":
        yield _strict(headers)
        yield _plain(site)
    yield _socket(site)
    yield _foreign_page(site)
    yield _closed(site)


def _ask(site: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str]]:
    url = urlsplit(site)
    assert url.hostname is not None
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        connection = http.client.HTTPSConnection(
            url.hostname,
            url.port,
            timeout=TIMEOUT_SECONDS,
            context=ssl.create_default_context(),
        )
    else:
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def _knock(site: str, origin: str) -> int:
    """Ask for a socket, as nobody; the status that comes back."""
    key = b64encode(secrets.token_bytes(16)).decode()
    status, _ = _ask(
        site,
        SOCKET,
        {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
            "Origin": origin,
        },
    )
    return status


def _socket(site: str) -> Finding:
    status = _knock(site, site.rstrip("/"))
    if status == 401:
        return ok("Sockets get through, and ask who is there")
    if status == 403:
        return problem(
            "Sockets of our own pages are refused: Origin and Host do not agree",
            "The proxy must pass the Host that was asked (Host $host), and ALLOWED_HOSTS name it",
        )
    return problem(
        f"Sockets do not get through ({status}): pages fall back to asking every 5 s",
        f"The proxy must pass Upgrade and Connection on, with HTTP/1.1. {_PROXY}",
    )


def _foreign_page(site: str) -> Finding:
    status = _knock(site, "https://foreign.example")
    if status == 403:
        return ok("Sockets of foreign pages are refused")
    return problem(
        f"A foreign page's socket is answered {status} and not 403",
        "The proxy must not rewrite Origin; REALTIME_ALLOWED_ORIGINS must not name strangers",
    )


def _strict(headers: dict[str, str]) -> Finding:
    if "max-age" in headers.get("strict-transport-security", ""):
        return ok("Browsers are told to come by TLS only")
    return problem(
        "Strict-Transport-Security is missing",
        "The proxy must send X-Forwarded-Proto: https and leave the header in the answer",
    )


def _plain(site: str) -> Finding:
    url = urlsplit(site)
    if url.port is not None:
        return ok("Whether plain HTTP is led to TLS was not looked at: the port is not the usual")
    try:
        status, headers = _ask(f"http://{url.hostname}/", "/sign-in/")
    except (OSError, http.client.HTTPException):
        return ok("Plain HTTP is closed")
    if status in {301, 302, 307, 308} and headers.get("location", "").startswith("https://"):
        return ok("Plain HTTP is led to TLS")
    return problem(f"Plain HTTP answers {status}", f"Redirect it to https. {_PROXY}")


def _closed(site: str) -> Finding:
    open_doors = [path for path in ("/metrics", "/health/realtime") if _ask(site, path)[0] == 200]
    if not open_doors:
        return ok("What machines watch is closed to the world")
    return warning(
        f"{' and '.join(open_doors)} answer to anybody",
        "The proxy must set X-Forwarded-For, and close them (docs/deployment)",
    )


def _words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return getattr(error, "strerror", None) or type(error).__name__
