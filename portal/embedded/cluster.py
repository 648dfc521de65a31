"""Making a cluster: the data folder of a PostgreSQL server, and the passwords of its roles."""

import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path

from portal.embedded import roles
from portal.embedded.accounts import Account
from portal.embedded.binaries import programs_for
from portal.embedded.errors import CannotStart

SUPERUSER = "vigil_superuser"


def make_cluster(folder: Path, account: Account, *, durable: bool) -> None:
    """Make `folder/cluster` and `folder/passwords.json`.

    initdb works in a neighbour that is renamed at the end, so that a folder of that name is
    always a whole cluster, whenever we are killed.
    """
    growing = folder / "cluster.growing"
    shutil.rmtree(growing, ignore_errors=True)
    passwords = {SUPERUSER: secrets.token_urlsafe(24), **roles.new_passwords()}
    with open(folder / "passwords.json", "w", opener=private) as file:
        json.dump(passwords, file)
    password_file = folder / "superuser.password"
    with open(password_file, "w", opener=private) as file:
        file.write(passwords[SUPERUSER])
    account.own(password_file)
    try:
        _run_initdb(growing, account, password_file, durable=durable)
    finally:
        password_file.unlink()
    growing.rename(folder / "cluster")


def passwords_of(folder: Path) -> dict[str, str]:
    """The password of each role of the cluster in `folder`, by role."""
    passwords: dict[str, str] = json.loads((folder / "passwords.json").read_text())
    return passwords


def _run_initdb(cluster: Path, account: Account, password_file: Path, *, durable: bool) -> None:
    finished = subprocess.run(
        [
            programs_for(account) / "initdb",
            f"--pgdata={cluster}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            # The same order and the same upper case on every machine, whatever its locales.
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            # Tests connect by the thousand: 4,096 rounds of SHA-256 each would only cost them time.
            *([] if durable else ["--no-sync", "--set=scram_iterations=1"]),
        ],
        cwd="/",
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
        **account.popen_arguments(),
    )
    if finished.returncode != 0:
        shutil.rmtree(cluster, ignore_errors=True)
        reason = (finished.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CannotStart(f"PostgreSQL cannot make its data folder: {reason}")


def plain_environment() -> dict[str, str]:
    """Nothing of ours: a PGPORT, PGDATA or LC_ALL of the caller would change the server."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def private(path: str, flags: int) -> int:
    """An opener for files that only their owner may read, from the first byte on."""
    return os.open(path, flags, 0o600)
