"""Waiting for the thing itself, and never for a while."""

import time

# How long to wait for what has to come: long enough for a machine busy with everything else.
PATIENCE_SECONDS = 60.0


def wait_until(condition, seconds=PATIENCE_SECONDS):
    """Wait for a condition and return what it answered; fail when it does not come in time."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {condition}")
        time.sleep(0.005)
    return answer
