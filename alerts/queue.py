"""The queue of what waits to be judged: what no trigger put there, and what need not be there."""

from datetime import datetime
from uuid import UUID

from django.db import connection

from alerts.models import Judgement
from portal import tenancy

# Each with the column that says when its row was written.
SOURCES = {
    "vital_signs": "created_at",
    "results": "created_at",
    "early_warning_scores": "created_at",
    "questionnaire_responses": "started_at",
}
_MEASURED = ("vital_signs", "results")


def queue_forgotten(organization_id: UUID | str, since: datetime) -> int:
    """Queue observations written since then that are in no queue, as after a trigger was off.

    Returns how many there were.
    """
    forgotten = 0
    with tenancy.acting_for(organization_id, system=True), connection.cursor() as cursor:
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


def pass_history(organization_id: UUID | str, since: datetime) -> int:
    """Let measurements from before `since` pass unjudged: an import brings thousands.

    What an alert rests on is never passed: its correction must be judged, however late.
    """
    passed = 0
    with tenancy.acting_for(organization_id, system=True), connection.cursor() as cursor:
        for table in _MEASURED:
            # Names of our own list.
            cursor.execute(
                f"UPDATE {Judgement._meta.db_table} AS waiting SET judged_at = clock_timestamp()"  # noqa: S608
                f" FROM {table} AS source"
                " WHERE waiting.judged_at IS NULL AND waiting.source_table = %s"
                " AND source.id = waiting.source_id AND source.measured_at < %s"
                " AND NOT EXISTS (SELECT 1 FROM alert_readings AS reading"
                " WHERE reading.source_id = waiting.source_id)",
                [table, since],
            )
            passed += cursor.rowcount
    return passed
