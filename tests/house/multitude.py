"""Clinics as they are after years: many rows of a kind, made by copying one that is there."""

import psycopg
from psycopg import sql

from tests.triggers import switched_off

# Of a small table PostgreSQL rightly reads all rather than look some up.
PATIENTS, MEMBERS = 40_000, 10_000
MOST = 100_000
MANY = 20_000

# A row's number, from 1, is `n`; `patient` is one of the patients, in turn.
_COPY = """
    WITH one AS MATERIALIZED (SELECT * FROM {table} LIMIT 1),
        people AS MATERIALIZED (SELECT array_agg(id) AS ids FROM patients)
    INSERT INTO {table} ({columns})
    SELECT {values} FROM one, people, LATERAL (
        SELECT n, people.ids[1 + n %% cardinality(people.ids)] AS patient
        FROM generate_series(1, %s) AS n
    ) AS each
"""
_AGO = "clock_timestamp() - n * interval '12 hours'"
_OF_PATIENT = {"patient_id": "patient"}
_USER = "md5('user ' || n)::uuid"

# Table, how many, and in what each of them differs from the one they are copied from.
_ROWS: tuple[tuple[str, int, dict[str, str]], ...] = (
    ("patients", PATIENTS, {"mrn": "'M' || n", "name": "'Patient ' || n", "user_id": "NULL"}),
    ("users", MEMBERS, {"id": _USER, "email": "'user' || n || '@harbour.example'"}),
    ("memberships", MEMBERS, {"user_id": _USER, "role": "'patient'"}),
    ("vital_signs", MOST, _OF_PATIENT | {"measured_at": _AGO}),
    ("results", MANY, _OF_PATIENT | {"measured_at": _AGO}),
    (
        "questionnaire_responses",
        MANY,
        _OF_PATIENT | {"started_at": _AGO, "completed_at": _AGO, "status": "'completed'"},
    ),
    ("client_portal_conversations", MANY, _OF_PATIENT | {"created_at": _AGO}),
    (
        "client_portal_messages",
        MOST,
        _OF_PATIENT
        | {
            "sent_at": _AGO,
            "conversation_id": "gen_random_uuid()",
            "idempotency_key": "gen_random_uuid()",
        },
    ),
    (
        "portal_notifications",
        MANY,
        _OF_PATIENT | {"created_at": _AGO, "user_id": _USER, "once": "''"},
    ),
    (
        "notification_logs",
        MANY,
        {
            "created_at": _AGO,
            "next_at": _AGO,
            "status": "'delivered'",
            "claimed_at": "NULL",
            "user_id": _USER,
            "notification_id": "gen_random_uuid()",
        },
    ),
    (
        "assessment_critical_alerts",
        MANY,
        _OF_PATIENT
        | {
            "raised_at": _AGO,
            "available_at": _AGO,
            "measured_at": _AGO,
            "phase": "'closed'",
            "phase_until": "NULL",
            "closed_at": "clock_timestamp()",
            "outcome": "'done'",
        },
    ),
    (
        "alert_records",
        MANY,
        _OF_PATIENT | {"at": _AGO, "alert_id": "gen_random_uuid()", "step_id": "NULL"},
    ),
    (
        "alert_steps",
        MANY,
        _OF_PATIENT
        | {
            "due_at": _AGO,
            "done_at": "clock_timestamp()",
            "cancelled_at": "NULL",
            "alert_id": "gen_random_uuid()",
        },
    ),
    (
        "alert_judgements",
        MANY,
        _OF_PATIENT | {"judged_at": "clock_timestamp()", "source_id": "gen_random_uuid()"},
    ),
    (
        "appointments",
        MANY,
        _OF_PATIENT
        | {
            "starts_at": _AGO,
            "ends_at": f"{_AGO} + interval '20 minutes'",
            "status": "'done'",
            "placer_id": "''",
            "filler_id": "''",
        },
    ),
    ("audit_logs", MOST, _OF_PATIENT | {"at": _AGO}),
)


def years_later(connection: psycopg.Connection) -> None:
    """Fill the tables, as a superuser in autocommit, past triggers and foreign keys."""
    connection.execute("SET session_replication_role = replica")
    for table, number, changed in _ROWS:
        with switched_off(connection.cursor(), table):
            _multiply(connection, table, number, {"id": "gen_random_uuid()"} | changed)
    # Of the small ones too, as autovacuum does: nobody knows else how few a care team's places are.
    connection.execute("ANALYZE")


def _multiply(
    connection: psycopg.Connection, table: str, number: int, changed: dict[str, str]
) -> None:
    columns = [
        name
        for (name,) in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
            " AND NOT attisdropped AND attgenerated = ''",
            [table],
        )
    ]
    values = [
        sql.SQL(changed[name]) if name in changed else sql.Identifier("one", name)
        for name in columns
    ]
    copy = sql.SQL(_COPY).format(
        table=sql.Identifier(table),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        values=sql.SQL(", ").join(values),
    )
    made = connection.execute(copy, [number]).rowcount
    assert made == number, f"{table}: there is none to copy"
