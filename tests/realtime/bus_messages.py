"""Messages as a relay tells the bus of them."""

import json
from datetime import UTC, datetime

# The SECRET_KEY of whoever else shares the bus.
ANOTHER_KEY = "of another clinic that shares the bus, and as long as Django asks it to be"


def message(first=1, count=1, filler=""):
    """The log has grown by `count` events from `first` on."""
    events = [
        {
            "seq": first + number,
            "organization_id": None,
            "kind": "change",
            "topics": ["patient:1"],
            "table_name": "notes",
            "row_id": "7",
            "operation": "INSERT",
            "record": json.dumps({"id": "7", "filler": filler}),
            "old_record": None,
            "actor": None,
            "created_at": datetime(2026, 3, 1, tzinfo=UTC),
        }
        for number in range(count)
    ]
    return {"epoch": "e", "first": first, "last": first + count - 1, "events": events}
