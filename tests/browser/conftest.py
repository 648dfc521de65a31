"""A real browser for the tests, our server behind it, and people who have signed in.

Chromium is the machine's, see bin/chromium (`VIGIL_CHROMIUM` names another). A page that logs an
error, breaks the content security policy or asks another host for anything fails its test.
"""

import json
import os
from collections.abc import Callable, Iterator
from http.cookies import Morsel
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    Route,
    expect,
    sync_playwright,
)

from portal.embedded.processes import wait_until
from tests.browser.alarms import Alarms, a_living_worker
from tests.browser.chromium import executable
from tests.browser.people import Talk
from tests.browser.server import Server, Wire
from tests.browser.stage import SCRIPTS, Stage
from tests.conftest import empty

MODULES_HOST = "http://modules.test"
# What has to come may take a busy machine long; how fast it comes is measured, not tested.
expect.set_options(timeout=30_000)
UNDER_WAY = """
    SELECT (SELECT count(*) FROM realtime_inbox) + count(*)
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
        AND state <> 'idle' AND pid <> pg_backend_pid()
"""


# Not for the whole session: while Playwright runs, its thread has an event loop, which neither
# Django nor the asynchronous tests of other modules can live with.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as started:
        # The loop is Playwright's; these tests arrange their rows from the same thread.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield started


@pytest.fixture(scope="module")
def browser(playwright) -> Iterator[Browser]:
    # Chromium refuses its sandbox to root; a container's small /dev/shm crashes it; a graphics
    # processor that is only imitated costs a quarter of a page's time. No other host is reached.
    options = [
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ]
    started = playwright.chromium.launch(executable_path=executable(), args=options)
    yield started
    started.close()


@pytest.fixture
def modules(browser) -> Iterator[Page]:
    """A page without a server that can import our modules: for the parts that are pure."""
    names = {
        str(path.relative_to(SCRIPTS).with_suffix("")): f"/js/{path.relative_to(SCRIPTS)}"
        for path in SCRIPTS.rglob("*.js")
    }
    document = f'<script type="importmap">{json.dumps({"imports": names})}</script><body>'

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(f"{MODULES_HOST}/js/")
        if path == f"{MODULES_HOST}/":
            route.fulfill(body=document, content_type="text/html")
        else:
            route.fulfill(path=SCRIPTS / path, content_type="text/javascript")

    context = browser.new_context()
    page = context.new_page()
    page.route("**/*", answer)
    page.goto(f"{MODULES_HOST}/")
    yield page
    context.close()


@pytest.fixture
def stage(browser) -> Iterator[Stage]:
    """A page whose server is the test itself."""
    set_up = Stage(browser)
    yield set_up
    set_up.context.close()
    assert set_up.errors == []


@pytest.fixture(scope="module")
def running_server(
    django_db_setup, django_db_blocker, database_urls, tmp_path_factory
) -> Iterator[Server]:
    """One server for a module and no longer: its relay empties the inbox that others look into."""
    server = Server(tmp_path_factory.mktemp("server") / "server.log")
    server.start()
    yield server
    server.stop()
    # Its last word (a sample of how it was) comes after its last test has tidied up.
    with django_db_blocker.unblock():
        empty(database_urls)


@pytest.fixture
def living_worker(database_urls) -> Iterator[None]:
    with a_living_worker(database_urls):
        yield


@pytest.fixture
def server(running_server, living_worker, committed, database_urls) -> Iterator[Server]:
    """Our server, on this worker's database, with the cast in it."""
    yield running_server
    # The tables are emptied next: a request under way would be in the way of that, and the other
    # way round.
    with psycopg.connect(database_urls.superuser, autocommit=True) as connection:
        wait_until(lambda: not connection.execute(UNDER_WAY).fetchone()[0], seconds=60)


@pytest.fixture
def wire(server) -> Iterator[Wire]:
    """The network before the server."""
    stretch = Wire(server.port)
    yield stretch
    stretch.close()


class Visits:
    """The browsers that people of the cast opened, and what their pages complained of."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._contexts: dict[str, BrowserContext] = {}
        self.url = url
        self.complaints: list[str] = []
        self.expected: list[str] = []

    def __call__(self, person, path: str = "/", *, url: str | None = None, **options) -> Page:
        """A page of the person's own browser; a second one is another tab of it."""
        page = self.context(person, url or self.url, **options).new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._listen)
        page.goto(f"{url or self.url}{path}")
        return page

    def context(self, person, url: str, **options) -> BrowserContext:
        from tests.cast import signed_in

        context = self._contexts.get(person.user.email)
        if context is None:
            context = self._browser.new_context(**options)
            # Looked at and not routed: a browser whose requests are routed keeps no file, and asks
            # for every script and style sheet again with each page.
            context.on("request", lambda request: self._look(request.url, url))
            context.add_cookies([_cookie(each, url) for each in signed_in(person).cookies.values()])
            self._contexts[person.user.email] = context
        return context

    def expect_trouble(self, *words: str) -> None:
        """Errors with these words are what the test is about."""
        self.expected += words

    def end(self) -> list[str]:
        """Close everything; what was complained of until then and not expected."""
        complaints = list(self.complaints)
        for context in self._contexts.values():
            context.close()
        return [
            complaint
            for complaint in complaints
            if not any(words in complaint for words in self.expected)
        ]

    def _listen(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def _look(self, address: str, own: str) -> None:
        if not address.startswith((own, "data:", "blob:")):
            self.complaints.append(f"asked another host: {urlsplit(address).netloc}")


@pytest.fixture
def visit(browser, server) -> Iterator[Callable[..., Page]]:
    """`visit(ana, "/messages/")`: the page as Ana sees it, signed in."""
    visits = Visits(browser, server.url)
    yield visits
    assert visits.end() == [], server.last_words()


@pytest.fixture
def conversation(server, acting, ana) -> Talk:
    """Ana has written to her care team: "It is swollen."."""
    return Talk(acting, ana)


@pytest.fixture
def of_alert(server, system, ana) -> Alarms:
    """`of_alert("Lactate")`: an alert of Ana's is raised; its id."""
    return Alarms(system, ana.patient)


def _cookie(morsel: Morsel, url: str) -> dict:
    return {"name": morsel.key, "value": morsel.value, "url": url, "httpOnly": True}
