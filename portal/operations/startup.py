"""What must be true before anyone is served. A server that starts half is worse than none."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from asgiref.sync import sync_to_async
from django.db import Error, connections

from portal.operations.outage import is_outage, outage_sentence
from portal.operations.wellbeing import missing_migrations

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class CannotServe(Exception):
    """One sentence that says what is missing and how to get it."""


def refuse_unless_servable() -> None:
    """Raise CannotServe when the database is away or lacks migrations of this code."""
    try:
        _knock()
        missing = missing_migrations()
    except Error as error:
        if is_outage(error):
            raise CannotServe(outage_sentence(error)) from None
        raise CannotServe(
            "The database cannot be read as this role: run manage.py migrate with "
            "DATABASE_OWNER_URL set, then start again."
        ) from None
    if missing:
        shown = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise CannotServe(
            f"The database lacks {len(missing)} migrations of this version ({shown}): "
            "run manage.py migrate, then start again."
        )


def _knock() -> None:
    """Connect once beside the pool, which would only say that nothing came of waiting."""
    parameters = connections["default"].get_connection_params()
    parameters.pop("pool", None)
    with connections["default"].wrap_database_errors:
        psycopg.connect(**parameters).close()


class CheckedLifespan:
    """The ASGI lifespan of `inner`, which is only begun when the portal can serve."""

    def __init__(self, inner):
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        message = await receive()
        try:
            await sync_to_async(_check_once)()
        except CannotServe as refusal:
            await send({"type": "lifespan.startup.failed", "message": str(refusal)})
            return

        first: list[dict[str, Any]] = [message]

        async def receive_again() -> dict[str, Any]:
            return first.pop() if first else await receive()

        await self.inner(scope, receive_again, send)


def _check_once() -> None:
    try:
        refuse_unless_servable()
    finally:
        connections.close_all()
