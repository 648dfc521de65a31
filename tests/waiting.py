"""Waiting for the thing itself, and never for a while."""

import time
from concurrent.futures import ThreadPoolExecutor, wait

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


def ended(function, seconds=PATIENCE_SECONDS):
    """Return what a function returned or raise what it raised; fail when it does not end in time.

    It may then go on in its thread: whoever calls must end what it waits for.
    """
    pool = ThreadPoolExecutor(1)
    running = pool.submit(function)
    pool.shutdown(wait=False)
    assert not wait([running], seconds).not_done, f"not within {seconds} s: {function}"
    return running.result()
