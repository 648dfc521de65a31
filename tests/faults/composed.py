"""The clinic's installation with compose, from nothing: begun, upgraded, restored, and cut off.

`bin/drill compose` follows the deployment guide and the runbook word by word, in a project of its
own, with volumes and a network of its own and no port of the host. It needs a container engine
with Compose 2.24 or newer that has the images of compose.yaml, or can get them. OLD=<version>
begins with that version, so that the upgrade is one.
"""

import base64
import http.client
import json
import os
import secrets
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.proxied import ROOT, write_certificate
from tests.waiting import wait_until

HOST = "portal.clinic.example"
FRONT = "172.30.231"
PROXY = f"{FRONT}.2"
ANCHORS = "/anchors/audit"
# What a drill has nothing for: a mail server and a dead man's switch.
_LEFT_OUT = ("EMAIL_HOST", "EMAIL_HOST_PASSWORD", "HEARTBEAT_URL")
_BUILD_SECONDS, _SECONDS = 900, 120

# Names are the containers' own affair: the proxy is found by the name that people type.
_OVERRIDE = f"""
services:
  proxy:
    ports: !reset []
    networks: {{front: {{aliases: [{HOST}]}}}}
  web-1: &web
    environment: {{SSL_CERT_FILE: /tls/fullchain.pem}}
    volumes: ["./tls:/tls:ro"]
  web-2: *web
"""


class Installation:
    """One, in a folder that has the code as it is installed."""

    def __init__(self, folder: Path, version: str) -> None:
        self.folder = folder / "vigil"
        self._run("git", "clone", "--quiet", str(ROOT), str(self.folder), folder=folder)
        self.install(version)
        self._fill_in()
        (self.folder / "compose.override.yaml").write_text(_OVERRIDE)
        (self.folder / "tls").mkdir()
        write_certificate(self.folder / "tls", HOST)

    def install(self, version: str) -> None:
        """Put the code of a version into the folder."""
        self._run("git", "checkout", "--quiet", "--detach", version)

    def _fill_in(self) -> None:
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        filled = {"ENCRYPTION_KEYS": f"k1:{key}", "FRONT": FRONT, "TLS_FOLDER": "./tls"}
        lines = []
        for line in (self.folder / "docs/deployment/example.env").read_text().splitlines():
            name, _, value = line.partition("=")
            if name == "SECRET_KEY" or (name.endswith("_PASSWORD") and name not in _LEFT_OUT):
                value = secrets.token_urlsafe(48)
            lines.append(f"{name}={filled.get(name, value)}" if "=" in line else line)
        (self.folder / ".env").write_text("\n".join(lines) + "\n")

    def compose(self, *words: str, seconds: float = _SECONDS, **options: object) -> str:
        """`docker compose …`; what it printed. Raises RuntimeError."""
        # Pipes do not turn what is said into a terminal's.
        if words[0] in ("exec", "run"):
            words = (words[0], "-T", *words[1:])
        return self._run(
            "docker", "compose", "--project-name", "vigil-drill", *words, seconds=seconds, **options
        )

    def manage(self, *words: str, within: str = "worker", check: bool = True) -> str:
        return self.compose("exec", within, "python", "manage.py", *words, check=check)

    def ask(self, query: str) -> str:
        """The database's own answer."""
        words = ("psql", "--username", "postgres", "--dbname", "vigil", "-Atc", query)
        return self.compose("exec", "postgres", *words).strip()

    def amiss(self, *states: str) -> list[str]:
        """What the doctor calls a problem or a warning, or only one of them."""
        said = self.manage("doctor", "--roundtrip", "--site", "--json", within="web-1", check=False)
        findings = json.loads(said)["findings"]
        return [
            f"{finding['state']}: {finding['what']}"
            for finding in findings
            if finding["state"] in (states or ("problem", "warning"))
            and not finding["what"].startswith(_LEFT_OUT)
        ]

    def wait_for(self, *services: str) -> None:
        """Wait until they are well."""
        wait_until(lambda: all(self._is_well(each) for each in services), 60)

    def _is_well(self, service: str) -> bool:
        said = self.compose("ps", "--format", "{{.Health}}", service, check=False)
        return said.strip() == "healthy"

    def _run(
        self,
        *words: str,
        folder: Path | None = None,
        seconds: float = _SECONDS,
        check: bool = True,
        input: bytes | None = None,
        stdout: object = subprocess.PIPE,
    ) -> str:
        done = subprocess.run(
            words,
            cwd=folder or self.folder,
            check=False,
            timeout=seconds,
            input=input,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(words)}\n{done.stderr.decode(errors='replace')}")
        return (done.stdout or b"").decode()


class Visitors:
    """Somebody who asks for a page twenty times a second, and remembers what went wrong."""

    def __init__(self) -> None:
        self.asked = 0
        self.failed: Counter[str] = Counter()
        self._is_over = threading.Event()
        # Whom they ask is theirs to check elsewhere: `doctor --site` does.
        self._tls = ssl.create_default_context()
        self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE

    @contextmanager
    def asking(self) -> Iterator[None]:
        thread = threading.Thread(target=self._ask_on)
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join()

    def _ask_on(self) -> None:
        while not self._is_over.wait(0.05):
            self.asked += 1
            try:
                connection = http.client.HTTPSConnection(PROXY, context=self._tls, timeout=_SECONDS)
                connection.request("GET", "/sign-in/", headers={"Host": HOST})
                answer = connection.getresponse()
                answer.read()
                connection.close()
                if answer.status != http.client.OK:
                    self.failed[str(answer.status)] += 1
            except OSError as error:
                self.failed[type(error).__name__] += 1


