"""Jobs: somebody does them, in time. Judging alerts and telling people are jobs."""

from collections.abc import Iterator

from portal.management.doctor.catalogue import row, rows
from portal.management.doctor.finding import Finding, ok, problem, warning

# A worker gives a sign of life every ten seconds.
SILENT_SECONDS = 60.0
LATE_SECONDS = 60.0

_START = "Start manage.py worker (systemctl start vigil-worker, docker compose up worker)"


def look() -> Iterator[Finding]:
    """A living worker, nothing overdue, and what failed for good today."""
    yield _alive()
    yield _overdue()
    yield _stuck()
    yield _failed()


def _alive() -> Finding:
    count, age = row(
        "SELECT count(*) FILTER (WHERE last_heartbeat > now() - %s * interval '1 second'),"
        " extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers",
        [SILENT_SECONDS],
    )
    if count:
        return ok(
            f"{count} lanes of job workers are alive, the last sign of life is {max(age, 0):.0f} s"
            " old"
        )
    since = "has ever been here" if age is None else f"has been heard of for {age:.0f} s"
    return problem(f"No job worker {since}: alerts are not judged, nobody is told", _START)


def _overdue() -> Finding:
    count, age = row(
        "SELECT count(*), extract(epoch FROM now() - min(coalesce(scheduled_at, at)))"
        " FROM procrastinate_jobs AS j"
        " CROSS JOIN LATERAL (SELECT max(e.at) AS at FROM procrastinate_events AS e"
        "   WHERE e.job_id = j.id) AS last"
        " WHERE status = 'todo'"
        " AND coalesce(scheduled_at, at) < now() - %s * interval '1 second'",
        [LATE_SECONDS],
    )
    if not count:
        return ok("No job is overdue")
    return problem(
        f"{count} jobs are overdue, the oldest by {age:.0f} s",
        f"{_START}; with one alive: more of them, or --jobs",
    )


def _stuck() -> Finding:
    """Jobs of a worker that died are begun again by the sweep of the next one."""
    (count,) = row(
        "SELECT count(*) FROM procrastinate_jobs AS j WHERE status = 'doing' AND NOT EXISTS"
        " (SELECT FROM procrastinate_workers AS w WHERE w.id = j.worker_id"
        "  AND w.last_heartbeat > now() - %s * interval '1 second')",
        [SILENT_SECONDS],
    )
    if not count:
        return ok("Every job that was begun has a living worker")
    return warning(f"{count} jobs were begun by a worker that is gone", _START)


def _failed() -> Finding:
    found = rows(
        "SELECT task_name, count(*) FROM procrastinate_jobs AS j WHERE status = 'failed'"
        " AND EXISTS (SELECT FROM procrastinate_events AS e WHERE e.job_id = j.id"
        "   AND e.at > now() - interval '1 day')"
        " GROUP BY task_name ORDER BY count(*) DESC"
    )
    if not found:
        return ok("No job failed for good within a day")
    shown = ", ".join(f"{name} ({count})" for name, count in found[:4])
    return warning(
        f"Jobs failed for good within a day: {shown}",
        "The worker's log says why; the delivery log of the administration sends again",
    )
