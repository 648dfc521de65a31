"""Which Chromium: `VIGIL_CHROMIUM`, or what bin/chromium has seen to, the cheapest first."""

import os
import shutil

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")


def executable() -> str | None:
    """Its path; None where there is none, of which Playwright then complains."""
    named = os.environ.get("VIGIL_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)
