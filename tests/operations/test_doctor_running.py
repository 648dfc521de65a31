"""The doctor finds what does not run: relay, worker, database, bus, settings."""

import json

import pytest
import redis
from django.core.management import CommandError, call_command

from portal.embedded.valkey import EmbeddedValkey
from portal.management.doctor import database
from portal.management.doctor.examination import Wishes, examine
from portal.management.doctor.finding import State
from tests.job_worker import GONE, sign_of_life

pytestmark = pytest.mark.usefixtures("committed_for_module")


def said(area, state=State.PROBLEM):
    """What the doctor says of an area in one state; what is not well says how it is mended."""
    found = [f for f in examine(Wishes((area,))) if f.state is state]
    assert state is State.OK or all(finding.mend for finding in found)
    return "\n".join(finding.what for finding in found)


# The relay ------------------------------------------------------------------------------------


def test_a_relay_that_leads_is_named(log, relays):
    relays()
    assert said("relay") == ""
    assert f"A relay leads in epoch {log.relay()['leader_epoch']}" in said("relay", State.OK)


def test_a_relay_that_is_silent_is_found(log, relays, broken):
    relays().stop()
    with broken(
        "UPDATE realtime_relay SET beat = clock_timestamp() - interval '40 s'",
        mended="UPDATE realtime_relay SET beat = clock_timestamp()",
    ):
        assert "No relay leads: the last sign of life is 40 s old" in said("relay")


def test_a_clinic_where_no_relay_ever_led_is_told(log, broken):
    (before,) = log._one("SELECT beat::text FROM realtime_relay").values()
    with broken(
        "UPDATE realtime_relay SET beat = '-infinity'",
        mended=f"UPDATE realtime_relay SET beat = '{before}'",
    ):
        assert "No relay has ever led here" in said("relay")


def test_changes_that_wait_too_long_are_found(log, broken):
    with broken(
        "INSERT INTO realtime_inbox (kind, topics, created_at)"
        " VALUES ('resync', '{}', clock_timestamp() - interval '9 s')",
        mended="DELETE FROM realtime_inbox",
    ):
        assert "1 changes wait in the inbox, the oldest for 9." in said("relay")


def test_dead_letters_are_found_by_number_and_code_alone(log, broken):
    with broken(
        "INSERT INTO realtime_dead_letters (seq, reason, raw)"
        """ VALUES (-7, '23514 realtime_events_payload', '{"record": {"name": "Ana"}}')""",
        mended="DELETE FROM realtime_dead_letters WHERE seq = -7",
    ):
        found = said("relay")
        assert "1 dead letters, the newest: -7 (23514 realtime_events_payload)" in found
        assert "Ana" not in found


def test_a_restored_log_is_found_until_a_relay_has_led(log, owner, relays):
    relays().stop()
    owner.execute("SELECT realtime_new_epoch()")
    assert "The log is not the one it was" in said("relay")
    relays()
    assert said("relay") == ""


def test_a_log_without_room_is_told(log, broken):
    with broken(
        "UPDATE realtime_relay SET last_seq = last_seq + 1000000000",
        mended="UPDATE realtime_relay SET last_seq = last_seq - 1000000000",
    ):
        assert "The log has room for -" in said("relay", State.WARNING)


# The worker -----------------------------------------------------------------------------------


def test_a_clinic_without_a_worker_is_found(broken):
    with broken(GONE, mended=GONE):
        assert "No job worker has ever been here" in said("worker")


def test_a_silent_worker_is_found(broken):
    with broken(sign_of_life("5 minutes"), mended=GONE):
        assert "No job worker has been heard of for 300 s" in said("worker")
    with broken(sign_of_life("5 s"), mended=GONE):
        assert said("worker") == ""


def test_overdue_and_failed_and_orphaned_jobs_are_found(broken):
    job = (
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, scheduled_at)"
        " VALUES ('default', 'alerts.judge', '{}', now() - interval '10 minutes');"
    )
    failed = (
        "INSERT INTO procrastinate_events (job_id, type, at)"
        " SELECT id, 'failed', now() FROM procrastinate_jobs WHERE status = 'failed';"
    )
    with broken(
        sign_of_life("1 s")
        + ";"
        + job.format("todo")
        + job.format("failed")
        + failed
        + job.format("doing"),
        mended=f"DELETE FROM procrastinate_jobs; {GONE}",
    ):
        assert said("worker") == "1 jobs are overdue, the oldest by 600 s"
        assert "alerts.judge (1)" in said("worker", State.WARNING)
        assert "1 jobs were begun by a worker that is gone" in said("worker", State.WARNING)


