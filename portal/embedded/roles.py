"""The three roles of a Vigil database, and the database they share (design section 6).

The same steps serve the embedded server and any other one a superuser's URL opens. Running them
again changes nothing but the passwords, which become the given ones.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

OWNER, APPLICATION, ENGINE = "vigil_owner", "vigil_app", "vigil_engine"
ROLES = (OWNER, APPLICATION, ENGINE)

# How the server ends an application that has vanished or stands still with a transaction open: what
# it has locked, an alert among it, nobody else can write meanwhile. Settings of the role, because
# these hold also behind a pooler, which drops a session's own and refuses options at its start.
# There is no statement_timeout: a long report is not stuck, and whoever waits for a lock is.
APPLICATION_SETTINGS = {
    # A machine that went away without a word is noticed within ten seconds or so,
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",  # milliseconds
    # also while a statement of its own runs, or waits.
    "client_connection_check_interval": "5s",
    # A process that stands still, on a machine that answers. No request computes for so long
    # between two statements, and nothing is sent in a transaction.
    "idle_in_transaction_session_timeout": "30s",
    # So that whoever waits for one of these waits until the server has ended it, and not for ever.
    "lock_timeout": "30s",
}

# Roles belong to the whole server: two runs that create them at once would collide.
_ROLE_LOCK = 0x76696769


@dataclass(frozen=True)
class DatabaseUrls:
    """One database, as each of its roles opens it."""

    name: str
    application: str
    owner: str
    engine: str
    superuser: str

    def environment(self) -> dict[str, str]:
        """The variables `portal.settings` reads."""
        return {
            "DATABASE_URL": self.application,
            "DATABASE_OWNER_URL": self.owner,
            "DATABASE_ENGINE_URL": self.engine,
        }


def new_passwords() -> dict[str, str]:
    return {role: secrets.token_urlsafe(24) for role in ROLES}


def provision_on(
    superuser_url: str,
    name: str,
    passwords: dict[str, str] | None = None,
    *,
    template: str | None = None,
) -> DatabaseUrls:
    """Make the roles and the database `name` where they are missing; return its URLs.

    Without `passwords` they are derived from the superuser's own, so that runs which share a
    server agree on them. `template` copies another database, tables and all; it must have no
    connection open.
    """
    passwords = passwords or _derived_passwords(superuser_url)
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_ROLE_LOCK])
        for role in ROLES:
            _ensure_role(connection, role, passwords[role])
        _ensure_settings(connection)
        _ensure_database(connection, name, template)
    with psycopg.connect(_for_database(superuser_url, name), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(OWNER)))
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    return DatabaseUrls(
        name=name,
        application=_url_of(superuser_url, name, APPLICATION, passwords),
        owner=_url_of(superuser_url, name, OWNER, passwords),
        engine=_url_of(superuser_url, name, ENGINE, passwords),
        superuser=_for_database(superuser_url, name),
    )


def drop_database_on(superuser_url: str, name: str) -> None:
    """Drop a database and end whoever is connected to it. The roles stay."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )


def _ensure_role(connection: psycopg.Connection, role: str, password: str) -> None:
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    statement = "ALTER" if exists else "CREATE"
    # Spelt out although most are defaults: what these roles cannot do is the point of them.
    connection.execute(
        sql.SQL(
            "{} ROLE {} WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
            " NOREPLICATION PASSWORD {}"
        ).format(sql.SQL(statement), sql.Identifier(role), sql.Literal(password))
    )


def _ensure_settings(connection: psycopg.Connection) -> None:
    for name, value in APPLICATION_SETTINGS.items():
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(
                sql.Identifier(APPLICATION), sql.Identifier(name), sql.Literal(value)
            )
        )


def _ensure_database(connection: psycopg.Connection, name: str, template: str | None) -> None:
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        copied = (
            sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
        )
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}{}").format(
                sql.Identifier(name), sql.Identifier(OWNER), copied
            )
        )
    connection.execute(
        sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name))
    )
    connection.execute(
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}").format(
            sql.Identifier(name), sql.Identifier(APPLICATION), sql.Identifier(ENGINE)
        )
    )


def _derived_passwords(superuser_url: str) -> dict[str, str]:
    secret = (urlsplit(superuser_url).password or "").encode()
    return {
        role: hmac.new(secret, role.encode(), hashlib.sha256).hexdigest()[:32] for role in ROLES
    }


def _for_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _url_of(superuser_url: str, name: str, role: str, passwords: dict[str, str]) -> str:
    place = urlsplit(superuser_url)
    address = place.netloc.rpartition("@")[2]
    return urlunsplit(
        place._replace(
            netloc=f"{role}:{quote(passwords[role], safe='')}@{address}", path=f"/{name}"
        )
    )
