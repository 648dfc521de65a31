"""`manage.py` without any settings, while a demo of this checkout runs: the demo is meant."""

import os
import sys
from pathlib import Path

from portal import environment
from portal.management.demo.command import ROOT, settings
from portal.management.demo.folder import DataFolder

# Whoever has set one of them means something else, and is told what is missing.
_OF_AN_INSTALLATION = ("SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")


def take_its_settings() -> None:
    """Put the settings of the running demo into the environment, and say so.

    Nothing happens where there are settings, no demo runs, or its keys are not ours to read.
    """
    if any(os.environ.get(name) for name in _OF_AN_INSTALLATION):
        return
    folder = DataFolder(environment.path("DATA_DIR", default=ROOT / ".data"))
    try:
        urls = folder.urls()
    except OSError:
        return
    os.environ.update(settings(folder, urls))
    shown = os.path.relpath(folder.path) if folder.path.is_relative_to(Path.cwd()) else folder.path
    print(
        f"There are no settings in the environment: this is the demo in {shown}.", file=sys.stderr
    )
