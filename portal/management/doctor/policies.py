"""Row-level security: forced everywhere, and saying what the models declare.

A policy too many is as bad as one too few: policies of a table are joined by OR, so that one more
with `USING (true)` opens the table to everybody.
"""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import connections, models, transaction

from portal.global_tables import GLOBAL_TABLES
from portal.management.doctor.catalogue import our_models, rows, tables
from portal.management.doctor.finding import Finding, judged, ok
from portal.rls import Policy

_MIGRATE = "Run manage.py migrate; if it has nothing to do, somebody changed the policies by hand"
_COMMANDS = {"read": "SELECT", "insert": "INSERT", "update": "UPDATE", "delete": "DELETE"}
_ENGINE_PREFIX = "realtime_"

# (policy, command, roles, is it permissive)
Shape = tuple[str, str, tuple[str, ...], bool]


def look() -> Iterator[Finding]:
    """Forced, present, no others; and, where the owner's role is at hand, word for word."""
    declared = declared_policies()
    found = _found()
    yield _forced()
    differing = []
    for table in sorted(tables() | set(found)):
        if table.startswith(_ENGINE_PREFIX) and table not in declared:
            expected = _of_engine(table)
        else:
            expected = _shapes(declared[table][1]) if table in declared else set()
        differing += [f"{table} lacks {name}" for name, *_ in expected - found.get(table, set())]
        differing += [
            f"{table} has {name}, which nobody declared"
            for name, *_ in found.get(table, set()) - expected
        ]
    yield judged(f"{len(declared)} tables have the policies that are declared", differing, _MIGRATE)
    yield judged(
        "Views answer with the rights of whoever asks",
        [
            f"the view {name} answers as its owner"
            for (name,) in rows(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND (relkind = 'm' OR relkind = 'v'"
                " AND NOT coalesce(reloptions @> ARRAY['security_invoker=true'], false)"
                " AND NOT coalesce(reloptions @> ARRAY['security_invoker=on'], false))"
            )
        ],
        "ALTER VIEW … SET (security_invoker = on), or drop it",
    )
    if "owner" in settings.DATABASES:
        yield judged(
            "Every policy says what its model says", _reworded(declared), f"{_MIGRATE}: {_REDO}"
        )
    else:
        yield ok("What policies say was not compared: that needs DATABASE_OWNER_URL")


_REDO = "drop the policy and create it as docs/runbook.md shows"


def declared_policies() -> dict[str, tuple[type[models.Model], Policy]]:
    """The policy of each table that has one, with its model."""
    return {
        model._meta.db_table: (model, constraint)
        for model in our_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, Policy)
    }


def _forced() -> Finding:
    loose = rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)"
    )
    return judged(
        "Row-level security is forced on every table",
        [f"{name} does not force it" for (name,) in loose if name not in GLOBAL_TABLES],
        "ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, as the owner, now",
    )


def _shapes(policy: Policy) -> set[Shape]:
    owner = (f"{policy.name}_owner", "ALL", (settings.OWNER_ROLE,), True)
    return {owner} | {
        (f"{policy.name}_{suffix}", command, (settings.APP_ROLE,), True)
        for suffix, command in _COMMANDS.items()
    }


def _of_engine(table: str) -> set[Shape]:
    shapes: set[Shape] = {
        ("owner_all", "ALL", (settings.OWNER_ROLE,), True),
        ("engine_all", "ALL", (settings.ENGINE_ROLE,), True),
    }
    if table == "realtime_events":
        shapes.add(("app_read", "SELECT", (settings.APP_ROLE,), True))
    return shapes


def _found() -> dict[str, set[Shape]]:
    found: dict[str, set[Shape]] = {}
    for table, name, command, roles, permissive in rows(
        "SELECT p.tablename, p.policyname, p.cmd, p.roles::text[], p.permissive = 'PERMISSIVE'"
        " FROM pg_policies AS p JOIN pg_class AS c ON c.relname = p.tablename"
        " AND c.relnamespace = 'public'::regnamespace"
        " WHERE p.schemaname = 'public' AND NOT c.relispartition"
    ):
        found.setdefault(table, set()).add((name, command, tuple(sorted(roles)), permissive))
    return found


_SAID = (
    "SELECT polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)"
    " FROM pg_policy WHERE polrelid = %s::regclass"
)


def _reworded(declared: dict[str, tuple[type[models.Model], Policy]]) -> list[str]:
    """Policies whose condition is another one than the model's.

    PostgreSQL keeps conditions in words of its own, so the declared ones are given to a temporary
    table of the same name, and what it makes of both is compared. Nothing of that is kept.
    """
    different: list[str] = []
    connection = connections["owner"]
    with transaction.atomic(using="owner"):
        with connection.schema_editor(atomic=False, collect_sql=False) as editor:
            for table, (model, policy) in declared.items():
                different += _compared(connection, editor, table, model, policy)
            editor.deferred_sql.clear()
        transaction.set_rollback(True, using="owner")
    return different


def _compared(
    connection: Any, editor: Any, table: str, model: type[models.Model], policy: Policy
) -> list[str]:
    quoted = editor.quote_name(table)
    with connection.cursor() as cursor:
        cursor.execute(_SAID, [f"public.{quoted}"])
        said = {name: conditions for name, *conditions in cursor.fetchall()}
        cursor.execute(f"CREATE TEMP TABLE {quoted} (LIKE public.{quoted})")
        cursor.execute(str(policy.create_sql(model, editor)))
        cursor.execute(_SAID, [f"pg_temp.{quoted}"])
        meant = {name: conditions for name, *conditions in cursor.fetchall()}
        cursor.execute(f"DROP TABLE pg_temp.{quoted}")
    return [
        f"{table} has another {name}"
        for name in meant
        if name in said and said[name] != meant[name]
    ]
