"""The three roles: what they must not be able to do, and that they can do what they need."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from portal.embedded.roles import APPLICATION_SETTINGS
from portal.global_tables import GLOBAL_TABLES
from portal.management.doctor.catalogue import ENGINE, roles, row, rows, tables
from portal.management.doctor.finding import Finding, judged, ok, problem
from portal.management.doctor.policies import declared_policies

# As realtime_tables.v1.sql grants them: the engine moves events, and reads nothing clinical.
_ENGINE_TABLES = {
    "realtime_inbox": {"SELECT", "INSERT", "DELETE"},
    "realtime_events": {"SELECT", "INSERT"},
    "realtime_dead_letters": {"SELECT", "INSERT"},
    "realtime_relay": {"SELECT", "UPDATE"},
    "realtime_published": {"SELECT"},
    # Written and taken by functions of the owner.
    "realtime_ended_sessions": set(),
}
_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")

_REGRANT = "GRANT and REVOKE as docs/deployment/roles.sql and the migrations have it"


def look() -> Iterator[Finding]:
    """Who we are, what no role of ours may be, and what each may do with each table."""
    yield _who_answers("default", settings.APP_ROLE, "DATABASE_URL")
    if ENGINE in settings.DATABASES:
        yield _who_answers(ENGINE, settings.ENGINE_ROLE, "DATABASE_ENGINE_URL")
    else:
        yield problem(
            "DATABASE_ENGINE_URL is not set: this process can neither relay nor follow the log",
            "Set it to the engine role's URL, as docs/deployment/example.env shows",
        )
    yield _powers()
    yield _ladder()
    yield _owned()
    yield _limits()
    yield judged(
        "The application may do with each table what is declared, and no more",
        _differing("application", _application_tables()),
        _REGRANT,
    )
    yield judged(
        "The engine reads the log and nothing clinical",
        _differing("engine", _ENGINE_TABLES),
        _REGRANT,
    )
    yield _open_functions()


def _who_answers(alias: str, expected: str, variable: str) -> Finding:
    (name,) = row("SELECT current_user", using=alias)
    if name == expected:
        return ok(f"{variable} opens the database as {name}")
    return problem(
        f"{variable} opens the database as {name}, not as {expected}",
        "Name the right role in the URL: row-level security is written for it",
    )


def _powers() -> Finding:
    names = list(roles().values())
    found = rows(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
        " FROM pg_roles WHERE rolname = ANY(%s)",
        [names],
    )
    powers = ("SUPERUSER", "BYPASSRLS", "CREATEROLE", "CREATEDB", "REPLICATION")
    wrong = [
        f"{name} has {power}"
        for name, *held in found
        for power, has in zip(powers, held, strict=True)
        if has
    ]
    wrong += [f"the role {name} is missing" for name in set(names) - {name for name, *_ in found}]
    return judged(
        "No role of ours can step over row-level security",
        wrong,
        "ALTER ROLE … NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION, as superuser",
    )


def _ladder() -> Finding:
    """Whoever is a member of another role can become it."""
    ours = list(roles().values())
    found = rows(
        "SELECT member.rolname, higher.rolname FROM pg_roles AS member, pg_roles AS higher"
        " WHERE member.rolname = ANY(%s) AND member.oid <> higher.oid"
        " AND pg_has_role(member.oid, higher.oid, 'MEMBER')"
        # Every owner of a database is one of its owners.
        " AND higher.rolname <> 'pg_database_owner'",
        [ours],
    )
    return judged(
        "No role of ours can become another",
        [f"{member} can become {higher}" for member, higher in found],
        "REVOKE the one role FROM the other, as superuser",
    )


def _owned() -> Finding:
    owner = settings.OWNER_ROLE
    (may_create,) = row("SELECT has_schema_privilege(%s, 'public', 'CREATE')", [settings.APP_ROLE])
    wrong = [
        f"{name} belongs to {other}"
        for name, other in rows(
            "SELECT relname, pg_get_userbyid(relowner) FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')"
            " AND pg_get_userbyid(relowner) <> %s",
            [owner],
        )
    ]
    if may_create:
        wrong.append("the application may create tables and functions")
    return judged(
        f"Everything belongs to {owner}, and nobody else may create anything",
        wrong,
        f"ALTER TABLE … OWNER TO {owner}; REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    )


def _limits() -> Finding:
    """Wherever they are set; those of TCP are the socket's, and a local one has none."""
    wanted = [name for name in APPLICATION_SETTINGS if not name.startswith("tcp_")]
    return judged(
        "The server ends an application that vanished, and what it has locked is free again",
        [
            f"{name} is not set for {settings.APP_ROLE}"
            for (name,) in rows(
                "SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = '0' ORDER BY name",
                [wanted],
            )
        ],
        "Run the lines ALTER ROLE … SET of docs/deployment/roles.sql as superuser, then restart",
    )


def _application_tables() -> dict[str, set[str]]:
    declared = {
        table: {_in_order(privilege) for privilege in policy.privileges}
        for table, (_, policy) in declared_policies().items()
    }
    global_tables = {
        name: {word for word in listed.privileges.split(", ") if word}
        for name, listed in GLOBAL_TABLES.items()
    }
    return declared | global_tables | {"realtime_events": {"SELECT"}}


def _in_order(privilege: str) -> str:
    """UPDATE (b, a) as UPDATE (a, b)."""
    name, _, columns = privilege.partition(" (")
    if not columns:
        return name
    return f"{name} ({', '.join(sorted(columns.rstrip(')').split(', ')))})"


def _differing(who: str, expected: dict[str, set[str]]) -> list[str]:
    role = roles()[who]
    held: dict[str, set[str]] = {}
    for table, privilege in _held(role):
        held.setdefault(table, set()).add(privilege)
    wrong = []
    for table in sorted(tables() | set(held)):
        has, may = held.get(table, set()), expected.get(table, set())
        wrong += [f"{role} may {privilege} {table}" for privilege in sorted(has - may)]
        wrong += [f"{role} may not {privilege} {table}" for privilege in sorted(may - has)]
    return wrong


def _held(role: str) -> list[tuple[Any, ...]]:
    """What a role holds, also on partitions and views, and also through PUBLIC."""
    columns = rows(
        "SELECT relname,"
        " format('%%s (%%s)', privilege_type, string_agg(attname, ', ' ORDER BY attname))"
        " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " CROSS JOIN LATERAL aclexplode(attacl)"
        " WHERE relnamespace = 'public'::regnamespace"
        " AND grantee IN (0, (SELECT oid FROM pg_roles WHERE rolname = %s))"
        " GROUP BY relname, privilege_type",
        [role],
    )
    return columns + rows(
        "SELECT relname, privilege FROM pg_class CROSS JOIN unnest(%s::text[]) AS privilege"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')"
        " AND has_table_privilege(%s, pg_class.oid, privilege)",
        [list(_PRIVILEGES), role],
    )


def _open_functions() -> Finding:
    """A function that runs with its owner's rights, found by a name that its caller may choose."""
    found = rows(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
        " AND NOT EXISTS (SELECT FROM unnest(proconfig) AS s WHERE s LIKE 'search\\_path=%%')",
        [],
    )
    return judged(
        "Functions with their owner's rights look names up where the owner says",
        [f"{name} has no search_path of its own" for (name,) in found],
        "ALTER FUNCTION … SET search_path = public, pg_temp",
    )
