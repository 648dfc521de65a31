"""Writing past a table's triggers."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def switched_off(cursor, table: str) -> Iterator[None]:
    """The owner's triggers of a table do nothing; afterwards each is in its own mode again.

    `ENABLE TRIGGER USER` would not do: those that fire for a replica too would no longer.
    """
    cursor.execute(
        "SELECT tgname, tgenabled FROM pg_trigger"
        " WHERE tgrelid = %s::regclass AND NOT tgisinternal",
        [table],
    )
    triggers = cursor.fetchall()
    cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    try:
        yield
    finally:
        for name, mode in triggers:
            always = "ALWAYS " if mode == "A" else ""
            cursor.execute(f"ALTER TABLE {table} ENABLE {always}TRIGGER {name}")