def compose(folder: Path) -> dict:
    new = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
    clinic = Installation(folder, os.environ.get("OLD") or new)
    try:
        return _begin(clinic) | _upgrade(clinic, new) | _restore(clinic) | _cut_off(clinic)
    finally:
        clinic.compose("down", "--volumes", "--timeout", "5", check=False)


def _begin(clinic: Installation) -> dict:
    clinic.compose("build", seconds=_BUILD_SECONDS)
    began = time.monotonic()
    clinic.compose("up", "--detach", seconds=_BUILD_SECONDS)
    clinic.wait_for("web-1", "web-2")
    took = time.monotonic() - began
    said = clinic.compose(
        *("run", "--rm", "migrate", "python", "manage.py", "open_clinic", "harbour"),
        *("--name", "Harbour Clinic", "--time-zone", "Europe/Lisbon", "--locale", "en"),
        *("--phone", "+351 21 000 00 00", "--emergency-phone", "112"),
        *("--administrator", "alma@harbour.example", "--administrator-name", "Alma Kay"),
    )
    if f"https://{HOST}/" not in said:
        raise RuntimeError(f"open_clinic gave no link:\n{said}")
    return {"seconds until all is well": round(took, 1), "amiss at first": clinic.amiss()}


def _upgrade(clinic: Installation, version: str) -> dict:
    visitors = Visitors()
    with visitors.asking():
        clinic.install(version)
        clinic.compose("build", seconds=_BUILD_SECONDS)
        clinic.compose("run", "--rm", "migrate")
        for service in ("web-1", "web-2"):
            clinic.compose("up", "--detach", "--no-deps", "--force-recreate", service)
            clinic.wait_for(service)
        clinic.compose("up", "--detach", "--no-deps", "--force-recreate", "worker")
    return {
        "requests during the upgrade": visitors.asked,
        "requests that failed": dict(visitors.failed),
        "amiss after the upgrade": clinic.amiss(),
    }


def _restore(clinic: Installation) -> dict:
    anchored = ("exec", "worker", "grep", "--count", "anchor", ANCHORS)
    count = "SELECT count(*) FROM audit_logs"
    wait_until(lambda: clinic.compose(*anchored, check=False).strip() not in ("", "0"), 90)
    with (clinic.folder / "vigil.dump").open("wb") as dump:
        clinic.compose(
            *("exec", "postgres", "pg_dump", "--username", "postgres"),
            *("--format", "custom", "vigil"),
            stdout=dump,
        )
    kept, log = int(clinic.ask(count)), clinic.ask("SELECT log_epoch FROM realtime_relay")
    clinic.manage("password_link", "alma@harbour.example")
    undone = int(clinic.ask(count)) - kept

    clinic.compose("stop", "proxy", "web-1", "web-2", "worker")
    began = time.monotonic()
    clinic.compose("up", "--detach", "--wait", "postgres")
    renamed = "ALTER DATABASE vigil RENAME TO replaced"
    clinic.compose("exec", "postgres", "psql", "--username", "postgres", "--command", renamed)
    again = (
        'sed -n "/^CREATE DATABASE/,$ p" /docker-entrypoint-initdb.d/roles.sql |'
        " psql --no-psqlrc --username postgres --set ON_ERROR_STOP=1"
    )
    clinic.compose("exec", "postgres", "sh", "-c", again)
    clinic.compose(
        *("exec", "postgres", "pg_restore", "--username", "postgres"),
        *("--exit-on-error", "--dbname", "vigil"),
        input=(clinic.folder / "vigil.dump").read_bytes(),
    )
    found = int(clinic.ask(count))
    clinic.compose("run", "--rm", "worker", "mv", ANCHORS, f"{ANCHORS}-before")
    clinic.compose("up", "--detach")
    clinic.wait_for("web-1", "web-2")
    took = time.monotonic() - began
    wait_until(lambda: clinic.ask("SELECT log_epoch FROM realtime_relay") != log, 30)
    verified = clinic.manage("verify_audit", check=False)
    return {
        "seconds to restore": round(took, 1),
        "entries undone on purpose": undone,
        "entries that were kept and are lost": kept - found,
        "audit log not as it was": "" if "as it was sealed" in verified else verified,
        # For an hour it warns of web processes that were there and said no goodbye.
        "amiss after the restore": clinic.amiss("problem"),
    }


def _cut_off(clinic: Installation) -> dict:
    """As a power cut, after which the machine starts everything at once."""
    clinic.compose("kill")
    clinic.compose("start")
    clinic.wait_for("postgres", "web-1", "web-2")
    return {"amiss after a power cut": clinic.amiss("problem")}


WRONG = (
    "amiss at first",
    "requests that failed",
    "amiss after the upgrade",
    "entries that were kept and are lost",
    "audit log not as it was",
    "amiss after the restore",
    "amiss after a power cut",
)
