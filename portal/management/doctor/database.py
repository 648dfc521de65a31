"""The database as such: reachable, migrated, on time, with room for messages and connections."""

import time
from collections.abc import Iterator

from django.conf import settings

from portal.management.doctor.catalogue import ENGINE, row, rows
from portal.management.doctor.finding import Finding, judged, ok, problem, warning
from portal.operations.wellbeing import missing_migrations

OLDEST_VERSION = 150_000

# Sessions, grants and deadlines end by the clock; a second is nothing to them, ten are.
SKEW_WARNING_SECONDS, SKEW_PROBLEM_SECONDS = 1.0, 10.0

# The bell falls silent at half; above a hundredth somebody listens and does not read.
QUEUE_WARNING, QUEUE_PROBLEM = 0.01, 0.5

# A transaction that is open so long keeps dead rows of the inbox from being cleared away.
LONG_TRANSACTION_SECONDS = 60

CONNECTIONS_WARNING, CONNECTIONS_PROBLEM = 0.7, 0.9


def look() -> Iterator[Finding]:
    """Version, migrations, clock, notify queue, open transactions, connections, durability."""
    yield _version()
    yield judged(
        "No migration is missing",
        [f"{name} was not applied" for name in missing_migrations()],
        "Run manage.py migrate with DATABASE_OWNER_URL set, then restart",
    )
    yield _clock()
    yield _notify_queue()
    yield _long_transactions()
    yield _connections()
    yield from _durability()
    yield _direct()


def _version() -> Finding:
    number, name = row(
        "SELECT current_setting('server_version_num')::int, current_setting('server_version')"
    )
    if number < OLDEST_VERSION:
        return problem(f"PostgreSQL {name} is too old", "Upgrade to PostgreSQL 15 or newer")
    return ok(f"PostgreSQL {name} answers")


def _clock() -> Finding:
    """The database's time against ours, taken in the middle of the question."""
    differences = []
    for _ in range(3):
        asked = time.time()
        (there,) = row("SELECT extract(epoch FROM clock_timestamp())::float8")
        answered = time.time()
        differences.append((answered - asked, abs(there - (asked + answered) / 2)))
    # The quickest answer knows best.
    skew = min(differences)[1]
    what = f"The clocks of this process and of the database are {skew:.2f} s apart"
    mend = "See that both machines keep time (chronyc tracking, timedatectl)"
    if skew > SKEW_PROBLEM_SECONDS:
        return problem(what, mend)
    return warning(what, mend) if skew > SKEW_WARNING_SECONDS else ok(what)


def _notify_queue() -> Finding:
    # Asking also advances the queue's tail.
    (usage,) = row("SELECT pg_notification_queue_usage()")
    what = f"The notify queue is {usage:.1%} full"
    mend = (
        "Find who listens inside an open transaction (SELECT pid, application_name, state,"
        " xact_start FROM pg_stat_activity ORDER BY xact_start) and pg_terminate_backend(pid)"
    )
    if usage >= QUEUE_PROBLEM:
        return problem(f"{what}: the doorbell is silent", mend)
    return warning(what, mend) if usage > QUEUE_WARNING else ok(what)


def _long_transactions() -> Finding:
    """Of our own roles: PostgreSQL does not show what others do."""
    old = set()
    for alias in settings.DATABASES:
        old |= set(
            rows(
                "SELECT pid, application_name,"
                " extract(epoch FROM clock_timestamp() - xact_start)::int"
                " FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND xact_start < clock_timestamp() - %s * interval '1 second'"
                " AND pid <> pg_backend_pid()",
                [LONG_TRANSACTION_SECONDS],
                using=alias,
            )
        )
    if old:
        shown = [f"{name or 'unnamed'} (process {pid}) for {age} s" for pid, name, age in old]
        return warning(
            "A transaction is open for long: " + "; ".join(sorted(shown)[:3]),
            "Find out whose it is; SELECT pg_terminate_backend(process) ends it",
        )
    return ok("No transaction of ours is open for long")


def _connections() -> Finding:
    used, most = row(
        "SELECT count(*)::int, current_setting('max_connections')::int FROM pg_stat_activity"
        " WHERE backend_type = 'client backend'"
    )
    what = f"{used} of {most} connections are in use"
    mend = (
        "Lower DATABASE_POOL, or raise max_connections: a process takes DATABASE_POOL and 12 more"
    )
    if used >= most * CONNECTIONS_PROBLEM:
        return problem(what, mend)
    return warning(what, mend) if used >= most * CONNECTIONS_WARNING else ok(what)


def _durability() -> Iterator[Finding]:
    wrong = [
        f"{name} is {value}"
        for name, value in rows(
            "SELECT name, setting FROM pg_settings WHERE name IN"
            " ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'"
        )
    ]
    mend = "Switch it on in postgresql.conf: what was answered for may not be kept"
    if settings.DEMO and wrong:
        yield warning("A demo: " + "; ".join(wrong), mend)
    else:
        yield judged("What is committed survives a power cut", wrong, mend)


def _direct() -> Finding:
    """The engine's locks belong to a session: a pooler that hands sessions on breaks them."""
    if ENGINE not in settings.DATABASES:
        return warning("Whether the engine connects directly was not looked at", "")
    first = row("SELECT pg_backend_pid()", using=ENGINE)
    # A pooler in transaction mode may answer from another backend, and refuses LISTEN.
    second = row(
        "SELECT pg_backend_pid(), (SELECT count(*) FROM pg_listening_channels())", using=ENGINE
    )
    if first[0] != second[0]:
        return problem(
            "DATABASE_ENGINE_URL leads through a pooler that changes sessions",
            "Give the engine the database's own port, or a pool in session mode",
        )
    return ok("The engine's session stays one session")
