"""The debug snapshot (R28): one document for whoever helps from outside.

What runs in which version, which settings are there, what the doctor finds, how delivery went in
the last hour, what was found wrong, and how the newest events of the organization passed. Settings
by name alone; identifiers by a digest whose key is thrown away, so that one can be followed within
one snapshot and leads nowhere; of rows their size. Nothing of anybody's record, and no secret.
"""

import hashlib
import hmac
import platform
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime, timedelta
from importlib import metadata
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error, connections

from portal import environment
from portal.management.doctor.examination import Wishes, examine
from portal.operations import health, history, measures
from portal.operations.models import Finding, HubSample, OrganizationSample, StreamSample
from portal.operations.watching import as_json

HOUR = timedelta(hours=1)
FINDINGS_OF = timedelta(days=2)
EVENTS = 200
# So far back events are looked for: others fill the log too.
_LOOKED_THROUGH = 20_000

_PACKAGES = (
    *("django", "channels", "channels-redis", "uvicorn", "uvloop", "websockets", "httptools"),
    *("psycopg", "psycopg-pool", "procrastinate", "redis"),
)

_TRACE = """
    SELECT seq, kind, coalesce(operation, ''), coalesce(table_name, ''), coalesce(row_id, ''),
        topics, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        round(extract(epoch FROM sequenced_at - created_at) * 1000, 1)::float8,
        octet_length(concat(record, old_record))
    FROM realtime_events
    WHERE organization_id = %s AND seq > (SELECT last_seq - %s FROM realtime_relay)
    ORDER BY seq DESC LIMIT %s
"""


def taken(organization_id: UUID, now: datetime) -> dict[str, Any]:
    """The document; for JSON. Takes as long as the doctor does."""
    status, checks = health.judged(
        history.now_of_all(now), measures.of_stream(), history.silent(now)
    )
    return {
        "taken_at": now.isoformat(timespec="seconds"),
        "versions": _versions(),
        # Whether they are set, and never to what.
        "settings": dict(sorted(environment.asked().items())),
        "doctor": _apart(lambda: [asdict(finding) for finding in examine(Wishes())]),
        "health": {"status": status, "checks": as_json(checks)},
        "findings": _findings(now),
        "samples": _samples(organization_id, now),
        "events": _trace(organization_id),
    }


def _versions() -> dict[str, str]:
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            packages[name] = "not installed"
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        packages["postgresql"] = cursor.fetchone()[0]
    return {"python": platform.python_version(), "system": platform.system(), **packages}


def _apart(look: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Look on connections of its own: a question that fails would end the request's transaction."""

    def on_connections_of_its_own() -> list[dict[str, Any]]:
        try:
            return look()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(on_connections_of_its_own).result()


def _findings(now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "rule": finding.rule,
            "reason": finding.reason,
            "began_at": finding.began_at,
            "raised_at": finding.raised_at,
            "ended_at": finding.ended_at,
        }
        for finding in Finding.objects.filter(began_at__gt=now - FINDINGS_OF)
    ]


def _samples(organization_id: UUID, now: datetime) -> dict[str, list[dict[str, Any]]]:
    since = {"at__gt": now - HOUR}
    hubs = HubSample.objects.filter(**since).order_by("at")
    stream = StreamSample.objects.filter(**since).order_by("at")
    own = OrganizationSample.objects.filter(**since, organization_id=organization_id)
    return {
        "hubs": list(hubs.values(*_columns(HubSample))),
        "stream": list(stream.values(*_columns(StreamSample))),
        "own_sockets": list(own.order_by("at").values("at", "process", "sockets")),
    }


def _columns(model: type[HubSample | StreamSample]) -> list[str]:
    return [each.name for each in model._meta.fields if each.name not in {"id", "grain"}]


def _trace(organization_id: UUID) -> list[dict[str, Any]]:
    """How the newest events passed, newest first; none while the log cannot be read."""
    if "engine" not in settings.DATABASES:
        return []
    key = secrets.token_bytes(32)
    try:
        with connections["engine"].cursor() as cursor:
            cursor.execute(_TRACE, [organization_id, _LOOKED_THROUGH, EVENTS])
            events = cursor.fetchall()
    except Error:
        return []
    return [
        {
            "seq": seq,
            "kind": kind,
            "operation": operation,
            "table": table,
            "row": _digest(key, row),
            "topics": [_topic(key, topic) for topic in topics],
            "at": at,
            "waited_ms": waited,
            "bytes": size,
        }
        for seq, kind, operation, table, row, topics, at, waited, size in events
    ]


def _topic(key: bytes, topic: str) -> str:
    word, _, identifier = topic.partition(":")
    return f"{word}:{_digest(key, identifier)}"


def _digest(key: bytes, identifier: str) -> str:
    return hmac.digest(key, identifier.encode(), hashlib.sha256).hex()[:12] if identifier else ""
