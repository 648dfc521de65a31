"""Connections of the engine's own: as the engine role, direct, and quick to notice a dead peer.

Advisory locks and LISTEN belong to a session, so these must never go through a pooler that hands a
session to several clients: two relays would each be given the "exclusive" lock.
"""

from __future__ import annotations

from typing import Any

import psycopg
from django.conf import settings

from realtime.failpoints import failpoint

# A pulled cable is noticed within five seconds; the system's own default is two hours.
_KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
    "connect_timeout": 2,
}

# Nothing the engine does takes long; a statement that does is stuck behind something.
_LIMITS = "-c lock_timeout=2s -c statement_timeout=5s -c idle_in_transaction_session_timeout=5s"


def parameters(purpose: str) -> dict[str, Any]:
    """What psycopg needs to connect; `purpose` is the name the server shows for the connection."""
    database = settings.DATABASES["engine"]
    # Django's pool and psycopg's own arguments are not parameters of a connection.
    ignored = {"pool", "assume_role", "isolation_level", "server_side_binding", "connect_timeout"}
    options = {
        name: value for name, value in database.get("OPTIONS", {}).items() if name not in ignored
    }
    return {
        **options,
        "dbname": database["NAME"],
        "user": database["USER"],
        "password": database["PASSWORD"],
        "host": database["HOST"] or None,
        "port": database["PORT"] or None,
        **_KEEPALIVES,
        "application_name": f"vigil {purpose}",
        "options": f"{options.get('options', '')} {_LIMITS}".strip(),
    }


async def connect(purpose: str) -> psycopg.AsyncConnection[Any]:
    """A new connection in autocommit. Raises psycopg.OperationalError."""
    await failpoint("engine.connect")
    connection = await psycopg.AsyncConnection.connect(**parameters(purpose), autocommit=True)
    # The engine repeats a handful of statements: have the server plan them once.
    connection.prepare_threshold = 0
    return connection
