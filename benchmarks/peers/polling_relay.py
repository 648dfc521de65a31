"""A relay without a doorbell: it looks into the inbox every 2 ms, and moves as ours does."""

import os
import time

import psycopg

_PAUSE_SECONDS = 0.002
_BATCH = 1_000


def main() -> None:
    """Move until ended."""
    with psycopg.connect(os.environ["DATABASE_ENGINE_URL"], autocommit=True) as connection:
        connection.prepare_threshold = 0
        epoch = None
        while epoch is None:
            row = connection.execute("SELECT realtime_try_to_lead('2 seconds')").fetchone()
            epoch = row[0] if row else None
            time.sleep(0.05)
        while True:
            found = connection.execute(
                "SELECT * FROM realtime_move(%s, %s, false)", [epoch, _BATCH]
            ).fetchall()
            if len(found) < _BATCH:
                time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    main()
