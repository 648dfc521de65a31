"""What is well and what is not, one finding for each part: asked by /readyz and at start."""

from dataclasses import dataclass

from django.conf import settings
from django.db import Error, connections
from django.db.migrations.executor import MigrationExecutor

# The relay beats twice a second; ten seconds without a beat is no longer a slow moment.
RELAY_SILENCE_SECONDS = 10

# A bus that answers slower than this delivers nothing in time.
BUS_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True)
class Finding:
    """One part of the system. `is_vital`: without it no page can be served."""

    part: str
    state: str
    is_well: bool
    is_vital: bool


def findings() -> list[Finding]:
    """Look at every part. Takes a few milliseconds when all is well, about 6 s at worst."""
    databases = [_database(alias) for alias in settings.DATABASES]
    if not all(finding.is_well for finding in databases):
        unknown = [("migrations", True), ("relay", False)]
        return [
            *databases,
            *(Finding(part, "unknown", is_well=False, is_vital=vital) for part, vital in unknown),
            _bus(),
        ]
    return [*databases, _migrations(), _relay(), _bus()]


def missing_migrations() -> list[str]:
    """Names of migrations that this code has and the database has not."""
    executor = MigrationExecutor(connections["default"])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


_ROLE_NAMES = {"default": "application", "owner": "owner", "engine": "engine"}


def _database(alias: str) -> Finding:
    part = f"database, {_ROLE_NAMES.get(alias, alias)} role"
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return Finding(part, "unreachable", is_well=False, is_vital=alias != "owner")
    return Finding(part, "ok", is_well=True, is_vital=True)


def _migrations() -> Finding:
    try:
        missing = missing_migrations()
    except Error:
        return Finding("migrations", "unreadable", is_well=False, is_vital=True)
    if missing:
        return Finding("migrations", f"{len(missing)} missing", is_well=False, is_vital=True)
    return Finding("migrations", "ok", is_well=True, is_vital=True)


def _relay() -> Finding:
    alias = "engine" if "engine" in settings.DATABASES else "default"
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute(
                # A relay that never ran last beat at minus infinity.
                "SELECT extract(epoch FROM clock_timestamp() - nullif(beat, '-infinity'))"
                " FROM realtime_relay"
            )
            row = cursor.fetchone()
    except Error:
        return Finding("relay", "unreadable", is_well=False, is_vital=False)
    if row is None or row[0] is None:
        return Finding("relay", "has never run", is_well=False, is_vital=False)
    if row[0] > RELAY_SILENCE_SECONDS:
        return Finding("relay", f"silent for {row[0]:.0f} s", is_well=False, is_vital=False)
    return Finding("relay", "ok", is_well=True, is_vital=False)


def _bus() -> Finding:
    if not settings.REDIS_URL:
        return Finding("bus", "ok, inside this process", is_well=True, is_vital=False)
    import redis

    bus = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=BUS_TIMEOUT_SECONDS,
        socket_connect_timeout=BUS_TIMEOUT_SECONDS,
    )
    try:
        bus.ping()
    except (redis.RedisError, OSError):
        # Delivery goes on from the log, a third of a second later: not well, but not vital.
        return Finding("bus", "down", is_well=False, is_vital=False)
    finally:
        bus.close()
    return Finding("bus", "ok", is_well=True, is_vital=False)
