"""Every part of the design system in a browser: accessible, and no wider than the screen."""

import mimetypes
from pathlib import Path

import django_htmx
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string

HOST = "http://gallery.test"
STATIC = Path(__file__).resolve().parents[2] / "static"
HTMX = Path(django_htmx.__file__).parent / "static"
# As high as the page: a tab bar that lies over a part only in passing hides nothing.
HEIGHT = 9_000


@pytest.fixture(params=["patient", "staff"])
def frame(request):
    return request.param


@pytest.fixture
def gallery(browser, frame):
    """`gallery(width, colours)`: the gallery in one frame, without a server."""
    contexts = []
    document = render_to_string("parts/gallery.html", {"request": {"GET": {"frame": frame}}})

    def answer(route):
        path = route.request.url.removeprefix(f"{HOST}/").partition("?")[0]
        if path == "":
            route.fulfill(body=document, content_type="text/html")
            return
        below = path.removeprefix("static/")
        file = next(root / below for root in (STATIC, HTMX) if (root / below).exists())
        route.fulfill(path=file, content_type=mimetypes.guess_type(file)[0])

    def opened(width, colours="light", **options):
        context = browser.new_context(
            viewport={"width": width, "height": HEIGHT}, color_scheme=colours, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.route("**/*", answer)
        page.goto(f"{HOST}/")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", [320, 768, 1440])
def test_nothing_is_wider_than_the_screen(gallery, width):
    page = gallery(width)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_twice_the_letters_need_no_scrolling_sideways(gallery):
    page = gallery(1280)
    page.add_style_tag(content="html { font-size: 200% }")
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing(gallery, colours):
    page = gallery(1280, colours, reduced_motion="reduce")
    assert Axe().run(page).response["violations"] == []


def test_the_reader_s_own_theme_wins_over_the_device(gallery):
    page = gallery(1280, "light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_label("Dark").check()
    assert page.evaluate(paper) != light


def test_every_control_is_large_enough_for_a_finger(gallery, frame):
    page = gallery(390, has_touch=True, is_mobile=True)
    small = page.evaluate(
        """() => [...document.querySelectorAll("main button, main select, main .tabs__tab")]
          .filter((control) => control.checkVisibility())
          .filter((control) => !control.matches(".button--small, .toast__close"))
          .filter((control) => control.getBoundingClientRect().height < 43.5)
          .map((control) => control.outerHTML.slice(0, 120))"""
    )
    assert small == []
