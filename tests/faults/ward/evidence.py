"""What the tables say of the critical alerts of a run: asked as the superuser, past the engine."""

from collections.abc import Callable, Sequence

from tests.faults.ward.facts import Alert, Event, Finding, Pressed, Ward
from tests.faults.ward.world import CODE

# Runs a query and returns its rows as dictionaries.
Ask = Callable[..., list[dict]]

_SECONDS = "extract(epoch FROM {})::float8"


def ward(ask: Ask, pressed: Sequence[Pressed]) -> Ward:
    """All of it, as it stands now."""
    ended = ask(f"SELECT {_SECONDS.format('clock_timestamp()')} AS now")[0]["now"]
    return Ward(
        findings=[
            Finding(**row)
            for row in ask(
                "SELECT id::text, patient_id::text AS patient,"
                f" {_SECONDS.format('created_at')} AS came FROM results WHERE code = %s",
                CODE,
            )
        ],
        alerts=[
            Alert(**row)
            for row in ask(
                "SELECT id::text, patient_id::text AS patient, phase, owner_id::text AS owner"
                " FROM assessment_critical_alerts"
            )
        ],
        events=[
            Event(**row)
            for row in ask(
                f"SELECT alert_id::text AS alert, kind, {_SECONDS.format('at')} AS at,"
                f' user_id::text AS "user", step_id::text AS step,'
                f" {_SECONDS.format('until')} AS until FROM alert_records"
            )
        ],
        pressed=pressed,
        ended=ended,
    )


def unjudged(ask: Ask) -> int:
    """How many findings no alert was raised for yet."""
    (row,) = ask(
        "SELECT (SELECT count(*) FROM results WHERE code = %s)"
        " - (SELECT count(*) FROM assessment_critical_alerts) AS waiting",
        CODE,
    )
    return int(row["waiting"])


def is_through(ask: Ask, tellings: int) -> bool:
    """Whether each finding has an alert that somebody has, or of which everybody was told."""
    return not unjudged(ask) and not ask(
        "SELECT 1 FROM assessment_critical_alerts AS alert WHERE phase = 'open' AND %s >"
        " (SELECT count(DISTINCT step_id) FROM alert_records WHERE kind = 'told'"
        " AND alert_id = alert.id) LIMIT 1",
        tellings,
    )
