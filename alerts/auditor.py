"""The auditor: proves, again and again, that no critical alert has been left to silence.

It runs in the relay's leader and not in the job worker, because the worker is what it watches. It
reads counts as the engine role, opens an alarm for what is wrong (`AuditorAlarm`), and tells the
administrators by e-mail straight from this process: a way that needs no job. Of an alarm that
nobody could be told of the guard hears (`portal.operations`), who has other ways. Each look that
succeeded is told to HEARTBEAT_URL, a dead man's switch outside, so that somebody notices the
auditor's own silence too. No look waits for whoever is told.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.request import Request, urlopen

import psycopg
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string

from alerts.models import AuditorAlarm
from notifications.channels import email
from realtime.engine_connection import connect

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 10.0
LATE_AFTER = timedelta(seconds=60)
# The worker gives a sign of life every ten seconds.
WORKER_SILENT_AFTER = timedelta(seconds=60)
HEARTBEAT_SECONDS = 5.0

_process_began = time.monotonic()


async def audit() -> None:
    """Look every ten seconds, until cancelled. Raises an ExceptionGroup without a database.

    In a process that has just begun after ten: where everything is started together, the worker
    begins too, and an e-mail that is wrong after each start is one that nobody reads.
    """
    async with await connect("auditor") as connection, asyncio.TaskGroup() as beside:
        telling = _Chore(beside, lambda: tell(connection))
        beating = _Chore(beside, beat)
        await asyncio.sleep(_process_began + LOOK_EVERY_SECONDS - time.monotonic())
        while True:
            if await look(connection) is not None:
                telling.begin()
                beating.begin()
            await asyncio.sleep(LOOK_EVERY_SECONDS)


class _Chore:
    """What is done beside the looks, one at a time: asked again meanwhile, it goes on."""

    def __init__(
        self, beside: asyncio.TaskGroup, work: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        self._beside, self._work = beside, work
        self._under_way: asyncio.Task[None] | None = None

    def begin(self) -> None:
        if self._under_way is None or self._under_way.done():
            self._under_way = self._beside.create_task(self._work())


async def look(connection: psycopg.AsyncConnection[Any]) -> int | None:
    """Look once; return how many alarms are open, or None when nothing at all was seen."""
    cursor = await connection.execute(
        "SELECT looked_at, open_alarms FROM alerts_audit(%s, %s)", [LATE_AFTER, WORKER_SILENT_AFTER]
    )
    row = await cursor.fetchone()
    organizations, alarms = row or (0, 0)
    if not organizations:
        # Seeing nobody is an error of the auditor's own eyes, and not good news.
        logger.error("The auditor sees no organization at all.")
        return None
    return int(alarms)


async def tell(connection: psycopg.AsyncConnection[Any]) -> None:
    """Tell what is due to be told. An alarm that nobody was told of stays due."""
    cursor = await connection.execute(
        "SELECT alarm, kind, number, addresses FROM alerts_alarms_to_tell()"
    )
    for alarm, kind, number, addresses in await cursor.fetchall():
        logger.error("The auditor found: %s (%s).", AuditorAlarm.Kind(kind).label, number)
        if not email.is_on():
            logger.error("Nobody can be told of it: EMAIL_HOST is not set.")
        elif not addresses:
            logger.error("Nobody can be told of it: there is no administrator.")
        elif await asyncio.to_thread(_mail, kind, number, addresses):
            await connection.execute("SELECT alerts_alarm_told(%s)", [alarm])


def _mail(kind: str, number: int, addresses: list[str]) -> bool:
    """Send one e-mail; whether it went. What did not go is tried at a later look."""
    body = render_to_string(
        "alerts/mail/alarm.txt", {"what": AuditorAlarm.Kind(kind).label, "number": number}
    )
    try:
        send_mail("Vigil needs you now", body, settings.DEFAULT_FROM_EMAIL, addresses)
    except OSError as error:
        # Of an SMTP error too, which is an OSError: its text may quote an address.
        logger.error("The auditor's e-mail did not go (%s).", type(error).__name__)
        return False
    return True


async def beat() -> None:
    """Say outside that a look was done. A switch that draws its answer out hears no other beat."""
    if settings.HEARTBEAT_URL:
        await asyncio.to_thread(_beat)


def _beat() -> None:
    # The scheme was checked with the setting.
    request = Request(settings.HEARTBEAT_URL, headers={"User-Agent": "vigil"})  # noqa: S310
    with suppress(OSError), urlopen(request, timeout=HEARTBEAT_SECONDS):  # noqa: S310
        return
    logger.warning("The dead man's switch could not be told.")
