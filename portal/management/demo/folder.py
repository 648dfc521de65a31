"""What a demo keeps on disk: its keys, its data, the names of its processes.

DATA_DIR/keys.env         SECRET_KEY, ENCRYPTION_KEYS and VAPID_PRIVATE_KEY, made once
DATA_DIR/urls.env         the running databases; gone when the demo has ended
DATA_DIR/postgres/        the data (elsewhere when root's PostgreSQL cannot enter DATA_DIR)
DATA_DIR/logs/            what each process had to say
DATA_DIR/mail.txt         e-mails and texts that nobody was sent, with their links and codes
DATA_DIR/processes.json   what runs, to be found again after a `kill -9`
"""

import base64
import fcntl
import json
import os
import secrets
import shutil
import signal
from collections.abc import Iterable
from pathlib import Path

from portal.embedded import processes
from portal.embedded.errors import AlreadyRunning, FolderUnusable

_KEPT_LOG_BYTES = 5_000_000


class DataFolder:
    """One demo's folder, held by one demo at a time."""

    def __init__(self, path: Path):
        self.path = path
        self._lock: int | None = None

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def urls_file(self) -> Path:
        return self.path / "urls.env"

    @property
    def mail_file(self) -> Path:
        return self.path / "mail.txt"

    def take(self) -> None:
        """Hold the folder until we end, however we end. Raises FolderUnusable, AlreadyRunning."""
        try:
            # Others may pass, not look: as root the database runs as somebody else.
            self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FolderUnusable(
                f"The data folder {self.path} cannot be written ({error.strerror}): choose "
                "another with DATA_DIR=."
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(
                f"A demo already runs on {self.path}: stop it first, or choose another folder "
                "with DATA_DIR=."
            ) from None

    def keys(self) -> dict[str, str]:
        """The keys of this demo. Made once: other keys could not open what these have sealed.

        A folder of an earlier version keeps what it has and is given what it lacks.
        """
        file = self.path / "keys.env"
        kept = _read(file) if file.exists() else {}
        keys = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "ENCRYPTION_KEYS": f"demo:{_key()}",
            # Browsers subscribe to push with its public half: another key would lose them all.
            "VAPID_PRIVATE_KEY": _key(),
        } | kept
        if keys != kept:
            self._write(file, keys)
        return keys

    def write_urls(self, urls: dict[str, str]) -> None:
        self._write(self.urls_file, urls)

    def urls(self) -> dict[str, str]:
        """The databases of the demo that runs. Raises OSError when none does."""
        return _read(self.urls_file)

    def log_of(self, name: str) -> Path:
        """Where a process writes. What an earlier run wrote is kept until it is large."""
        logs = self.path / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        return _not_large(logs / f"{name}.log")

    def put_old_mail_away(self) -> None:
        """Begin another file when what is kept has become large, as for `log_of`."""
        _not_large(self.mail_file)

    def remember(self, running: Iterable[tuple[str, int]]) -> None:
        """Write down which processes are ours, each by id and start so that it is one for ever."""
        found = [
            {"name": name, "pid": pid, "started": processes.started_at(pid)}
            for name, pid in running
        ]
        growing = self.path / "processes.json.growing"
        growing.write_text(json.dumps(found))
        growing.replace(self.path / "processes.json")

    def end_orphans(self, seconds: float = 3.0) -> None:
        """End what an earlier run, killed before it could, has left running."""
        try:
            recorded = json.loads((self.path / "processes.json").read_text())
        except (FileNotFoundError, ValueError):
            return
        orphans = [
            entry["pid"]
            for entry in recorded
            if entry["started"] and processes.started_at(entry["pid"]) == entry["started"]
        ]
        for pid in orphans:
            processes.signal_if_alive(pid, signal.SIGTERM)
        if not processes.wait_until(lambda: not any(map(processes.is_alive, orphans)), seconds):
            for pid in filter(processes.is_alive, orphans):
                processes.signal_if_alive(pid, signal.SIGKILL)

    def tidy(self) -> None:
        """Take away what only says what runs."""
        self.urls_file.unlink(missing_ok=True)
        (self.path / "processes.json").unlink(missing_ok=True)

    def remove(self) -> None:
        shutil.rmtree(self.path)

    def _write(self, file: Path, values: dict[str, str]) -> None:
        """Whole or not at all, and readable by its owner only from the first byte."""
        growing = file.with_suffix(".growing")
        growing.unlink(missing_ok=True)
        with open(growing, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            out.writelines(f"{name}={value}\n" for name, value in values.items())
        growing.replace(file)


def _not_large(file: Path) -> Path:
    if file.exists() and file.stat().st_size > _KEPT_LOG_BYTES:
        file.replace(file.with_name(f"{file.name}.old"))
    return file


def _key() -> str:
    """32 random bytes: a key of AES, or a number below the order of P-256, as nearly all are."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _read(file: Path) -> dict[str, str]:
    lines = (line.partition("=") for line in file.read_text().splitlines() if "=" in line)
    return {name: value for name, _, value in lines}
