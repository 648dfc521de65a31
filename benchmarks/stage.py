"""What a run stands on: PostgreSQL, Valkey, two databases and a folder for what is written down.

One is the portal's, migrated. The other is the peers': one plain table whose trigger notifies.
Durable, as in production: the flush of a commit is part of every figure.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg

from benchmarks.servers import pin
from portal.embedded.postgres import EmbeddedPostgres
from portal.embedded.processes import wait_until
from portal.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).resolve().parent.parent

# A frame of ours about one vital sign is about so long; the peers carry as much.
_FRAME_BYTES = 420

_TELL_SECONDS = 60

# Each peer listens on a channel of its own, named by the row.
_PEERS = """
    CREATE TABLE changes (id uuid PRIMARY KEY, peer text NOT NULL, topic text NOT NULL, body text);
    CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify(NEW.peer, NEW.topic || ' {"id": "' || NEW.id || '", "body": "'
            || NEW.body || '"}');
        RETURN NULL;
    END $$;
    CREATE TRIGGER tell AFTER INSERT ON changes FOR EACH ROW EXECUTE FUNCTION tell();
"""
PADDING = "x" * (_FRAME_BYTES - 70)


class Stage:
    """Servers and databases of one run."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
        self.postgres = EmbeddedPostgres(self.folder / "postgres", max_connections=120)
        self.valkey = EmbeddedValkey()

    def set_up(self) -> None:
        """Start, and make this process the portal's: afterwards Django may be imported."""
        self.postgres.start()
        self.valkey.start()
        self.portal = self.postgres.provision("vigil")
        self.peers = self.postgres.provision("peers")
        os.environ |= self.portal.environment() | {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "DEMO": "0",
            "INSECURE_HTTP": "1",
            "SECRET_KEY": uuid.uuid4().hex * 2,
            "ENCRYPTION_KEYS": "bench:" + "A" * 43 + "=",
            # Nobody's session ends by silence while a run lasts.
            "SESSION_IDLE_STAFF_MINUTES": "60",
            "SESSION_IDLE_PATIENT_MINUTES": "60",
            "REDIS_URL": "",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True)
        with psycopg.connect(self.portal.superuser, autocommit=True) as connection:
            # The auditor beside the relay would raise its alarm over a missing job worker.
            connection.execute(
                "INSERT INTO procrastinate_workers (last_heartbeat)"
                " VALUES (now() + interval '1 day')"
            )
        self.make_peers()

        import django

        django.setup()

    def make_peers(self) -> None:
        """Make the table that the peers tell of."""
        with psycopg.connect(self.peers.superuser, autocommit=True) as connection:
            connection.execute(_PEERS)

    def clear_away(self) -> None:
        """Wait until a relay has moved all there is, and vacuum, as would be done in a minute."""
        with psycopg.connect(self.portal.superuser, autocommit=True) as connection:
            inbox = "SELECT EXISTS (SELECT FROM realtime_inbox)"
            if not wait_until(
                lambda: connection.execute(inbox).fetchone() == (False,), _TELL_SECONDS, every=0.1
            ):
                raise RuntimeError("The relay does not empty the inbox.")
            connection.execute("VACUUM ANALYZE")

    def valkey_process(self, core: int | None) -> psutil.Process:
        """Valkey's process, on the core of the server that it works for."""
        process = psutil.Process(self.valkey.pid)
        pin(process, core)
        return process

    def pin_postgres(self, core: int | None) -> None:
        """Keep PostgreSQL, and every backend it starts from now on, on one core; None: on all."""
        pin(psutil.Process(self.postgres.pid), core)

    def find_node(self, say: Callable[[str], None]) -> bool:
        """Install what the peers in JavaScript need; False, with a word, where that cannot be."""
        npm, node = shutil.which("npm"), shutil.which("node")
        if npm is None or node is None:
            say("`ws` and Socket.IO were left out: there is no node with npm on this machine.")
            return False
        self.node_folder = ROOT / ".data" / "benchmarks" / "node"
        shutil.copytree(
            ROOT / "benchmarks" / "peers" / "node", self.node_folder, dirs_exist_ok=True
        )
        answer = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--prefer-offline"],
            cwd=self.node_folder,
            capture_output=True,
            check=False,
        )
        if answer.returncode:
            say("`ws` and Socket.IO were left out: npm could not install what they need.")
        return answer.returncode == 0

    def tear_down(self) -> None:
        """Stop everything and leave nothing behind."""
        self.valkey.stop()
        self.postgres.discard()
        shutil.rmtree(self.folder, ignore_errors=True)
