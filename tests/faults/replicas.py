"""A PostgreSQL server that another may follow, or that follows one."""

import shutil
import subprocess
from pathlib import Path

import psycopg

from portal.embedded.binaries import programs_for
from portal.embedded.cluster import plain_environment
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.processes import wait_until


class Replicated(EmbeddedPostgres):
    """A server that another may follow, or that follows one."""

    def _options(self, port: int) -> list[str]:
        return [
            *super()._options(port),
            *["--wal_level=replica", "--max_wal_senders=4", "--wal_keep_size=64MB"],
        ]

    def _is_ready(self) -> bool:
        pid_file = self._cluster / "postmaster.pid"
        follows = pid_file.exists() and pid_file.read_text().split("\n")[7:8] == ["standby "]
        return follows or super()._is_ready()

    def follow(self, primary: EmbeddedPostgres) -> None:
        """Become its copy, and its standby."""
        self.copy(primary, "--write-recovery-conf")

    def copy(self, primary: EmbeddedPostgres, *how: str) -> None:
        """Take a base backup, and the passwords that belong to it."""
        self._take_folder()
        subprocess.run(
            [
                programs_for(self.account) / "pg_basebackup",
                *["--pgdata", self._cluster, "--dbname", primary.superuser_url],
                *["--checkpoint=fast", "--no-sync", "--wal-method=stream", *how],
            ],
            env=plain_environment(),
            check=True,
            **self.account.popen_arguments(),
        )
        shutil.copy(primary.folder / "passwords.json", self.folder)
        self._let_go()


class Archived(Replicated):
    """A server that keeps its write-ahead log in a folder, to be restored from."""

    def __init__(self, folder: Path, archive: Path) -> None:
        super().__init__(folder)
        self.archive = archive

    def _options(self, port: int) -> list[str]:
        keep = f"test ! -f {self.archive}/%f && cp %p {self.archive}/%f"
        return [*super()._options(port), "--archive_mode=on", f"--archive_command={keep}"]

    def restore_to(self, point: str) -> None:
        """Start from the copy, and play the log up to a named point; then it is a server again."""
        with (self._cluster / "postgresql.auto.conf").open("a") as file:
            file.write(
                f"\nrestore_command = 'cp {self.archive}/%f %p'\n"
                f"recovery_target_name = '{point}'\nrecovery_target_action = 'promote'\n"
            )
        signal_file = self._cluster / "recovery.signal"
        signal_file.touch()
        self.account.own(signal_file)
        self.start()
        with psycopg.connect(self.superuser_url, autocommit=True) as line:
            asked = "SELECT pg_is_in_recovery()"
            wait_until(lambda: line.execute(asked).fetchone() == (False,), 60)
