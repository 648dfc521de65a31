"""Where a server's data lie when the account that runs it cannot enter the folder asked for.

Root may keep a checkout under a home that nobody else can enter, and that home is not opened for
the server's sake: its data get a stand-in folder under /var/lib, named after the folder it stands
for, so that the next run finds the same data.
"""

import fcntl
import hashlib
import os
import shutil
import time
from pathlib import Path

from portal.embedded.accounts import Account
from portal.embedded.errors import FolderUnusable

STANDINS = Path("/var/lib/vigil")

# A test run that was killed leaves its stand-in behind; none runs for an hour without a lock.
_ABANDONED_AFTER_SECONDS = 3600


def reachable_folder(folder: Path, account: Account, *, durable: bool) -> Path:
    """`folder` itself, or its stand-in when `account` cannot enter it.

    Data that exist are found again where they were made, whatever has since become of the
    permissions above `folder`.
    """
    place = STANDINS if durable else STANDINS / "passing"
    standin = place / f"{folder.name}-{digest(folder)}"
    if account.is_ours or (account.can_enter(folder.parent) and not standin.exists()):
        return folder
    if (folder / "cluster").exists():
        raise FolderUnusable(
            f"PostgreSQL does not run as root, and the user “nobody” can no longer enter {folder}."
        )
    try:
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise FolderUnusable(f"The data folder {place} cannot be made: {error.strerror}.") from None
    if not durable:
        _remove_abandoned(place)
    return standin


def digest(folder: Path) -> str:
    """A short name for a path, the same in every run."""
    return hashlib.sha256(str(folder).encode()).hexdigest()[:12]


def _remove_abandoned(place: Path) -> None:
    for folder in place.iterdir():
        if time.time() - folder.stat().st_mtime > _ABANDONED_AFTER_SECONDS and _is_free(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_free(folder: Path) -> bool:
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
