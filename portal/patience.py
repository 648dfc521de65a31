"""How long a transaction waits for what another one has locked, and what ends such a wait.

The server ends whoever has vanished or stands still (`portal.embedded.roles`), and nobody waits for
longer than that: who has is told so (`portal.operations.outage`). What serves all clinics in turn
waits less: one row that is held must not keep the others' alerts waiting. Of those who wait for one
another the server ends one, whose transaction is undone like that of one who waited too long.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg.errors
from django.db import OperationalError, connection

from portal import tenancy

# Somebody who only works holds an alert for some hundredths of a second.
SECONDS = 2
# What the server says to a transaction that it undid for another one's sake: it waited too long, it
# was one of several that waited in a ring, or what it wanted to change is another row by now, where
# somebody has set transactions further apart. Asked again, it may well be granted.
_GAVE_WAY = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)


class StillHeld(Exception):
    """Another transaction holds what this one wants, and this one gave way."""


@contextmanager
def acting_in_turn(organization_id: UUID | str) -> Iterator[None]:
    """Open a transaction of the system's in one of many organizations (`tenancy.acting_for`).

    Raises StillHeld when a statement, or the commit with its foreign keys, waits for longer than
    `SECONDS`, or is ended in a deadlock; nothing is written then.
    """
    try:
        with tenancy.acting_for(organization_id, system=True):
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{SECONDS}s"])
            yield
    except OperationalError as error:
        if is_held(error):
            raise StillHeld from error
        raise


def is_held(error: BaseException | None) -> bool:
    """Whether this says that the transaction was undone because of what another one holds."""
    return isinstance(error, OperationalError) and isinstance(error.__cause__, _GAVE_WAY)
