"""What PostgreSQL's planner is told where its own figures may be of another hour."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def in_order_of_an_index() -> Iterator[None]:
    """Have what is asked here, inside a transaction, take its rows in the order of an index.

    The first of a queue costs nothing then, however long it is. The planner sorts the whole queue
    instead where it was nearly empty when its figures were taken: for each row until the next
    ANALYZE, which an import does not wait for.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")
    yield
    # Not in a `finally`: an exception undoes it with its transaction, which takes no statement.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort TO DEFAULT")
