"""The examples of docs/deployment, with the programs they are written for.

nginx is the distribution's own: the one that is installed, or else one that is taken out of its
package, without installing it. Where there is neither, the tests say so.
"""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from portal.management.doctor import outside, round_trip, site_round_trip
from portal.management.doctor.finding import State
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENT = ROOT / "docs" / "deployment"
NAME = "localhost"  # has an address everywhere, and a certificate can name it


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# The programs ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    """The path of an nginx."""
    if found := shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"):
        return found
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("There is no nginx here, and no package to take it from.")
    folder = tmp_path_factory.mktemp("nginx")
    # apt downloads as a user of its own.
    folder.chmod(0o777)
    quietly = {"cwd": folder, "capture_output": True, "timeout": 120}
    if os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quietly)
    subprocess.run(["apt-get", "download", "-qq", "nginx"], check=False, **quietly)
    for package in folder.glob("nginx_*.deb"):
        subprocess.run(["dpkg-deb", "-x", package.name, "."], check=False, **quietly)
    program = folder / "usr" / "sbin" / "nginx"
    if not program.exists() or subprocess.run([program, "-v"], check=False, **quietly).returncode:
        pytest.skip("There is no nginx here, and its package cannot be had.")
    return str(program)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The folder of a certificate for NAME, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
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
    return folder


class Proxied:
    """Two web processes behind nginx with the example's words, on ports of their own."""

    def __init__(self, nginx, folder, certificate, environment):
        self.nginx, self.folder, self.certificate = nginx, folder, certificate
        self.environment = environment
        self.plain_port, self.port = free_port(), free_port()
        self.web_ports = [free_port(), free_port()]
        self.processes = []

    @property
    def site(self):
        return f"https://{NAME}:{self.port}/"

    def configuration(self):
        """The example with the changes that its first lines ask for, and places of this test."""
        text = (DEPLOYMENT / "nginx.conf").read_text()
        for old, new in (
            ("server web-1:8000;", f"server 127.0.0.1:{self.web_ports[0]};"),
            ("server web-2:8000;", f"server 127.0.0.1:{self.web_ports[1]};"),
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

    def run_nginx(self, *arguments):
        return [self.nginx, "-p", str(self.folder), "-c", str(self.configuration()), *arguments]

    def start(self):
        for port in self.web_ports:
            server = ["uvicorn", "portal.asgi:application", "--host", "127.0.0.1"]
            options = "--ws websockets-sansio --ws-per-message-deflate false --log-level warning"
            with (self.folder / f"web-{port}.log").open("wb") as log:
                self.processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", *server, "--port", str(port), *options.split()],
                        cwd=ROOT,
                        env=os.environ | self.environment,
                        stdout=log,
                        stderr=log,
                    )
                )
        self.processes.append(subprocess.Popen(self.run_nginx()))
        for port in self.web_ports:
            wait_until(lambda port=port: answers(port), seconds=60)
        wait_until(lambda: answers(self.plain_port))

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(60)
            finally:
                process.kill()
                process.wait()


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def proxied(nginx, certificate, tmp_path_factory, committed_for_module, database_urls):
    """The portal as the world reaches it."""
    folder = tmp_path_factory.mktemp("proxied")
    settings = database_urls.environment() | {
        "INSECURE_HTTP": "0",
        "ALLOWED_HOSTS": NAME,
        "FORWARDED_ALLOW_IPS": "127.0.0.1",
        "DATABASE_POOL": "4",
        "REDIS_URL": "",
    }
    proxied = Proxied(nginx, folder, certificate, settings)
    try:
        proxied.start()
        yield proxied
    finally:
        proxied.stop()


@pytest.fixture
def a_slow_machine_is_no_slow_site(monkeypatch):
    for module, bound in (
        (site_round_trip, "PATIENCE_SECONDS"),
        (round_trip, "SLOW_SECONDS"),
        (round_trip, "DOWN_SECONDS"),
    ):
        monkeypatch.setattr(module, bound, 60.0)


# nginx ----------------------------------------------------------------------------------------