# The database ---------------------------------------------------------------------------------


def test_the_servers_of_these_tests_would_lose_data_in_a_power_cut(database_urls):
    assert "fsync is off" in said("database")


def test_a_missing_migration_is_found(superuser, broken):
    newest = superuser.execute(
        "SELECT id, name FROM django_migrations WHERE app = 'portal' ORDER BY name DESC"
    ).fetchone()
    rename = "UPDATE django_migrations SET name = '{}' WHERE id = {}"
    with broken(
        rename.format("put_away", newest["id"]),
        mended=rename.format(newest["name"], newest["id"]),
    ):
        assert f"portal.{newest['name']} was not applied" in said("database")


def test_clocks_that_disagree_are_found(monkeypatch):
    # This process's own clock, set wrong; the database's stays right.
    now = database.time.time
    monkeypatch.setattr(database.time, "time", lambda: now() + 30)
    assert "are 30.0" in said("database")
    monkeypatch.setattr(database.time, "time", lambda: now() - 3)
    assert "are 3.0" in said("database", State.WARNING)


def test_a_filling_notify_queue_is_told(connect):
    listener, teller = connect("superuser"), connect("superuser")
    listener.execute("LISTEN operations")
    # Inside a transaction it does not read on, and nothing behind it can be forgotten.
    with listener.transaction():
        listener.execute("SELECT 1")
        teller.execute(
            "SELECT pg_notify('operations', repeat('a', 7900) || i)"
            " FROM generate_series(1, 13000) AS i"
        )
        assert "The notify queue is 1." in said("database", State.WARNING)


def test_a_transaction_that_stays_open_is_told(connect, monkeypatch):
    monkeypatch.setattr(database, "LONG_TRANSACTION_SECONDS", 0)
    forgotten = connect("engine", application_name="forgotten psql")
    with forgotten.transaction():
        forgotten.execute("SELECT 1")
        assert "forgotten psql" in said("database", State.WARNING)
    assert "forgotten psql" not in said("database", State.WARNING)


def test_a_database_that_is_nearly_full_of_connections_is_told(monkeypatch):
    monkeypatch.setattr(database, "CONNECTIONS_WARNING", 0.0)
    assert "connections are in use" in said("database", State.WARNING)
    monkeypatch.setattr(database, "CONNECTIONS_PROBLEM", 0.0)
    assert "connections are in use" in said("database")


def test_a_database_that_is_away_is_one_plain_problem_in_each_area(monkeypatch):
    from django.db import connections

    connections.close_all()
    monkeypatch.setitem(connections["default"].settings_dict, "PORT", "1")
    found = list(examine(Wishes(("roles", "triggers"))))
    assert [finding.state for finding in found] == [State.PROBLEM] * 2
    assert "cannot be reached" in found[0].what


# Bus and settings -----------------------------------------------------------------------------


def test_a_bus_that_is_down_is_found(settings):
    valkey = EmbeddedValkey()
    valkey.start()
    settings.REDIS_URL = valkey.url
    assert said("bus") == ""
    valkey.kill()
    assert "The bus does not answer" in said("bus")


@pytest.fixture
def valkey():
    started = []

    def valkey(password=""):
        started.append(EmbeddedValkey(password))
        started[-1].start()
        return started[-1]

    yield valkey
    for each in started:
        each.stop()


def elsewhere(url):
    """The same server under an address that does not say it is this very machine."""
    return url.replace("127.0.0.1", "0.0.0.0")  # noqa: S104 - reached, not listened at


def test_a_bus_on_the_network_that_asks_for_no_password_is_found(settings, valkey):
    settings.REDIS_URL = elsewhere(valkey().url)
    assert "The bus asks for no password" in said("bus")


def test_a_password_in_the_address_is_none_while_nobody_asks_for_it(settings, valkey):
    server = valkey()
    with redis.Redis.from_url(server.url) as administrator:
        administrator.execute_command("ACL", "SETUSER", "vigil", "on", ">secret", "+@all")
    settings.REDIS_URL = elsewhere(server.url).replace("//", "//vigil:secret@")
    assert "The bus asks for no password" in said("bus")


def test_a_bus_that_asks_for_a_password_is_well(settings, valkey):
    server = valkey("secret")
    for url in (server.url, elsewhere(server.url)):
        settings.REDIS_URL = url
        assert said("bus") == ""
        assert "The bus asks for a password" in said("bus", State.OK)
    settings.REDIS_URL = server.url.replace("secret", "another")
    assert "The bus does not answer (AuthenticationError)" in said("bus")


