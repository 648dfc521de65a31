"""The queue of what waits to be judged: what no trigger put there, and what need not be there."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from alerts.models import Judgement
from care.models import Result, Source
from portal import tenancy
from portal.patience import acting_in_turn

# Each with the column that says when its row was written.
SOURCES = {
    "vital_signs": "created_at",
    "results": "created_at",
    "early_warning_scores": "created_at",
    "questionnaire_responses": "started_at",
}
_MEASURED = ("vital_signs", "results")
# The slowest culture of which a laboratory telephones (mycobacteria) grows for six weeks. What is
# older was known to somebody long ago: an interface that sends its past.
SLOWEST_RESULT = timedelta(weeks=6)


def queue_forgotten(organization_id: UUID | str, since: datetime) -> int:
    """Queue observations written since then that are in no queue, as after a trigger was off.

    Returns how many there were. Raises StillHeld.
    """
    forgotten = 0
    with acting_in_turn(organization_id), connection.cursor() as cursor:
        for table, written_at in SOURCES.items():
            # Names of our own list.
            cursor.execute(
                f"INSERT INTO {Judgement._meta.db_table} (id, organization_id, patient_id,"  # noqa: S608
                " source_table, source_id, available_at, queued_at, attempts)"
                " SELECT gen_random_uuid(), source.organization_id, source.patient_id, %s,"
                " source.id, clock_timestamp(), clock_timestamp(), 0"
                f" FROM {table} AS source WHERE source.{written_at} > %s AND NOT EXISTS ("
                f" SELECT 1 FROM {Judgement._meta.db_table} AS known"
                " WHERE known.source_table = %s AND known.source_id = source.id)"
                " ON CONFLICT DO NOTHING",
                [table, since, table],
            )
            forgotten += cursor.rowcount
    return forgotten


def drop_jobs(organization_id: UUID | str) -> int:
    """Drop the jobs of an organization that say what the one that begins now knows: look.

    There is one for each write, and another clinic's stand behind them. The newest stays, so that
    a second worker helps, or goes on where this one dies. Returns how many were dropped.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH waiting AS (SELECT id FROM procrastinate_jobs"
            " WHERE status = 'todo' AND task_name = 'alerts.judge' AND scheduled_at IS NULL"
            " AND args ->> 'organization_id' = %s)"
            " DELETE FROM procrastinate_jobs WHERE id IN (SELECT id FROM procrastinate_jobs"
            # Whoever takes one just now has it.
            " WHERE status = 'todo' AND id IN (SELECT id FROM waiting)"
            " AND id < (SELECT max(id) FROM waiting) FOR UPDATE SKIP LOCKED)",
            [str(organization_id)],
        )
        return cursor.rowcount


def heard_at(row: Judgement, measured_at: datetime) -> datetime:
    """The instant at which rules ask how old an observation is.

    When it came, or last changed: what waited for us is none the older for it. A result comes when
    the laboratory has it, days after its specimen was taken, and is then as new as can be.
    """
    if row.source_table != "results" or row.queued_at - measured_at > SLOWEST_RESULT:
        return row.queued_at
    is_imported = Result.objects.filter(pk=row.source_id, source=Source.IMPORT).exists()
    return row.queued_at if is_imported else measured_at


def pass_history(organization_id: UUID | str, horizon: timedelta) -> int:
    """Let measurements that were older than `horizon` when they came pass unjudged: an import
    brings thousands. Of results it is as `heard_at` says.

    What an alert rests on is never passed: its correction must be judged, however late.
    """
    passed = 0
    with tenancy.acting_for(organization_id, system=True), connection.cursor() as cursor:
        for table in _MEASURED:
            # Names of our own list. What somebody has locked waits until the next time.
            cursor.execute(
                f"WITH history AS (SELECT waiting.id FROM {Judgement._meta.db_table} AS waiting"  # noqa: S608
                f" JOIN {table} AS source ON source.id = waiting.source_id"
                " WHERE waiting.judged_at IS NULL AND waiting.source_table = %(table)s"
                " AND source.measured_at < waiting.queued_at - make_interval(secs => %(horizon)s)"
                " AND (%(table)s <> 'results' OR source.source = %(imported)s"
                " OR source.measured_at < waiting.queued_at - make_interval(secs => %(slowest)s))"
                " AND NOT EXISTS (SELECT 1 FROM alert_readings AS reading"
                " WHERE reading.source_id = waiting.source_id)"
                " FOR UPDATE OF waiting SKIP LOCKED)"
                f" UPDATE {Judgement._meta.db_table} AS passed SET judged_at = clock_timestamp()"
                " FROM history WHERE passed.id = history.id",
                {
                    "table": table,
                    "horizon": horizon.total_seconds(),
                    "imported": Source.IMPORT,
                    "slowest": SLOWEST_RESULT.total_seconds(),
                },
            )
            passed += cursor.rowcount
    return passed
