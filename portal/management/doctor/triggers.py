"""Triggers: installed, switched on, and as the models declare them.

A declaration that was changed without a migration leaves the old trigger in place and everything
green: so each installed one is compared with what its model says now.
"""

import json
from collections.abc import Iterator
from typing import Any

import pgtrigger
from django.conf import settings

from portal.management.doctor.catalogue import ENGINE, our_models, rows
from portal.management.doctor.finding import Finding, judged, problem
from realtime.triggers import Publish

# Publish installs four, which fire for a replica's bulk load too.
_ALWAYS, _ON = "A", "O"
_PARTS = ("update", "delete", "truncate")

_MIGRATE = "Run manage.py migrate, and manage.py makemigrations --check where the code is developed"
_RESTORE = (
    "ALTER TABLE … ENABLE ALWAYS TRIGGER … as the owner; ENABLE TRIGGER if it does not publish"
)
_READ_AGAIN = "nothing: the relay orders a resync by itself; see the inbox and the dead letters"


def look() -> Iterator[Finding]:
    """Declared against installed, and the engine's own memory of what it publishes."""
    declared = _declared()
    installed = _installed()
    missing, outdated, switched_off = [], [], []
    for (table, name), (_, compiled) in declared.items():
        if (table, name) not in installed:
            missing.append(f"{table} lacks {name}")
        elif installed[table, name][0] != compiled.hash:
            outdated.append(f"{name} of {table} is of another version")
    for (table, name), enabled in _expected(declared).items():
        if (table, name) not in installed:
            missing.append(f"{table} lacks {name}")
        elif installed[table, name][1] != enabled:
            switched_off.append(f"{name} of {table} is switched off")
    yield judged(f"{len(declared)} declared triggers are installed", sorted(set(missing)), _MIGRATE)
    yield judged("Installed triggers are as declared", outdated, _MIGRATE)
    yield judged("Triggers are switched on", switched_off, _RESTORE)
    yield judged(
        "No trigger is left over from an earlier version",
        [
            f"{table} has {name}, which nobody declares"
            for table, name in installed
            if name.startswith("pgtrigger_") and (table, name) not in declared
        ],
        f"DROP TRIGGER … as the owner, or {_MIGRATE[0].lower()}{_MIGRATE[1:]}",
    )
    if ENGINE in settings.DATABASES:
        yield _published(declared)
        yield _missed()


Declared = dict[tuple[str, str], tuple[Any, Any]]


def _declared() -> Declared:
    """By table and trigger's name: the declaration and its compiled form."""
    return {
        (model._meta.db_table, trigger.get_pgid(model)): (trigger, trigger.compile(model))
        for model in our_models()
        for trigger in getattr(model._meta, "triggers", ())
        if isinstance(trigger, pgtrigger.Trigger)
    }


def _expected(declared: Declared) -> dict[tuple[str, str], str]:
    """How each trigger, and each further one that Publish makes, should be enabled."""
    expected = {}
    for (table, name), (trigger, _) in declared.items():
        if isinstance(trigger, Publish):
            suffix = name.removeprefix("pgtrigger_")
            expected[table, name] = _ALWAYS
            for part in _PARTS:
                expected[table, f"realtime_{part}_{suffix}"] = _ALWAYS
        else:
            expected[table, name] = _ON
    return expected


def _installed() -> dict[tuple[str, str], tuple[str, str]]:
    """By table and name: the version's mark and how it is enabled."""
    return {
        (table, name): (mark or "", enabled)
        for table, name, mark, enabled in rows(
            "SELECT relname, tgname, obj_description(t.oid, 'pg_trigger'), tgenabled"
            " FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = tgrelid"
            " WHERE relnamespace = 'public'::regnamespace AND NOT tgisinternal"
            " AND NOT relispartition"
        )
    }


def _published(declared: Declared) -> Finding:
    """What the database would publish of a table, against what its model allows."""
    found = {
        (table, name): _words(arguments)
        for table, name, arguments in rows(
            "SELECT table_name, trigger_name, arguments FROM realtime_published", using=ENGINE
        )
    }
    wrong = []
    for (table, name), (trigger, compiled) in declared.items():
        if not isinstance(trigger, Publish):
            continue
        columns, topics = found.pop((table, name), (set(), set()))
        if not columns:
            wrong.append(f"{table} is not live")
        wrong += [
            f"{table} publishes by other words than its model: {word}"
            for word in columns | topics
            if f"'{word}'" not in compiled.install_sql
        ]
    wrong += [f"{table} is published, and no model says so" for table, _ in found]
    return judged("Every table that should be live is live, with its columns", wrong, _MIGRATE)


def _words(arguments: str) -> tuple[set[str], set[str]]:
    kept = json.loads(arguments)
    return set(kept["columns"]), set(kept["topics"])


def _missed() -> Finding:
    missed, seen = rows(
        "SELECT last_value, missed_seen FROM realtime_missed, realtime_relay", using=ENGINE
    )[0]
    if missed > seen:
        return problem(
            f"{missed - seen} changes could not be published and wait for a resync",
            f"See that a relay leads; then {_READ_AGAIN}",
        )
    return judged("No change slipped past its trigger unanswered", [], "")
