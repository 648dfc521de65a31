"""Settings: what two deployments may differ in, and what none may get wrong."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.http.request import validate_host

from portal.management.doctor.finding import Finding, judged, ok, problem, warning

# Said of what a demo or test does without on purpose; the line about TLS says it for all of them.
_OF_PLAIN_HTTP = {f"security.W{number:03}" for number in (4, 5, 8, 10, 11, 12, 16, 17, 18, 21)}


def look() -> Iterator[Finding]:
    """Keys, names, origins, the proxy's word, mail and the outside watch."""
    yield _transport()
    yield from _hosts()
    yield _origins()
    yield _proxy()
    yield from _mail()
    yield from _watch()
    yield _failpoints()
    yield judged(
        "Django's own deployment checks find nothing",
        [
            f"{message.id}: {message.msg.splitlines()[0].rstrip('.')}"
            for message in checks.run_checks(include_deployment_checks=True)
            if message.level >= checks.WARNING
            and not (settings.INSECURE_HTTP and message.id in _OF_PLAIN_HTTP)
        ],
        "Each number is explained by Django's page on system checks",
    )


def _transport() -> Finding:
    if not settings.INSECURE_HTTP:
        return ok("Pages, cookies and sockets need TLS")
    if settings.DEMO:
        return warning("A demo: plain HTTP, for this machine only", "Never show it to patients")
    return problem(
        "INSECURE_HTTP is on: passwords and records travel in the clear",
        "Unset INSECURE_HTTP and put a proxy that ends TLS in front (docs/deployment)",
    )


def _hosts() -> Iterator[Finding]:
    hosts = settings.ALLOWED_HOSTS
    if "*" in hosts:
        yield problem(
            "ALLOWED_HOSTS lets every name in: sockets accept pages of any host",
            "Set ALLOWED_HOSTS to the names people type",
        )
    else:
        yield ok(f"The portal answers to {', '.join(hosts)}")
    if not settings.SITE_URL:
        yield warning(
            "SITE_URL is not set: links in e-mails begin with whatever host a request named",
            "Set SITE_URL to the address people type, https://portal.example",
        )
        return
    host = urlsplit(settings.SITE_URL).hostname or ""
    if validate_host(host, hosts):
        yield ok(f"Links lead to {settings.SITE_URL}, where the portal answers")
    else:
        yield problem(
            f"SITE_URL names {host}, which is not in ALLOWED_HOSTS: every link in an e-mail fails",
            f"Add {host} to ALLOWED_HOSTS, or correct SITE_URL",
        )


def _origins() -> Finding:
    origins = settings.REALTIME_ALLOWED_ORIGINS
    wrong = []
    for origin in origins:
        url = urlsplit(origin)
        if url.scheme not in {"http", "https"} or not url.hostname or url.path.strip("/"):
            wrong.append(f"“{origin}” is no origin: it never matches")
        elif "*" in origin:
            wrong.append(f"“{origin}” holds a wildcard: it never matches")
        elif url.scheme == "http" and not settings.INSECURE_HTTP:
            wrong.append(f"“{origin}” is not https: anybody on the way may be that page")
    return judged(
        "Sockets are opened by pages of the portal"
        + (f" and of {', '.join(origins)}" if origins else " only"),
        wrong,
        "REALTIME_ALLOWED_ORIGINS holds addresses like https://other.example, nothing after it",
    )


def _proxy() -> Finding:
    trusted = os.environ.get("FORWARDED_ALLOW_IPS", "")
    if settings.INSECURE_HTTP:
        return ok("No proxy is expected in front")
    if not trusted:
        return warning(
            "FORWARDED_ALLOW_IPS is not set: only a proxy on this machine is believed about who"
            " its clients are; behind any other, all of them share one lockout",
            "Set it to the proxy's address, for the web processes and here",
        )
    if trusted == "*":
        return ok("Every peer is believed about who its clients are: only the proxy may reach us")
    return ok(f"Proxies at {trusted} are believed about who their clients are")


def _mail() -> Iterator[Finding]:
    if not settings.EMAIL_HOST and settings.DEMO:
        place = f"kept in {settings.DEMO_MAIL_FILE}" if settings.DEMO_MAIL_FILE else "not sent"
        yield warning(f"A demo: e-mails are {place}", "Set EMAIL_HOST to have them sent")
    elif not settings.EMAIL_HOST:
        yield problem(
            "EMAIL_HOST is not set: nobody is told of the auditor's alarms; invitations, links to"
            " a new password and escalations by e-mail go nowhere",
            "Set EMAIL_HOST and its user, and FROM_EMAIL (docs/notifications.md)",
        )
    elif settings.DEFAULT_FROM_EMAIL.endswith("@localhost"):
        yield problem(
            "FROM_EMAIL is not set: most servers refuse mail from “localhost”",
            "Set FROM_EMAIL to an address of yours",
        )
    else:
        yield ok(f"E-mail goes out through {settings.EMAIL_HOST}")


def _watch() -> Iterator[Finding]:
    if settings.HEARTBEAT_URL:
        yield ok("A dead man's switch outside hears of every look of the auditor")
    else:
        yield warning(
            "HEARTBEAT_URL is not set: nobody outside notices when all of this falls silent",
            "Set it to a dead man's switch (docs/alerts.md)",
        )


def _failpoints() -> Finding:
    if settings.REALTIME_FAILPOINTS and not settings.DEMO:
        return problem(
            "REALTIME_FAILPOINTS is on: a test may stop the engine wherever it likes",
            "Unset it and restart",
        )
    return ok("Failpoints are off")