def test_a_bus_of_this_machine_alone_needs_no_password(settings, valkey):
    settings.REDIS_URL = valkey().url
    for url in (settings.REDIS_URL, settings.REDIS_URL.replace("127.0.0.1", "localhost")):
        settings.REDIS_URL = url
        assert said("bus") == ""
        assert "right while it listens to this machine alone" in said("bus", State.OK)


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"INSECURE_HTTP": True}, "INSECURE_HTTP is on"),
        ({"ALLOWED_HOSTS": ["*"]}, "ALLOWED_HOSTS lets every name in"),
        ({"SITE_URL": "https://elsewhere.example/"}, "elsewhere.example, which is not in ALLOWED"),
        ({"REALTIME_ALLOWED_ORIGINS": ["other.example"]}, "“other.example” is no origin"),
        ({"REALTIME_ALLOWED_ORIGINS": ["https://*.example"]}, "holds a wildcard"),
        ({"REALTIME_ALLOWED_ORIGINS": ["http://other.example"]}, "is not https"),
        ({"REALTIME_ALLOWED_ORIGINS": ["https://other.example/a"]}, "is no origin"),
        ({"REALTIME_FAILPOINTS": True}, "REALTIME_FAILPOINTS is on"),
        (
            {"EMAIL_HOST": "mail.example", "DEFAULT_FROM_EMAIL": "portal@localhost"},
            "FROM_EMAIL is not set",
        ),
        ({"EMAIL_HOST": ""}, "EMAIL_HOST is not set: nobody is told of the auditor's alarms"),
        ({"SECRET_KEY": "short"}, "security.W009"),
        ({"SECURE_CONTENT_TYPE_NOSNIFF": False}, "security.W006"),
    ],
)
def test_a_wrong_setting_is_found(settings, changed, found):
    as_in_a_clinic(settings)
    for name, value in changed.items():
        setattr(settings, name, value)
    assert found in said("settings")


def as_in_a_clinic(settings):
    """The settings of a deployment that is as it should be."""
    settings.INSECURE_HTTP = False
    settings.ALLOWED_HOSTS = ["portal.example"]
    settings.SITE_URL = "https://portal.example/"
    settings.EMAIL_HOST = "mail.example"
    settings.DEFAULT_FROM_EMAIL = "portal@portal.example"
    settings.HEARTBEAT_URL = "https://watch.example/"
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 3600
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True


def test_a_clinic_that_is_set_up_has_nothing_to_mend(settings):
    as_in_a_clinic(settings)
    assert said("settings") == ""


def test_what_is_not_set_and_should_be_is_told(settings, monkeypatch):
    as_in_a_clinic(settings)
    settings.SITE_URL = settings.HEARTBEAT_URL = ""
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    told = said("settings", State.WARNING)
    for name in ("SITE_URL", "HEARTBEAT_URL", "FORWARDED_ALLOW_IPS"):
        assert f"{name} is not set" in told


def test_a_demo_may_do_without_a_mail_server(settings):
    settings.DEMO, settings.EMAIL_HOST, settings.DEMO_MAIL_FILE = True, "", "/demo/mail.txt"
    assert "EMAIL_HOST" not in said("settings")
    assert "e-mails are kept in /demo/mail.txt" in said("settings", State.WARNING)


# The command ----------------------------------------------------------------------------------


def test_the_command_ends_with_status_1_when_something_is_to_be_mended(capsys, broken):
    with broken(GONE, mended=GONE), pytest.raises(SystemExit) as ended:
        call_command("doctor", "worker")
    assert ended.value.code == 1
    out = capsys.readouterr().out
    assert "problem  worker     No job worker has ever been here" in out
    assert "→ Start manage.py worker" in out
    assert "1 to mend." in out


def test_the_command_ends_well_when_all_is_well(capsys):
    call_command("doctor", "policies", "indexes")
    assert ", 0 to mend." in capsys.readouterr().out


def test_a_machine_reads_json(capsys, broken):
    with broken(GONE, mended=GONE), pytest.raises(SystemExit):
        call_command("doctor", "worker", "--json")
    document = json.loads(capsys.readouterr().out)
    assert document["problems"] == 1
    assert {f["area"] for f in document["findings"]} == {"worker"}
    assert {f["state"] for f in document["findings"]} == {"ok", "problem"}


def test_an_unknown_area_is_named():
    with pytest.raises(CommandError, match="no area “heart”"):
        call_command("doctor", "heart")
