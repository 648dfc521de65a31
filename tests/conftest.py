"""The database of a test run, and the cast.

One PostgreSQL for the run (embedded, or the server of TEST_DATABASE_URL), one database per worker,
copied from a template that the owner migrated. Everything then runs as the application role, which
row-level security binds. Two fixtures open the database: `db` rolls back, `committed` commits for
real and is cleaned up by the owner.
"""

import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import psycopg
import pytest

from portal.embedded.postgres import (
    DatabaseUrls,
    EmbeddedPostgres,
    drop_database_on,
    provision_on,
)

ROOT = Path(__file__).resolve().parent.parent
SUPERUSER_VARIABLE = "VIGIL_TEST_SUPERUSER_URL"
# Two runs may share one server (TEST_DATABASE_URL): each has names of its own.
RUN_VARIABLE = "VIGIL_TEST_RUN"
KEPT_TABLES = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "realtime_relay",
    "realtime_published",
    "procrastinate_workers",
}

SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "portal.settings",
    "SECRET_KEY": "only for tests, and at least fifty characters long, as Django asks",
    "ENCRYPTION_KEYS": "test:" + "A" * 43 + "=",
    "INSECURE_HTTP": "1",
    "DATABASE_POOL": "0",
    "ALLOWED_HOSTS": "127.0.0.1,localhost,testserver",
    "DEMO": "0",
}

# How long an example takes tells of the machine and its other work.
hypothesis.settings.register_profile("vigil", deadline=None)
hypothesis.settings.load_profile("vigil")

_server: EmbeddedPostgres | None = None
_urls: DatabaseUrls | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before Django reads its settings: have a database, and name it in the environment."""
    global _urls
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if config.option.collectonly:
        # Nothing is run (bin/check imports every test): the settings are read, and that is all.
        os.environ.update(SETTINGS)
        os.environ.setdefault("DATABASE_URL", "postgresql://vigil_app@127.0.0.1/none")
        _set_up_django()
        return
    if worker is None:
        _start_server()
        if getattr(config.option, "numprocesses", None):
            # This process only hands tests out. Its workers must not inherit a database: they
            # would read their settings before they have one of their own.
            return
    run = os.environ[RUN_VARIABLE]
    _urls = provision_on(
        os.environ[SUPERUSER_VARIABLE],
        f"vigil_{run}_{worker or 'main'}",
        template=f"vigil_{run}_template",
    )
    os.environ.update(SETTINGS | _urls.environment())
    _set_up_django()


def _set_up_django() -> None:
    """Now, and not when pytest-django would: it read the settings before there was a database."""
    import django

    django.setup()


def pytest_collection_finish() -> None:
    """What six thousand tests are made of stays: looks for garbage pass it by, as in a server."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind on a server that is not ours."""
    if os.environ.get("PYTEST_XDIST_WORKER") or config.option.collectonly:
        return
    if _server is not None:
        _server.discard()
    elif superuser_url := os.environ.get("TEST_DATABASE_URL"):
        run = os.environ[RUN_VARIABLE]
        with psycopg.connect(superuser_url, autocommit=True) as connection:
            names = connection.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE %s", [f"vigil\\_{run}\\_%"]
            ).fetchall()
        for (name,) in names:
            drop_database_on(superuser_url, name)


def _start_server() -> None:
    global _server
    run = f"{os.getpid()}"
    os.environ[RUN_VARIABLE] = run
    superuser_url = os.environ.get("TEST_DATABASE_URL")
    if not superuser_url:
        # Two hundred race for one time (tests/appointments/test_race.py), beside other workers.
        _server = EmbeddedPostgres(
            Path(tempfile.mkdtemp(prefix="vigil-test-")), durable=False, max_connections=500
        )
        _server.start()
        superuser_url = _server.superuser_url
    os.environ[SUPERUSER_VARIABLE] = superuser_url
    urls = _template_urls(run)
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--skip-checks", "--verbosity", "0"],
        cwd=ROOT,
        env=os.environ | SETTINGS | urls.environment(),
        check=True,
    )


def _template_urls(run: str) -> DatabaseUrls:
    return provision_on(os.environ[SUPERUSER_VARIABLE], f"vigil_{run}_template")


