"""One row of the log, as the reading side sees it.

Immutable facts that arrive from the bus or from the log itself, plus a cache of their JSON: the
newest events stay in the hub's memory and are sent again and again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

CHANGE, CONTROL, RESYNC = "change", "control", "resync"

Record = Mapping[str, Any]


class Event:
    """A position in the log, whom it is for, and the published columns of the row that changed.

    `record` and `old_record` may be given as mappings or as JSON text. They are kept as text, which
    goes out as it came in, and parsed only when a filter needs to look inside: most events are
    sent without being read. So is the moment, `created_at`, which may be ISO 8601.
    """

    __slots__ = (
        "_created_at",
        "_created_at_text",
        "_old_record",
        "_record",
        "data",
        "kind",
        "old_record_text",
        "operation",
        "organization_id",
        "record_text",
        "row_id",
        "seq",
        "table",
        "topics",
    )

    def __init__(
        self,
        *,
        seq: int,
        topics: tuple[str, ...],
        table: str,
        operation: str,
        created_at: datetime | str,
        kind: str = CHANGE,
        organization_id: str | None = None,
        row_id: str | None = None,
        record: Record | str | None = None,
        old_record: Record | str | None = None,
    ) -> None:
        self.seq = seq
        self.topics = topics
        self.table = table
        self.operation = operation
        self._created_at: datetime | None = None
        if isinstance(created_at, str):
            self._created_at_text = created_at
        else:
            self._created_at, self._created_at_text = created_at, created_at.isoformat()
        self.kind = kind
        self.organization_id = organization_id
        self.row_id = row_id
        self.record_text = _text(record)
        self.old_record_text = _text(old_record)
        self._record: Record | None = None
        self._old_record: Record | None = None
        # The encoded `data` of the event, one for each selection of columns.
        self.data: dict[frozenset[str] | None, str] = {}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Event:
        """Build an event from a row of `realtime_events`, or from the same thing off the bus.

        Raises KeyError, TypeError or ValueError when a field is missing or of another type.
        """
        organization = row["organization_id"]
        created_at = row["created_at"]
        if isinstance(created_at, str):
            datetime.fromisoformat(created_at)
        return cls(
            seq=int(row["seq"]),
            topics=tuple(row["topics"]),
            table=row["table_name"] or "",
            operation=row["operation"] or "",
            created_at=created_at,
            kind=row["kind"],
            organization_id=None if organization is None else str(organization),
            row_id=row["row_id"],
            record=row["record"],
            old_record=row["old_record"],
        )

    @property
    def record(self) -> Record | None:
        """The new row's published columns; None for a DELETE."""
        if self._record is None and self.record_text is not None:
            self._record = _parsed(self.record_text)
        return self._record

    @property
    def old_record(self) -> Record | None:
        """What is told of the row as it was."""
        if self._old_record is None and self.old_record_text is not None:
            self._old_record = _parsed(self.old_record_text)
        return self._old_record

    @property
    def created_at(self) -> datetime:
        """When the change happened."""
        if self._created_at is None:
            self._created_at = datetime.fromisoformat(self._created_at_text)
        return self._created_at

    @property
    def commit_timestamp(self) -> str:
        """When the change happened: UTC, milliseconds, `Z`, as the wire wants it."""
        text = self._created_at_text
        # As PostgreSQL writes it: by way of a moment it would take ten times as long, and most of
        # what an event costs.
        if text.endswith(("+00", "+00:00")) and text[19:20] == "." and text[20:23].isdigit():
            return f"{text[:10]}T{text[11:23]}Z"
        at = self.created_at
        if at.utcoffset():
            at = at.astimezone(UTC)
        return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"

    def __repr__(self) -> str:
        return f"<Event {self.seq} {self.kind} {self.operation} {self.table} {self.topics}>"


def _text(record: Record | str | None) -> str | None:
    if record is None or isinstance(record, str):
        return record
    return json.dumps(record)


def _parsed(text: str) -> Record | None:
    # Decimal, because a numeric column is compared with all the digits it came with.
    value = json.loads(text, parse_float=Decimal)
    return value if isinstance(value, dict) else None
