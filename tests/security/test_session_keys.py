"""What opens a session is in the browser's cookie, and nowhere in the database."""

import os
import subprocess
import sys

import psycopg
import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client

from portal.embedded.postgres import drop_database_on, provision_on
from portal.models import Session
from portal.sessions import SessionStore, digest_of
from tests.conftest import ROOT


@pytest.fixture
def before_digests(database_urls):
    """A database as it was when keys still stood in the clear, and a way to bring it up to date."""
    name = f"{database_urls.name}_keys"
    urls = provision_on(database_urls.superuser, name)

    def migrate(to):
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "portal", to, "-v", "0", "--skip-checks"],
            cwd=ROOT,
            env=os.environ | urls.environment(),
            check=True,
        )

    migrate("0007_access_grants")
    yield urls, migrate
    drop_database_on(database_urls.superuser, name)


def whole_table(name):
    with psycopg.connect(name) as connection:
        return str(connection.execute("SELECT to_jsonb(sessions) FROM sessions").fetchall())


@pytest.mark.usefixtures("committed")
def test_whoever_reads_the_table_finds_no_key(client_for, ana, database_urls):
    key = client_for(ana).session.session_key

    assert digest_of(key) in whole_table(database_urls.owner)
    assert key not in whole_table(database_urls.owner)


@pytest.mark.usefixtures("db")
def test_nothing_that_stands_in_the_table_signs_anybody_in(client_for, ana):
    client_for(ana)
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = Session.objects.get(user=ana.user).pk

    assert thief.get("/home/").url.startswith("/sign-in/")


@pytest.mark.usefixtures("db")
def test_a_key_of_the_visitors_own_making_is_not_kept(client):
    """Otherwise somebody could plant a key before the sign-in and use it after."""
    planted = SessionStore("k" * 32)
    planted.load()
    planted["anything"] = 1
    planted.save()

    assert planted.session_key != "k" * 32
    assert not Session.objects.filter(pk=digest_of("k" * 32)).exists()


@pytest.mark.usefixtures("db")
def test_a_request_that_was_under_way_does_not_bring_an_ended_session_back(client_for, ana):
    late = SessionStore(client_for(ana).session.session_key)
    late["seen"] = 1
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        late.save()

    assert not Session.objects.exists()


def test_who_was_signed_in_before_stays_signed_in(before_digests):
    urls, migrate = before_digests
    with psycopg.connect(urls.owner) as connection:
        connection.execute(
            "INSERT INTO sessions (session_key, session_data, expire_date, created_at,"
            " last_active_at, browser) VALUES ('" + "k" * 32 + "', 'data', now(), now(), now(), '')"
        )
    migrate("0008_session_digests")

    with psycopg.connect(urls.owner) as connection:
        kept = connection.execute("SELECT digest, session_data FROM sessions").fetchall()
    assert kept == [(digest_of("k" * 32), "data")]