# The database --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def database_urls() -> DatabaseUrls:
    """This worker's database, as each role opens it."""
    assert _urls is not None
    return _urls


@pytest.fixture(scope="session")
def migrated() -> str:
    """The superuser's URL of this run's template, which no test writes to: to be copied."""
    url = urlsplit(os.environ[SUPERUSER_VARIABLE])
    return url._replace(path=f"/vigil_{os.environ[RUN_VARIABLE]}_template").geturl()


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker, database_urls) -> None:
    """The database is already there: add the cast, which every test may rely on."""
    from django.conf import settings

    # A real hasher costs a quarter of a second for each sign-in.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Each test client has middleware of its own, which would list all static files to serve them.
    settings.WHITENOISE_AUTOREFRESH = True
    from tests.cast import seat

    # A copied database gets a log of its own when the first relay leads, and then every socket has
    # to begin anew; not in the middle of whichever test comes first.
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        connection.execute("UPDATE realtime_relay SET log_epoch = realtime_log_epoch()")
    with django_db_blocker.unblock():
        seat()


@pytest.fixture
def committed(django_db_setup, django_db_blocker, database_urls) -> Iterator[None]:
    """Real commits; afterwards every table is emptied and the cast seated again."""
    with django_db_blocker.unblock():
        yield
        empty(database_urls)


@pytest.fixture(scope="module")
def committed_for_module(django_db_setup, django_db_blocker, database_urls) -> Iterator[None]:
    """The same for a module whose tests only look; its tests may not ask for `db`."""
    with django_db_blocker.unblock():
        yield
        empty(database_urls)


def empty(database_urls: DatabaseUrls) -> None:
    """Empty every table, and seat the cast again. Django's own guard must be unblocked."""
    from django.db import connections

    from tests.cast import seat

    connections.close_all()
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind IN ('r', 'p') AND NOT relispartition"
            )
            if name not in KEPT_TABLES
        ]
        connection.execute("SET session_replication_role = replica")
        _emptied(connection, tables)
        # Emptying a published table is itself published, even to a replica.
        _emptied(connection, ["realtime_inbox"])
    seat()
    connections.close_all()


def _emptied(connection: psycopg.Connection, tables: list[str]) -> None:
    # Row by row: TRUNCATE makes new files for every table and index, a thousand of them here.
    held = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables
    )
    for attempt in range(5):
        try:
            for (table,) in connection.execute(held).fetchall():
                connection.execute(f"DELETE FROM {table}")
            return
        except psycopg.errors.DeadlockDetected:
            # With a server that lives for a module: its relay may look at the tables in between.
            if attempt == 4:
                raise


# The cast -------------------------------------------------------------------------------------


@pytest.fixture
def cast(request):
    """Everybody: `cast.ana`, `cast.ada` … (see tests/cast.py)."""
    if "committed" not in request.fixturenames:
        request.getfixturevalue("db")
    from tests import cast

    return cast.CAST


def _member(name: str):
    @pytest.fixture(name=name)
    def member(cast):
        return getattr(cast, name)

    return member


ana = _member("ana")
ben = _member("ben")
carla = _member("carla")
ada = _member("ada")
noor = _member("noor")
boris = _member("boris")
olga = _member("olga")
sam = _member("sam")
admin = _member("admin")
other_admin = _member("other_admin")
clinic = _member("clinic")
other_clinic = _member("other_clinic")


@pytest.fixture
def acting():
    """`with acting(ada):` runs as Ada in her organization, as far as the database is concerned."""
    from portal.tenancy import acting_for

    def acting(person) -> AbstractContextManager[None]:
        return acting_for(person.organization.pk, person.user.pk)

    return acting


@pytest.fixture
def system(clinic):
    """A context that sees the whole of Harbour Clinic, for arranging and for looking afterwards."""
    from portal.tenancy import acting_for

    def system(organization=clinic) -> AbstractContextManager[None]:
        return acting_for(organization.pk, system=True)

    return system


@pytest.fixture
def client_for():
    """`client_for(ana)`: a browser in which Ana is signed in."""
    from tests.cast import signed_in

    return signed_in
