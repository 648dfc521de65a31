"""A real browser for the tests: Chromium, contexts that complain, and pages of modules alone.

Chromium is the machine's (`VIGIL_CHROMIUM` names another). A context of ours fails its test when a
page logs an error, breaks the content security policy or asks another host for anything.
"""

import json
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, sync_playwright

from tests.browser.stage import SCRIPTS, Stage

MODULES_HOST = "http://modules.test"


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright) -> Iterator[Browser]:
    found = os.environ.get("VIGIL_CHROMIUM") or shutil.which("chromium")
    if found is None:
        pytest.fail("No Chromium: install the package chromium, or name one in VIGIL_CHROMIUM.")
    # Chromium refuses its sandbox to root; a container's small /dev/shm crashes it.
    options = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    started = playwright.chromium.launch(executable_path=found, args=options)
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
