"""The design system keeps its own rules: contrast, layers, tokens, order, one part per thing."""

import re
from pathlib import Path

import pytest

from tests.house.colours import Theme

ROOT = Path(__file__).resolve().parents[2]
CSS = ROOT / "static" / "css"
TEMPLATES = ROOT / "templates"
COMPONENTS = sorted((CSS / "components").glob("*.css"))
SHEETS = sorted(CSS.rglob("*.css"))
# Django admin has the look of its theme; we only set its colours.
ADMIN_SHEET = CSS / "admin.css"
PAGES = sorted(set(TEMPLATES.rglob("*.html")) - set(TEMPLATES.glob("admin/**/*.html")))

MEANINGS = ["critical", "urgent", "notice", "good"]
TINTS = [f"--color-{name}-tint" for name in [*MEANINGS, "accent"]]
SURFACES = ["--color-paper", "--color-surface", "--color-sunken"]
INKS = ["--color-ink", "--color-ink-subtle"]

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# What the libraries put on elements or look for, and what only our scripts find.
FOREIGN_CLASSES = re.compile(r"htmx-|js-|errorlist$")


def style(path: Path) -> str:
    return COMMENT.sub("", path.read_text())


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(params=["light", "dark"])
def theme(request):
    return Theme(style(CSS / "tokens.css"), request.param)


def text_pairs():
    for surface in [*SURFACES, *TINTS]:
        yield from ((ink, surface) for ink in INKS)
    for surface in SURFACES:
        yield "--color-ink-faint", surface
        yield "--color-accent", surface
        yield from ((f"--color-{meaning}-ink", surface) for meaning in MEANINGS)
    for meaning in MEANINGS:
        yield f"--color-{meaning}-ink", f"--color-{meaning}-tint"
    yield "--color-accent", "--color-accent-tint"
    yield "--color-ink", "--color-pressed"
    yield "--color-ink-subtle", "--color-pressed"
    yield "--color-on-accent", "--color-accent"
    yield "--color-on-accent", "--color-accent-pressed"
    yield "--color-on-critical", "--color-critical"


def mark_pairs():
    for surface in SURFACES:
        yield "--color-line-strong", surface
        yield "--color-accent", surface
    for surface in SURFACES[:2]:
        yield from ((f"--color-{meaning}", surface) for meaning in MEANINGS)


@pytest.mark.parametrize(("ink", "surface"), list(text_pairs()))
def test_words_stand_out_from_what_they_stand_on(theme, ink, surface):
    assert theme.contrast(ink, surface) >= 4.5


@pytest.mark.parametrize(("mark", "surface"), list(mark_pairs()))
def test_lines_of_controls_and_marks_stand_out(theme, mark, surface):
    assert theme.contrast(mark, surface) >= 3


def test_black_on_white_is_the_contrast_that_everybody_knows():
    theme = Theme(
        "--color-a: light-dark(oklch(0% 0 0), oklch(0% 0 0)); "
        "--color-b: light-dark(oklch(100% 0 0), oklch(0% 0 0));",
        "light",
    )
    assert theme.contrast("--color-a", "--color-b") == pytest.approx(21, abs=0.01)


@pytest.mark.parametrize("path", COMPONENTS, ids=named)
def test_a_component_lies_in_its_layer_and_takes_its_colours_from_tokens(path):
    css = style(path)
    outside = re.sub(r"@layer components \{.*\n\}", "", css, flags=re.DOTALL)
    assert outside.strip() == ""
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b", css), "a hex colour"
    assert not re.search(r"\b(?:rgb|hsl|oklch|oklab|lch|hwb)a?\(", css), "a colour of its own"


def test_the_look_of_a_page_without_a_line_asks_nobody_for_a_picture():
    pictures = re.findall(r"url\(\s*[\"']?(\w*)", style(CSS / "components/offline.css"))
    assert set(pictures) == {"data"}


@pytest.mark.parametrize("path", SHEETS, ids=named)
def test_nothing_shouts(path):
    assert "!important" not in style(path)
    assert not re.search(r"z-index:\s*(?:[3-9]|\d\d+)", style(path)), "depth has names"


def blocks(css):
    """Yield the property names of each block, in the order written; nested blocks apart."""
    stack, text = [[]], ""
    for letter in css:
        if letter in ";}" and ":" in text:
            stack[-1].append(text.partition(":")[0].strip())
        if letter == "{":
            stack.append([])
        elif letter == "}":
            yield stack.pop()
        text = "" if letter in "{};" else text + letter


@pytest.mark.parametrize("path", SHEETS, ids=named)
def test_variables_come_first_then_properties_in_alphabetical_order(path):
    for names in blocks(style(path)):
        variables = [name for name in names if name.startswith("--")]
        properties = [name for name in names if not name.startswith("--")]
        assert names == [*variables, *properties]
        # A vendor's spelling stands where the property it spells would stand.
        assert properties == sorted(properties, key=lambda name: re.sub(r"^-\w+-", "", name))


def test_every_variable_that_is_used_exists():
    declared, used = set(), {}
    for path in SHEETS:
        css = style(path)
        declared.update(re.findall(r"(--[\w-]+):", css))
        # A variable with a fallback may be set by nobody: the fallback is its default.
        used.update(dict.fromkeys(re.findall(r"var\((--[\w-]+)\)", css), named(path)))
    assert {name: path for name, path in used.items() if name not in declared} == {}


def test_every_style_sheet_is_linked_once_and_the_layers_first():
    linked = re.findall(r"static 'css/(.+?)'", (TEMPLATES / "parts/stylesheets.html").read_text())
    assert linked[0] == "_layers.css"
    ours = [path for path in SHEETS if path != ADMIN_SHEET]
    assert sorted(linked) == sorted(str(path.relative_to(CSS)) for path in ours)


def classes_in(template: str) -> set[str]:
    """The class names that are written out; one that a variable completes is left out."""
    found = set()
    for attribute in re.findall(r'class="((?:[^"{]|\{[{%].*?[%}]\}|\{)*)"', template):
        words = re.sub(r"\{\{.*?\}\}", "…", attribute)
        found.update(re.sub(r"\{%.*?%\}", " ", words).split())
    return {name for name in found if "…" not in name and not FOREIGN_CLASSES.match(name)}


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_class_in_a_template_has_a_rule(path):
    known = set()
    for sheet in SHEETS:
        known.update(re.findall(r"\.([a-zA-Z][\w-]*)", style(sheet)))
    assert classes_in(path.read_text()) - known == set()


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_no_template_styles_or_scripts_in_place(path):
    text = re.sub(r"\{%.*?%\}", "", path.read_text())
    assert not re.search(r"\sstyle=", text), "the content security policy drops it"
    assert not re.search(r"\son\w+=", text), "the content security policy drops it"
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text), "nothing from another host"


@pytest.mark.parametrize("path", sorted((TEMPLATES / "parts").glob("*.html")), ids=named)
def test_every_part_says_what_it_needs(path):
    first = path.read_text().splitlines()[0]
    assert first.startswith("{# ")
    if path.name != "stylesheets.html":
        assert "Needs: " in first
