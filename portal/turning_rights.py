"""Rights that begin or end by the clock: the engine is told, as of every other change of rights.

Nobody writes a row when a place on a care team begins at eight, so no trigger tells. This looks
every second, beside the leading relay, and has PostgreSQL write the control events: whose right
turned is the business of `portal/sql/portal_tell_turned_rights.v1.sql`. Nothing is sent after the
end of a right without it, for a grant carries its end; that pages look again needs it.
"""

import asyncio
import logging
from datetime import datetime
from typing import Any

import psycopg

from realtime.engine_connection import connect

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 1.0


async def tell_turned_rights() -> None:
    """Look every second, through every absence of the database, until cancelled."""
    # Where the last look ended that succeeded. A new leader does not know how long nobody looked.
    since: datetime | None = None
    is_failing = False
    while True:
        try:
            async with await connect("turning rights") as connection:
                while True:
                    since = await look(connection, since)
                    is_failing = False
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
        except (psycopg.Error, OSError) as error:
            # Said once for each absence. The code and never the text, which may quote a row.
            if not is_failing:
                code = getattr(error, "sqlstate", None) or type(error).__name__
                logger.error("Rights that turn by the clock could not be told (%s).", code)
            is_failing = True
        await asyncio.sleep(LOOK_EVERY_SECONDS)


async def look(connection: psycopg.AsyncConnection[Any], since: datetime | None) -> datetime | None:
    """Tell whose right turned after `since`, None for a day ago; return where the next begins.

    Both are the database's time. Should its clock be put back, the next look begins earlier and
    tells again what turns again. Raises psycopg.Error.
    """
    cursor = await connection.execute("SELECT portal_tell_turned_rights(%s)", [since])
    row = await cursor.fetchone()
    return row[0] if row else since
