"""The relay: who leads, how far behind it is, and what it could not deliver."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from portal.management.doctor.catalogue import ENGINE, row, rows
from portal.management.doctor.finding import Finding, ok, problem, warning

# It beats twice a second; a standby takes over after two.
SILENT_SECONDS = 5.0

# The runbook's bounds for a change on its way.
LATE_WARNING_SECONDS, LATE_PROBLEM_SECONDS = 0.5, 2.0

_START = (
    "Start a web process with REALTIME_RELAY_IN_WEB=1, or manage.py relay; the log of a running"
    " one says why it cannot lead"
)


def look() -> Iterator[Finding]:
    """Leader, lag, dead letters, room ahead, history, epoch."""
    if ENGINE not in settings.DATABASES:
        yield problem("The relay cannot be looked at", "Set DATABASE_ENGINE_URL")
        return
    yield _leader()
    yield _lag()
    yield _dead_letters()
    yield _room()
    yield _history()
    yield _epoch()


def _leader() -> Finding:
    epoch, age = row(
        "SELECT leader_epoch, extract(epoch FROM clock_timestamp() - nullif(beat, '-infinity'))"
        " FROM realtime_relay",
        using=ENGINE,
    )
    holders = rows(
        "SELECT a.pid, coalesce(host(a.client_addr), 'local') FROM pg_locks AS l"
        " JOIN pg_stat_activity AS a ON a.pid = l.pid"
        " WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1986619241 AND l.objid = 4"
        " AND l.objsubid = 2 AND l.database ="
        "   (SELECT oid FROM pg_database WHERE datname = current_database())",
        using=ENGINE,
    )
    if age is None:
        return problem("No relay has ever led here", _START)
    if age > SILENT_SECONDS:
        return problem(f"No relay leads: the last sign of life is {age:.0f} s old", _START)
    return ok(f"A relay leads in epoch {epoch}, its sign of life is {age:.1f} s old{_at(holders)}")


def _at(holders: list[tuple[Any, ...]]) -> str:
    return f" (connection {holders[0][0]} from {holders[0][1]})" if holders else ""


def _lag() -> Finding:
    waiting, oldest = row(
        "SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)"
        " FROM realtime_inbox",
        using=ENGINE,
    )
    what = f"{waiting} changes wait in the inbox, the oldest for {oldest:.1f} s"
    mend = "See that a relay leads; then look for long transactions and a busy disk (database)"
    if oldest > LATE_PROBLEM_SECONDS:
        return problem(what, mend)
    return warning(what, mend) if oldest > LATE_WARNING_SECONDS else ok(what)


def _dead_letters() -> Finding:
    buried = rows(
        "SELECT seq, reason FROM realtime_dead_letters ORDER BY seq DESC LIMIT 3", using=ENGINE
    )
    if not buried:
        return ok("There are no dead letters")
    (count,) = row("SELECT count(*) FROM realtime_dead_letters", using=ENGINE)
    shown = "; ".join(f"{seq} ({reason})" for seq, reason in buried)
    return problem(
        f"{count} dead letters, the newest: {shown}",
        "Pages were told to read again, so nothing is lost; find the cause by its code"
        " (docs/runbook.md), then delete the rows as the owner",
    )


def _room() -> Finding:
    last, room = row(
        "SELECT last_seq, partitioned_to - last_seq - 1 FROM realtime_relay", using=ENGINE
    )
    if room < 1000:
        return warning(
            f"The log has room for {room} more events after {last}",
            "A leading relay makes room within 10 s; if it does not, its log says why",
        )
    return ok(f"The log stands at {last} and has room for {room} more")


def _history() -> Finding:
    """The oldest event that a page that was away can be told."""
    hours = settings.REALTIME_RETENTION_HOURS
    (age,) = row(
        "SELECT extract(epoch FROM clock_timestamp() - sequenced_at) / 3600 FROM realtime_events"
        " WHERE seq >= (SELECT oldest_seq FROM realtime_relay) ORDER BY seq LIMIT 1"
        if _has_events()
        else "SELECT 0::numeric",
        using=ENGINE,
    )
    # A partition goes when all of it is old: at a slow pace that is later, by days.
    return ok(f"History reaches back {age:.1f} h, of the {hours} h that are kept at least")


def _has_events() -> bool:
    (found,) = row(
        "SELECT EXISTS (SELECT FROM realtime_events"
        " WHERE seq >= (SELECT oldest_seq FROM realtime_relay))",
        using=ENGINE,
    )
    return bool(found)


def _epoch() -> Finding:
    kept, now = row("SELECT log_epoch, realtime_log_epoch() FROM realtime_relay", using=ENGINE)
    if kept == now:
        return ok(f"The log's epoch is {kept}")
    return problem(
        "The log is not the one it was (a restore, a promotion or a copy), and no relay has led"
        " since: pages may hold positions of the other one",
        f"{_START}: the first leader changes the epoch, and every page reads afresh",
    )
