"""Databases on servers that a test may kill: a copy of what is migrated, or only the engine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.embedded.accounts import server_account
from portal.embedded.binaries import programs_for
from portal.embedded.postgres import DatabaseUrls, EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent


def copy_database(template: str, target: str) -> None:
    """Copy one database into another, empty one; a third of the time that the migrations take."""
    programs = programs_for(server_account())
    dump = subprocess.run(
        [programs / "pg_dump", "--no-sync", template], stdout=subprocess.PIPE, check=True
    ).stdout
    subprocess.run(
        [programs / "psql", "-qX", "-v", "ON_ERROR_STOP=1", target],
        # TEST_DATABASE_URL may name a server that is older than our programs.
        input=dump.replace(b"SET transaction_timeout = 0;\n", b""),
        stdout=subprocess.DEVNULL,
        check=True,
    )


@contextmanager
def engine_alone(server: EmbeddedPostgres) -> Iterator[DatabaseUrls]:
    """A database with nothing but the engine in it, on a server that ends with the block."""
    server.start()
    try:
        urls = server.provision("alone")
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "realtime", "--skip-checks", "-v0"],
            cwd=ROOT,
            env=os.environ | urls.environment(),
            check=True,
        )
        yield urls
    finally:
        server.discard()
