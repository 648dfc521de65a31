"""Where the log stands: what a page notes before it reads its data."""

from django.db import DEFAULT_DB_ALIAS, connections


def position(using: str = DEFAULT_DB_ALIAS) -> str:
    """The head of the log as "epoch:seq", seen by the caller's transaction.

    A page that takes it before reading its data, and opens its socket from there, misses nothing:
    what is committed in between is told again, which only refetches.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT epoch, last_seq FROM realtime_position()")
        epoch, last_seq = cursor.fetchone()
    return f"{epoch}:{last_seq}"
