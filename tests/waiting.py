"""Waiting for the thing itself, and never for a while."""

import time
from concurrent.futures import ThreadPoolExecutor, wait

# How long to wait for what has to come: long enough for a machine busy with everything else.
PATIENCE_SECONDS = 60.0


def wait_until(condition, seconds=PATIENCE_SECONDS):
    """Wait for a condition and return what it answered; fail when it does not come in time."""
    began = time.monotonic()
    while not (answer := condition()):
        waited = time.monotonic() - began
        if waited > seconds:
            raise AssertionError(f"not within {seconds} s: {condition}")
        time.sleep(pause_after(waited))
    return answer


def pause_after(waited):
    """How long not to ask again, having waited so long for something; both in seconds.

    Who asks takes the processor from what is to come. So the longer it takes, the seldomer; what
    comes is seen a twentieth later.
    """
    return min(max(0.005, waited / 20), 0.1)


def ended(function, seconds=PATIENCE_SECONDS):
    """Return what a function returned or raise what it raised; fail when it does not end in time.

    It may then go on in its thread: whoever calls must end what it waits for.
    """
    pool = ThreadPoolExecutor(1)
    running = pool.submit(function)
    pool.shutdown(wait=False)
    assert not wait([running], seconds).not_done, f"not within {seconds} s: {function}"
    return running.result()
