"""A machine that goes away without a word, holding a row; in a network namespace of its own.

    python -m tests.faults.gone_machine FOLDER [STATEMENT]

Here run a database server in FOLDER and an application that has locked a row, and does nothing or
is in the middle of STATEMENT. Then no packet comes from it, and none reaches it. Prints "free" when
somebody else has the row.
"""

import subprocess
import sys
from pathlib import Path

import psycopg

from portal.embedded.postgres import EmbeddedPostgres

ROW = "SELECT FROM kept FOR UPDATE"


def main(server: EmbeddedPostgres, statement: str = "") -> None:
    urls = server.provision("gone")
    with psycopg.connect(urls.superuser, autocommit=True) as other:
        other.execute("CREATE TABLE kept AS SELECT 1 AS id")
        other.execute("GRANT SELECT, UPDATE ON kept TO vigil_app")
        with psycopg.connect(urls.application) as gone:
            # By the network alone: a process that stands still is another test's.
            gone.execute("SET idle_in_transaction_session_timeout = 0")
            gone.execute(ROW)
            (port,) = gone.execute("SELECT inet_client_port()").fetchone()
            if statement:
                gone.pgconn.send_query(statement.encode())
            cut_off(port)
            other.execute(ROW)
            print("free", flush=True)
            gone.pgconn.finish()


def cut_off(port: int) -> None:
    """Lose every packet from a port and to it."""
    for rule in (
        "add table ip gone",
        "add chain ip gone in { type filter hook input priority 0 ; }",
        f"add rule ip gone in tcp sport {port} drop",
        f"add rule ip gone in tcp dport {port} drop",
    ):
        subprocess.run(["nft", *rule.split()], check=True)


if __name__ == "__main__":
    embedded = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
    embedded.start()
    try:
        main(embedded, *sys.argv[2:])
    finally:
        embedded.discard()
