"""Whom a server runs as. PostgreSQL refuses to run as root, so root lends it an unprivileged uid.

No system account is added. `nobody` exists on every system that has accounts at all, and initdb
insists on a uid that has a name.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.embedded.errors import CannotStart


@dataclass(frozen=True)
class Account:
    """A uid and gid to run a server as."""

    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """Whether the server runs as the very user who starts it."""
        return self.uid == os.geteuid()

    def popen_arguments(self) -> dict[str, Any]:
        """Arguments for `subprocess` that drop to this account, with no group kept."""
        if self.is_ours:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, folder: Path) -> bool:
        """Whether this account can reach `folder`, which need not exist yet.

        Judged by the permission bits for others on every existing parent: exact for an account
        that owns nothing there, and on the safe side for any other.
        """
        if self.is_ours:
            return True
        return all(
            parent.stat().st_mode & stat.S_IXOTH
            for parent in [folder, *folder.parents]
            if parent.is_dir()
        )

    def own(self, path: Path) -> None:
        if not self.is_ours:
            os.chown(path, self.uid, self.gid)


def server_account() -> Account:
    """The account an embedded server runs as: ourselves, or `nobody` when we are root."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise CannotStart(
            "PostgreSQL refuses to run as root, and this machine has no user “nobody” to run it "
            "as: start as an ordinary user instead."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)