def test_nginx_accepts_the_example(nginx, certificate, tmp_path):
    proxied = Proxied(nginx, tmp_path, certificate, {})
    checked = subprocess.run(proxied.run_nginx("-t"), capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[emerg]" not in checked.stderr
    assert "[warn]" not in checked.stderr.replace('the "user" directive', "")


def test_the_doctor_finds_the_portal_well_through_it(proxied, monkeypatch):
    """TLS, HSTS, sockets with our Origin and not with others', closed doors: `doctor --site`."""
    monkeypatch.setenv("SSL_CERT_FILE", str(proxied.certificate / "fullchain.pem"))
    found = {finding.what: finding.state for finding in outside.look(proxied.site)}
    assert set(found.values()) == {State.OK}, found
    assert "Sockets get through, and ask who is there" in found
    assert "Sockets of foreign pages are refused" in found
    assert "What machines watch is closed to the world" in found


def test_the_doctor_hears_a_change_from_each_web_process_through_it(
    proxied, monkeypatch, a_slow_machine_is_no_slow_site
):
    from tests.cast import CAST

    monkeypatch.setenv("SSL_CERT_FILE", str(proxied.certificate / "fullchain.pem"))
    found = list(site_round_trip.look(proxied.site, CAST.clinic.slug))
    running = {process.pid for process in proxied.processes[:2] if process.poll() is None}
    heard = [each.what for each in found if "a page hears a change" in each.what]
    assert {int(what.partition(":")[0].rpartition(" ")[2]) for what in heard} == running
    assert {finding.state for finding in found} == {State.OK}, found


def test_a_certificate_nobody_vouches_for_is_found(proxied):
    (found,) = outside.look(proxied.site)
    assert found.state is State.PROBLEM
    assert "self-signed certificate" in found.what


def test_plain_http_is_led_to_tls(proxied):
    connection = http.client.HTTPConnection("127.0.0.1", proxied.plain_port, timeout=60)
    connection.request("GET", "/sign-in/", headers={"Host": NAME})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{NAME}/sign-in/")
    connection.close()


def test_a_live_socket_hears_a_change_through_it(proxied, superuser):
    from django.conf import settings

    from tests.cast import CAST, signed_in

    key = signed_in(CAST.ada).cookies[settings.SESSION_COOKIE_NAME].value
    trust = ssl.create_default_context(cafile=proxied.certificate / "fullchain.pem")
    with connect(
        f"wss://{NAME}:{proxied.port}/realtime/v1/websocket?vsn=2.0.0",
        origin=proxied.site.rstrip("/"),
        additional_headers={"Cookie": f"__Host-vigil-session={key}"},
        ssl=trust,
        compression=None,
    ) as live:
        bindings = [{"event": "*", "schema": "public", "table": "vital_signs"}]
        join = {"config": {"postgres_changes": bindings, "private": False}}
        live.send(json.dumps(["1", "1", "realtime:page", "phx_join", join]))
        until(live, lambda frame: frame[3] == "system")
        superuser.execute(
            "INSERT INTO realtime_inbox (organization_id, kind, topics, table_name, row_id,"
            " operation, record) VALUES (%s, 'change', %s, 'vital_signs', '7', 'INSERT', %s)",
            [CAST.clinic.pk, [f"care:{CAST.ana.patient.pk}"], json.dumps({"id": "7"})],
        )
        changed = until(live, lambda frame: frame[3] == "postgres_changes")
        assert changed[4]["data"]["record"]["id"] == "7"


def test_a_process_that_stops_says_so_and_the_other_answers(proxied):
    """A rolling restart: who is connected is told 1012, who asks is served by the other."""
    from django.conf import settings

    from tests.cast import CAST, signed_in

    key = signed_in(CAST.ada).cookies[settings.SESSION_COOKIE_NAME].value
    stopping, port = proxied.processes[0], proxied.web_ports[0]
    with connect(
        f"ws://{NAME}:{port}/realtime/v1/websocket?vsn=2.0.0",
        origin=f"https://{NAME}:{port}",
        additional_headers={"Cookie": f"__Host-vigil-session={key}"},
        compression=None,
    ) as live:
        stopping.terminate()
        with pytest.raises(ConnectionClosed) as closed:
            until(live, lambda frame: False)
    assert closed.value.rcvd.code == 1012
    stopping.wait(60)
    trust = ssl.create_default_context(cafile=proxied.certificate / "fullchain.pem")
    for _ in range(4):
        connection = http.client.HTTPSConnection(NAME, proxied.port, timeout=60, context=trust)
        connection.request("GET", "/sign-in/")
        assert connection.getresponse().status == 200
        connection.close()


def until(live, condition):
    """Receive until a frame meets a condition."""
    while not condition(frame := json.loads(live.recv(60))):
        pass
    return frame


# The others -----------------------------------------------------------------------------------


def test_caddy_accepts_the_example():
    if not (caddy := shutil.which("caddy")):
        pytest.skip("There is no Caddy here.")
    subprocess.run(
        [caddy, "validate", "--adapter", "caddyfile", "--config", DEPLOYMENT / "Caddyfile"],
        check=True,
    )


def test_both_proxies_close_the_same_doors_and_pass_to_the_same_processes():
    nginx, caddy = (DEPLOYMENT / "nginx.conf").read_text(), (DEPLOYMENT / "Caddyfile").read_text()
    assert "^/(readyz|health/realtime|metrics)$" in nginx
    assert "path /readyz /health/realtime /metrics" in caddy
    for upstream in ("web-1:8000", "web-2:8000"):
        assert upstream in nginx
        assert upstream in caddy


def test_the_web_processes_are_started_alike():
    """compose.yaml and the systemd unit give the server the same options."""
    unit = (DEPLOYMENT / "systemd" / "vigil-web@.service").read_text()
    compose = (ROOT / "compose.yaml").read_text()
    for option in (
        "--ws websockets-sansio", "--ws-max-size 327680", "--ws-per-message-deflate false",
        "--timeout-graceful-shutdown 10", "--no-server-header", "--lifespan on",
    ):  # fmt: skip
        assert option in unit
        assert option in compose


def test_systemd_knows_every_word_of_the_units():
    if not (analyze := shutil.which("systemd-analyze")):
        pytest.skip("There is no systemd here.")
    units = sorted((DEPLOYMENT / "systemd").iterdir())
    checked = subprocess.run(
        [analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    said = checked.stderr.splitlines()
    # The programs are where a clinic installs them, not here.
    assert [line for line in said if "Unknown" in line or "Invalid" in line] == []
