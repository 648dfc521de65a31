"""Functions of the database: each is the one that this version ships, word for word."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps

from portal.management.doctor.catalogue import our_models, rows
from portal.management.doctor.finding import Finding, judged
from realtime.sql_files import with_roles
from realtime.triggers import Publish

# Of a dependency; its migrations install them.
_OF_OTHERS = ("procrastinate_",)

_FILE = re.compile(r"(?P<name>.+)\.v(?P<version>\d+)\.sql")
_MADE = re.compile(
    r"CREATE (?:OR REPLACE )?FUNCTION\s+(?:\"?public\"?\.)?\"?(\w+)\"?\s*\("
    r".*?AS\s+(\$\w*\$)(.*?)\2",
    re.IGNORECASE | re.DOTALL,
)


def look() -> Iterator[Finding]:
    """None missing, none changed by hand."""
    made = _made(_shipped())
    # Made by the database itself, from the template in realtime_install_publish.
    generated = {
        trigger.get_pgid(model) for model, trigger in _triggers() if isinstance(trigger, Publish)
    }
    found = [
        (name, _plain(body))
        for name, body in rows(
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND NOT EXISTS (SELECT FROM pg_depend"
            "   WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')"
        )
        if not name.startswith(_OF_OTHERS)
    ]
    yield judged(
        f"{len(found)} functions are those of this version",
        [f"{name}() is missing" for name in (set(made) | generated) - {name for name, _ in found}]
        + [
            f"{name}() is not the one of this version"
            for name, body in found
            if name not in generated and body not in made.get(name, ())
        ],
        "Run manage.py migrate; if it has nothing to do, somebody changed them by hand: run the"
        " newest sql/*.sql file that makes the function, as the owner",
    )


def _made(scripts: list[str]) -> dict[str, set[str]]:
    """The bodies that functions of a name may have, a set because names may be overloaded."""
    bodies: dict[str, set[str]] = {}
    for script in scripts:
        for name, _, body in _MADE.findall(script):
            bodies.setdefault(name, set()).add(_plain(body))
    return bodies


def _shipped() -> list[str]:
    """The newest version of each SQL file of our apps, and what our triggers compile to."""
    newest: dict[Path, tuple[int, Path]] = {}
    for app in apps.get_app_configs():
        for path in (Path(app.path) / "sql").glob("*.sql"):
            match = _FILE.fullmatch(path.name)
            if match:
                version, stem = int(match["version"]), path.with_name(match["name"])
                newest[stem] = max(newest.get(stem, (0, path)), (version, path))
    return [with_roles(path.read_text(encoding="utf-8")) for _, path in newest.values()] + [
        trigger.compile(model).install_sql for model, trigger in _triggers()
    ]


def _triggers() -> list[tuple[Any, Any]]:
    return [
        (model, trigger)
        for model in our_models()
        for trigger in getattr(model._meta, "triggers", ())
    ]


def _plain(sql: str) -> str:
    return " ".join(sql.split())
