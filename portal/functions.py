"""Installing SQL functions from their files, by migration.

A function lives in `portal/sql/<name>.v<n>.sql` (another app's in its own `sql/`) and is never
edited after a release: a change is `v<n+1>` and a new migration, so that the current truth is
always one readable file.
"""

import re
from pathlib import Path

from django.conf import settings
from django.db.migrations import RunSQL

FOLDER = Path(__file__).parent / "sql"
_HEAD = re.compile(r"CREATE OR REPLACE FUNCTION\s+(\w+)\s*\(([^)]*)\)", re.IGNORECASE)


def install(name: str, version: int, *, undo: str | None = None, folder: Path = FOLDER) -> RunSQL:
    """Return the operation that installs one file; `undo` replaces dropping its functions."""
    sql = (folder / f"{name}.v{version}.sql").read_text()
    # A function may speak of tables that later operations of the same migration make.
    forward = f"SET LOCAL check_function_bodies = off;\n{sql}\nRESET check_function_bodies;"
    if undo is None:
        undo = "\n".join(
            f"DROP FUNCTION IF EXISTS {function}({_types(arguments)}) CASCADE;"
            for function, arguments in reversed(_HEAD.findall(sql))
        )
    for function, arguments in _HEAD.findall(sql):
        # PostgreSQL lets everybody execute a new function. Those that are not the engine's answer
        # the application only; what a trigger calls needs no grant to anybody.
        if not function.startswith("realtime_"):
            signature = f"{function}({_types(arguments)})"
            forward += f"\nREVOKE ALL ON FUNCTION {signature} FROM PUBLIC;"
            forward += f"\nGRANT EXECUTE ON FUNCTION {signature} TO {settings.APP_ROLE};"
    # One string and not a list: psycopg sends it whole, and `;` inside bodies stays unharmed.
    return RunSQL(sql=[forward], reverse_sql=[undo])


def _types(arguments: str) -> str:
    """The types of "who uuid, kind text", without the names."""
    return ", ".join(part.split()[-1] for part in arguments.split(",") if part.strip())
