"""How long a transaction waits for what another one has locked.

The server ends whoever has vanished or stands still (`portal.embedded.roles`), and nobody waits for
longer than that: who has is told so (`portal.operations.outage`). What serves all clinics in turn
waits less: one row that is held must not keep the others' alerts waiting.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg.errors
from django.db import OperationalError, connection

from portal import tenancy

# Somebody who only works holds an alert for some hundredths of a second.
SECONDS = 2


class StillHeld(Exception):
    """Another transaction holds what this one wants, and goes on holding it."""


@contextmanager
def acting_in_turn(organization_id: UUID | str) -> Iterator[None]:
    """Open a transaction of the system's in one of many organizations (`tenancy.acting_for`).

    Raises StillHeld when a statement, or the commit with its foreign keys, waits for longer than
    `SECONDS`; nothing is written then.
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
    """Whether this says that a wait for another transaction's lock was too long."""
    return isinstance(error, OperationalError) and isinstance(
        error.__cause__, psycopg.errors.LockNotAvailable
    )
