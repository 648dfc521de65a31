"""What the database says of a run: asked as its superuser, past everything of ours."""

from collections.abc import Callable, Sequence

from tests.faults.clients import TABLE
from tests.faults.facts import Logged, Right

# Runs a query and returns its rows as dictionaries.
Ask = Callable[..., list[dict]]


def cursor(ask: Ask) -> str:
    """Where the log stands, as a page is given it."""
    (row,) = ask("SELECT log_epoch, last_seq FROM realtime_relay")
    return f"{row['log_epoch']}:{row['last_seq']}"


def settled(ask: Ask) -> tuple[str, int] | None:
    """The log's epoch and head when nothing waits any more, else None."""
    rows = ask(
        "SELECT log_epoch, last_seq FROM realtime_relay WHERE leader_epoch > 0"
        " AND NOT EXISTS (SELECT FROM realtime_inbox)"
    )
    return (rows[0]["log_epoch"], rows[0]["last_seq"]) if rows else None


def seqs(ask: Ask, head: int) -> list[int]:
    """Every position up to the head."""
    rows = ask("SELECT seq FROM realtime_events WHERE seq <= %s ORDER BY seq", head)
    return [row["seq"] for row in rows]


def events(ask: Ask, head: int) -> list[Logged]:
    """The events about what writers wrote."""
    return [
        Logged(
            row["seq"],
            row["record"]["patient_id"],
            (row["row_id"], int(row["record"]["code"].rpartition("-")[2])),
        )
        for row in ask(
            "SELECT seq, row_id, record FROM realtime_events"
            " WHERE seq <= %s AND kind = 'change' AND table_name = %s ORDER BY seq",
            head,
            TABLE,
        )
    ]


def rows(ask: Ask) -> dict[str, int]:
    """What writers wrote, each row with its version."""
    return {
        row["id"]: row["version"]
        for row in ask(
            "SELECT id::text, substr(code, 7)::int AS version FROM vital_signs"
            " WHERE code LIKE 'fault-%%'"
        )
    }


def oldest(ask: Ask) -> int:
    """The first position that is still kept."""
    return int(ask("SELECT oldest_seq FROM realtime_relay")[0]["oldest_seq"])


def rights(ask: Ask, without: Sequence[str] = ()) -> list[Right]:
    """Who reads whom by the clinic's own tables, leaving out some places on care teams."""
    found = ask(
        "SELECT providers.user_id::text AS reader, patient_id::text AS patient"
        " FROM care_team_memberships JOIN providers ON providers.id = provider_id"
        " WHERE ends_at IS NULL AND care_team_memberships.id <> ALL(%s::uuid[])"
        " UNION SELECT user_id::text, patient_id::text FROM caregivers WHERE ends_at IS NULL"
        " UNION SELECT user_id::text, id::text FROM patients",
        list(without),
    )
    return [Right(row["reader"], row["patient"]) for row in found]


def changes_of_rights(ask: Ask, user: str, since: int) -> list[int]:
    """The positions at which the log says that somebody's rights were changed.

    Not those at which the clock turned them, which tell of a change again that has just been made.
    """
    found = ask(
        "SELECT seq FROM realtime_events WHERE kind = 'control' AND operation = 'grants'"
        " AND NOT coalesce(record ? 'turned_by', false)"
        " AND seq > %s AND %s = ANY(topics) ORDER BY seq",
        since,
        f"user:{user}",
    )
    return [row["seq"] for row in found]
