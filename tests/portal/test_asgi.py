"""What the interpreter is told in a process that serves."""

import subprocess
import sys

from portal.giving_way import GIVE_WAY_SECONDS

SAID = """
import gc, sys
import portal.asgi
print(sys.getswitchinterval(), gc.get_freeze_count())
"""


def test_threads_give_way_soon_and_garbage_is_looked_for_among_what_is_new():
    said = subprocess.run(
        [sys.executable, "-c", SAID], capture_output=True, text=True, check=True
    ).stdout.split()
    assert float(said[0]) == GIVE_WAY_SECONDS < sys.getswitchinterval()
    assert int(said[1]) > 50_000
