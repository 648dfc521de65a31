"""The versioned SQL files, as operations of migrations.

A file is never edited after release: a change is the next version and a migration that names it.
"""

from pathlib import Path

from django.conf import settings
from django.db import migrations

from realtime.quoting import identifier

_FOLDER = Path(__file__).parent / "sql"


def script(name: str, version: int) -> str:
    """The text of realtime/sql/<name>.v<version>.sql with the names of this deployment's roles."""
    return with_roles((_FOLDER / f"{name}.v{version}.sql").read_text(encoding="utf-8"))


def with_roles(text: str) -> str:
    """SQL with `@owner@`, `@app@` and `@engine@` filled in."""
    return (
        text.replace("@owner@", identifier(settings.OWNER_ROLE))
        .replace("@app@", identifier(settings.APP_ROLE))
        .replace("@engine@", identifier(settings.ENGINE_ROLE))
    )


def installed(name: str, version: int = 1) -> migrations.RunSQL:
    """The operation that runs a file. It reverses to nothing: see `removed`."""
    return migrations.RunSQL(script(name, version), migrations.RunSQL.noop)


def removed(name: str, version: int = 1) -> migrations.RunSQL:
    """An operation that does nothing forwards and runs a file backwards."""
    return migrations.RunSQL(migrations.RunSQL.noop, script(name, version))


def of_kept_events(file: Path) -> list[migrations.RunSQL]:
    """The operations that change events which were told already: `@events@` in a product's file.

    The inbox comes first, committed before the log is looked at, so that what a relay moves in
    between is in the log by then: for a migration with `atomic = False`, after the one that changed
    the trigger. A cursor may still ask for what the log keeps; a web process that runs since before
    has some of it in memory.
    """
    text = file.read_text(encoding="utf-8")
    return [
        migrations.RunSQL([text.replace("@events@", table)], migrations.RunSQL.noop)
        for table in ("realtime_inbox", "realtime_events")
    ]
