"""When Python looks for garbage in a process that serves.

Each look at everything stops the process: 90-180 ms with a few thousand sockets, a hundred thousand
objects of which were loaded to stay. So what is there before the first request is left out of all
looks, and the others come after more new objects than the few hundred for which the defaults were
chosen. Most of what we make is freed without any look, when its last reference goes.
"""

import gc

# New containers since the last look; a busy second makes a hundred thousand.
_NEW_OBJECTS = 10_000


def spare_what_stays() -> None:
    """To be called once, when everything is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
