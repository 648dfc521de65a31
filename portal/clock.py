"""What time it is, where it decides what is due: the database's clock, which all processes share.

A process whose own clock is behind would tell people late, and take what another one wrote for
something that has not happened yet. Inside a query, `Now()` says the same.
"""

from datetime import datetime

from django.db import connection


def now() -> datetime:
    """The instant, by the database; costs a question. It moves on inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        instant: datetime = cursor.fetchone()[0]
    return instant
