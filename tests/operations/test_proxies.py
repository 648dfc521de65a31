"""The examples of docs/deployment, with the programs they are written for.

A rolling restart behind nginx, with all its traffic, is in tests/faults/test_rolling_restart.py.
"""

import http.client
import json
import re
import shutil
import ssl
import subprocess

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from portal.management.doctor import outside, round_trip, site_round_trip
from portal.management.doctor.finding import State
from tests.proxied import DEPLOYMENT, NAME, ROOT, Caddied, Proxied


@pytest.fixture(scope="module")
def proxied(nginx, certificate, tmp_path_factory, committed_for_module, database_urls):
    """The portal as the world reaches it."""
    folder = tmp_path_factory.mktemp("proxied")
    proxied = Proxied(nginx, folder, certificate, database_urls.environment())
    try:
        proxied.start()
        yield proxied
    finally:
        proxied.stop()


@pytest.fixture(scope="module")
def caddied(proxied, caddy, tmp_path_factory):
    """The same behind Caddy."""
    caddied = Caddied(caddy, tmp_path_factory.mktemp("caddied"), proxied)
    try:
        caddied.start()
        yield caddied
    finally:
        caddied.stop()


@pytest.fixture(params=["proxied", "caddied"])
def site(request):
    """The portal's address, behind either."""
    return request.getfixturevalue(request.param).site


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
    proxied.configuration()
    checked = subprocess.run(proxied.run_nginx("-t"), capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "[emerg]" not in checked.stderr
    assert "[warn]" not in checked.stderr.replace('the "user" directive', "")


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
    stopping, port = proxied.webs[0], proxied.web_ports[0]
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


# Caddy ----------------------------------------------------------------------------------------


def test_caddy_accepts_the_example(caddy):
    command = [caddy, "validate", "--adapter", "caddyfile", "--config", DEPLOYMENT / "Caddyfile"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert '"level":"warn"' not in checked.stderr


# Of all ---------------------------------------------------------------------------------------


def test_the_doctor_finds_the_portal_well_through_it(site, proxied, monkeypatch):
    """TLS, HSTS, sockets with our Origin and not with others', closed doors: `doctor --site`."""
    monkeypatch.setenv("SSL_CERT_FILE", str(proxied.certificate / "fullchain.pem"))
    found = {finding.what: finding.state for finding in outside.look(site)}
    assert set(found.values()) == {State.OK}, found
    assert "Sockets get through, and ask who is there" in found
    assert "Sockets of foreign pages are refused" in found
    assert "What machines watch is closed to the world" in found


def test_the_doctor_hears_a_change_from_each_web_process_through_it(
    site, proxied, monkeypatch, a_slow_machine_is_no_slow_site
):
    from tests.cast import CAST

    monkeypatch.setenv("SSL_CERT_FILE", str(proxied.certificate / "fullchain.pem"))
    found = list(site_round_trip.look(site, CAST.clinic.slug))
    running = {process.pid for process in proxied.webs if process.poll() is None}
    heard = [each.what for each in found if "a page hears a change" in each.what]
    assert {int(what.partition(":")[0].rpartition(" ")[2]) for what in heard} == running
    assert {finding.state for finding in found} == {State.OK}, found


def test_both_proxies_close_the_same_doors_and_pass_to_the_same_processes():
    nginx, caddy = (DEPLOYMENT / "nginx.conf").read_text(), (DEPLOYMENT / "Caddyfile").read_text()
    assert "^/(readyz|health/realtime|metrics)$" in nginx
    assert "path /readyz /health/realtime /metrics" in caddy
    for upstream in ("web-1:8000", "web-2:8000"):
        assert upstream in nginx
        assert upstream in caddy


def test_the_web_processes_are_started_alike():
    """Behind compose's proxy and systemd's, the server is ours, with nothing told but its port."""
    unit = (DEPLOYMENT / "systemd" / "vigil-web@.service").read_text()
    compose = (ROOT / "compose.yaml").read_text()
    command = r"python -m portal\.serving --host \S+ --port \S+$"
    assert re.search(command, unit, re.MULTILINE)
    assert re.search(command, compose, re.MULTILINE)


def test_with_compose_the_proxy_and_the_web_processes_stay_at_their_addresses():
    """nginx looks names up when it starts: made anew, two containers got each other's address, and
    half of the site, or all, was gone."""
    compose = (ROOT / "compose.yaml").read_text()
    at = dict(
        re.findall(r'^  (\S+):\n(?:    .*\n)*?.*front: \{ipv4_address: "(\S+)"\}', compose, re.M)
    )
    assert at.keys() == {"proxy", "web-1", "web-2"}
    assert len(set(at.values())) == 3
    network = re.search(r"- subnet: (\S+)\.0/24\n", compose)[1]
    assert {address.rpartition(".")[0] for address in at.values()} == {network}
    assert f"FORWARDED_ALLOW_IPS: {at['proxy']}\n" in compose


def test_what_is_enabled_comes_back_when_the_machine_is_started_again():
    """With `vigil.target` alone, which nothing enables, a power cut left nobody there."""
    [enabled] = re.findall(r"systemctl enable --now (.+)", (DEPLOYMENT / "README.md").read_text())
    for name in enabled.split():
        file = re.sub(r"@.*", "@", name)
        unit = DEPLOYMENT / "systemd" / (file if "." in file else f"{file}.service")
        [wanted] = re.findall(r"^WantedBy=(.+)", unit.read_text(), re.M)
        assert {"multi-user.target", "timers.target"} & set(wanted.split()), name


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
