"""The auditor: proves, again and again, that no critical alert has been left to silence.

It runs in the relay's leader and not in the job worker, because the worker is what it watches. It
reads counts as the engine role, opens an alarm for what is wrong (`AuditorAlarm`), and tells the
administrators by e-mail straight from this process: a way that needs no job. Each look that
succeeded is told to HEARTBEAT_URL, a dead man's switch outside, so that somebody notices the
auditor's own silence too.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.request import Request, urlopen

import psycopg
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string

from alerts.models import AuditorAlarm
from realtime.engine_connection import connect

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 10.0
LATE_AFTER = timedelta(seconds=60)
# The worker gives a sign of life every ten seconds.
WORKER_SILENT_AFTER = timedelta(seconds=60)
HEARTBEAT_SECONDS = 5.0


async def audit() -> None:
    """Look every ten seconds, until cancelled. Raises psycopg.Error when the database is away."""
    async with await connect("auditor") as connection:
        while True:
            await look(connection)
            await asyncio.sleep(LOOK_EVERY_SECONDS)


async def look(connection: psycopg.AsyncConnection[Any]) -> int:
    """Look once, tell what is new, and say outside that it was done; return the open alarms."""
    cursor = await connection.execute(
        "SELECT looked_at, open_alarms FROM alerts_audit(%s, %s)", [LATE_AFTER, WORKER_SILENT_AFTER]
    )
    row = await cursor.fetchone()
    organizations, alarms = row or (0, 0)
    if not organizations:
        # Seeing nobody is an error of the auditor's own eyes, and not good news.
        logger.error("The auditor sees no organization at all.")
        return 0
    await _tell(connection)
    await asyncio.to_thread(_beat)
    return int(alarms)


async def _tell(connection: psycopg.AsyncConnection[Any]) -> None:
    cursor = await connection.execute(
        "SELECT alarm, kind, number, addresses FROM alerts_alarms_to_tell()"
    )
    for alarm, kind, number, addresses in await cursor.fetchall():
        logger.error("The auditor found: %s (%s).", AuditorAlarm.Kind(kind).label, number)
        if not addresses:
            continue
        if await asyncio.to_thread(_mail, kind, number, addresses):
            await connection.execute("SELECT alerts_alarm_told(%s)", [alarm])


def _mail(kind: str, number: int, addresses: list[str]) -> bool:
    """Send one e-mail; whether it went. What did not go is tried at the next look."""
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


def _beat() -> None:
    if not settings.HEARTBEAT_URL:
        return
    # The scheme was checked with the setting.
    request = Request(settings.HEARTBEAT_URL, headers={"User-Agent": "vigil"})  # noqa: S310
    with suppress(OSError), urlopen(request, timeout=HEARTBEAT_SECONDS):  # noqa: S310
        return
    logger.warning("The dead man's switch could not be told.")
