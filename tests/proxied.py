"""The portal behind the distribution's own nginx and Caddy, with the words of docs/deployment.

Each is the one that is installed, or else one that is taken out of its package, without installing
it. Where there is neither, whoever asks for it is skipped, and says so.
"""

import os
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.browser.server import free_port
from tests.faults.plant import quiet_port
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[1]
DEPLOYMENT = ROOT / "docs" / "deployment"
NAME = "localhost"  # has an address everywhere, and a certificate can name it


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    """The path of an nginx."""
    return _program("nginx", "-v", tmp_path_factory)


@pytest.fixture(scope="module")
def caddy(tmp_path_factory):
    """The path of a Caddy."""
    return _program("caddy", "version", tmp_path_factory)


def _program(name, version, tmp_path_factory):
    if found := shutil.which(name) or shutil.which(name, path="/usr/sbin"):
        return found
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip(f"There is no {name} here, and no package to take it from.")
    folder = tmp_path_factory.mktemp(name)
    # apt downloads as a user of its own.
    folder.chmod(0o777)
    quietly = {"cwd": folder, "capture_output": True, "timeout": 120}
    if os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quietly)
    subprocess.run(["apt-get", "download", "-qq", name], check=False, **quietly)
    for package in folder.glob(f"{name}_*.deb"):
        subprocess.run(["dpkg-deb", "-x", package.name, "."], check=False, **quietly)
    for program in folder.glob(f"usr/*bin/{name}"):
        if not subprocess.run([program, version], check=False, **quietly).returncode:
            return str(program)
    pytest.skip(f"There is no {name} here, and its package cannot be had.")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The folder of a certificate for NAME, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    write_certificate(folder, NAME)
    return folder


def write_certificate(folder: Path, host: str) -> None:
    """Write `fullchain.pem` and `privkey.pem` for a host, good for an hour, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


class Proxied:
    """Two web processes behind nginx with the example's words, on ports of their own."""

    def __init__(
        self, nginx: str, folder: Path, certificate: Path, environment: dict[str, str]
    ) -> None:
        self.nginx, self.folder, self.certificate = nginx, folder, certificate
        self.environment = {
            "INSECURE_HTTP": "0",
            "ALLOWED_HOSTS": NAME,
            "FORWARDED_ALLOW_IPS": "127.0.0.1",
            "DATABASE_POOL": "4",
            "REDIS_URL": "",
        } | environment
        self.plain_port, self.port = free_port(), free_port()
        # One that is restarted finds its port again.
        self.web_ports = [quiet_port(), quiet_port()]
        self.webs: list[subprocess.Popen[bytes]] = []
        self._proxy: subprocess.Popen[bytes] | None = None

    @property
    def site(self) -> str:
        return f"https://{NAME}:{self.port}/"

    def configuration(self, *, without: int | None = None) -> Path:
        """The example with the changes that its first lines ask for, and places of this test.

        One web process may be taken out, as docs/runbook.md says before it is restarted.
        """
        text = (DEPLOYMENT / "nginx.conf").read_text()
        first, second = (
            f"server 127.0.0.1:{port}{' down' if number == without else ''} "
            for number, port in enumerate(self.web_ports)
        )
        for old, new in (
            ("server web-1:8000 ", first),
            ("server web-2:8000 ", second),
            ("server_name portal.clinic.example;", f"server_name {NAME};"),
            ("listen 80;", f"listen 127.0.0.1:{self.plain_port};"),
            ("listen 443 ssl http2;", f"listen 127.0.0.1:{self.port} ssl http2;"),
            ("/etc/nginx/tls/", f"{self.certificate}/"),
            # $host has no port, and only this test has one that is not the usual.
            ("Host              $host;", "Host              $http_host;"),
        ):
            assert old in text, old
            text = text.replace(old, new)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "\n".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds)
        whole = self.folder / "nginx.conf"
        whole.write_text(
            f"pid {self.folder}/nginx.pid;\nerror_log {self.folder}/error.log;\ndaemon off;\n"
            f"worker_processes 1;\nevents {{}}\nhttp {{\naccess_log off;\n{places}\n{text}\n}}\n"
        )
        return whole

    def run_nginx(self, *arguments: str) -> list[str]:
        return [self.nginx, "-p", str(self.folder), "-c", f"{self.folder}/nginx.conf", *arguments]

    def start(self) -> None:
        self.configuration()
        self.webs = [self._web(port) for port in self.web_ports]
        self._proxy = subprocess.Popen(self.run_nginx())
        for port in self.web_ports:
            wait_until(lambda port=port: answers(port))
        wait_until(lambda: answers(self.plain_port))

    def take_out(self, number: int) -> None:
        """Have nginx lead no new connection to a web process; what it has in hand it finishes."""
        self._reload(without=number)

    def put_back(self) -> None:
        """Have nginx lead to both again."""
        self._reload(without=None)

    def restart(self, number: int) -> None:
        """End a web process as a service manager does, and start it again; until it answers."""
        web = self.webs[number]
        web.terminate()
        web.wait(60)
        self.webs[number] = self._web(self.web_ports[number])
        wait_until(lambda: answers(self.web_ports[number]))

    def stop(self) -> None:
        running = [*self.webs, *([self._proxy] if self._proxy else [])]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(60)
            finally:
                process.kill()
                process.wait()

    def last_words(self) -> str:
        logs = [*self.folder.glob("*.log")]
        return "\n".join(log.read_text(errors="replace")[-2_000:] for log in logs)

    def _web(self, port: int) -> subprocess.Popen[bytes]:
        server = ["portal.serving", "--host", "127.0.0.1"]
        options = "--log-level warning --timeout-graceful-shutdown 10"
        with (self.folder / f"web-{port}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *server, "--port", str(port), *options.split()],
                cwd=ROOT,
                env=os.environ | self.environment,
                stdout=log,
                stderr=log,
            )

    def _reload(self, *, without: int | None) -> None:
        assert self._proxy is not None
        master = self._proxy.pid
        before = _children(master)
        self.configuration(without=without)
        subprocess.run(self.run_nginx("-s", "reload"), check=True, capture_output=True)
        # The old ones stay for their sockets, and take no new connection.
        wait_until(lambda: _takes_over(master, before))


class Caddied:
    """The same web processes behind Caddy, with the words of its example."""

    def __init__(self, caddy: str, folder: Path, behind: Proxied) -> None:
        self.caddy, self.folder, self.behind = caddy, folder, behind
        self.port = free_port()
        self._proxy: subprocess.Popen[bytes] | None = None

    @property
    def site(self) -> str:
        return f"https://{NAME}:{self.port}/"

    def configuration(self) -> Path:
        """The example for NAME, with a certificate that is there instead of one it would get."""
        text = (DEPLOYMENT / "Caddyfile").read_text()
        first, second = (f"127.0.0.1:{port}" for port in self.behind.web_ports)
        tls = f"{self.behind.certificate}/fullchain.pem {self.behind.certificate}/privkey.pem"
        for old, new in (
            ("portal.clinic.example {", f"{NAME}:{self.port} {{\n\tbind 127.0.0.1\n\ttls {tls}"),
            ("web-1:8000", first),
            ("web-2:8000", second),
            ("Host portal.clinic.example", f"Host {NAME}"),
        ):
            assert old in text, old
            text = text.replace(old, new)
        whole = self.folder / "Caddyfile"
        # Redirects from http would want a port that is not ours.
        whole.write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{text}")
        return whole

    def run_caddy(self, command: str) -> list[str]:
        return [
            self.caddy,
            command,
            "--adapter",
            "caddyfile",
            "--config",
            f"{self.folder}/Caddyfile",
        ]

    def start(self) -> None:
        self.configuration()
        homes = {"XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        with (self.folder / "caddy.log").open("ab") as log:
            self._proxy = subprocess.Popen(
                self.run_caddy("run"), env=os.environ | homes, stdout=log, stderr=log
            )
        wait_until(lambda: answers(self.port))

    def stop(self) -> None:
        if self._proxy is not None:
            self._proxy.terminate()
            try:
                self._proxy.wait(60)
            finally:
                self._proxy.kill()
                self._proxy.wait()


def _takes_over(master: int, before: set[int]) -> bool:
    return bool(_children(master) - before) and all(_shuts_down(pid) for pid in before)


def _children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def _shuts_down(pid: int) -> bool:
    try:
        return b"shutting down" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True


def answers(port: int) -> bool:
    """Whether something listens at a port."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
