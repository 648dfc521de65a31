"""What patients and their families read is written for everybody: reading grade 6 at most.

Names of people, of medicines and of illnesses are not ours to simplify, and are left out.
"""

import ast
import html
import re
from pathlib import Path

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string

from tests.browser.pages import PAGES, ROLES, path_of
from tests.cast import CAST
from tests.ordinary_day import NAMED, ordinary_day
from tests.reading_grade import grade_of

MOST = 6.5
ROOT = Path(__file__).resolve().parents[2]
EASY = [(role, page) for role in ("stranger", "patient", "caregiver") for page in PAGES[role]]
NOT_OURS = ("Ana Ruiz", "Sam Ruiz", "Ada Lee", "Noor Haddad", "Dora Lind", "Harbour Clinic", *NAMED)
# Modules whose sentences stand on their pages: what is wrong with a form, what a reading means.
SPEAKING = [
    "appointments/forms/booking.py",
    "appointments/forms/waiting.py",
    "appointments/wording.py",
    "portal/forms/account.py",
    "portal/forms/invitations.py",
    "portal/forms/passwords.py",
    "portal/forms/sign_in.py",
    "messaging/errors.py",
    "messaging/forms.py",
    "care/forms/correction.py",
    "care/forms/fields.py",
    "care/forms/reading.py",
    "care/questionnaires/errors.py",
    "care/wording.py",
    "notifications/errors.py",
    "notifications/forms.py",
    "notifications/wording.py",
]
# Read by the staff alone.
STAFF = re.compile(
    r"staff|admin|dashboard|gallery|/patients|patient_invitation|_panel|_inbox|_today|_news2"
)
ERROR_PAGES = ["400", "403", "404", "405", "409", "413", "500", "503", "503-held", "503-busy"]

_WORD = re.compile(r"[A-Za-z’]+")
_UNSEEN = re.compile(r"<(script|style|svg|head)\b.*?</\1>|<!--.*?-->", re.S)
# What a reader takes as one piece ends with its block, whether or not a full stop stands there.
_BLOCK_END = re.compile(
    r"</?(?:address|button|dd|div|dt|figcaption|footer|form|h[1-6]|header|label|legend|li|main|nav"
    r"|ol|option|p|section|select|summary|table|td|template|th|tr|ul)\b[^>]*>|<br[^>]*>"
)


def sentences_of(page: str) -> list[str]:
    """The pieces that a person reads as sentences: those of three words and more, each once."""
    body = _BLOCK_END.sub("\n", _UNSEEN.sub(" ", page))
    text = html.unescape(re.sub(r"<[^>]+>", " ", body))
    for name in NOT_OURS:
        text = text.replace(name, "")
    pieces = re.split(r"\n|(?<=[.!?:])\s+|\s·\s", text)
    plain = (" ".join(piece.split()) for piece in pieces)
    return list(dict.fromkeys(piece for piece in plain if len(_WORD.findall(piece)) > 2))


def hard(sentences: list[str]) -> list[str]:
    """Those that are above the grade by themselves; in a few words one long one says nothing."""
    graded = [(grade_of(each), each) for each in sentences if len(_WORD.findall(each)) > 5]
    return [f"{grade:.1f} {each}" for grade, each in graded if grade > MOST]


@pytest.fixture(scope="module")
def day(committed_for_module):
    return ordinary_day(CAST)


@pytest.fixture
def read(client, client_for, day):
    """`read("patient", "home")`: what that page says, with the parts that it loads by itself."""

    def read(role: str, name: str) -> list[str]:
        browser = client_for(getattr(CAST, ROLES[role])) if ROLES[role] else client
        page = browser.get(path_of(role, name, day)).content.decode()
        addresses = re.findall(r'hx-get="([^"]+)" hx-trigger="(?:load|revealed)"', page)
        parts = [
            browser.get(html.unescape(each), headers={"HX-Request": "true"}).content.decode()
            for each in addresses
        ]
        return sentences_of("\n".join([page, *parts]))

    return read


@pytest.mark.parametrize(("role", "name"), EASY, ids=[" ".join(each) for each in EASY])
def test_a_page_is_easy_to_read(read, role, name):
    sentences = read(role, name)
    assert sentences
    assert grade_of("\n".join(sentences)) <= MOST
    # What stands on every page is easy, and would hide a hard one in the mean.
    assert hard(sentences) == []


@pytest.mark.parametrize("code", ERROR_PAGES)
def test_what_went_wrong_is_easy_to_read(code):
    sentences = sentences_of(render_to_string(f"{code}.html"))
    assert sentences
    assert grade_of("\n".join(sentences)) <= MOST
    # What stands on every page is easy, and would hide a hard one in the mean.
    assert hard(sentences) == []


@pytest.mark.parametrize("module", SPEAKING)
def test_a_sentence_of_a_form_or_an_error_is_easy_to_read(module):
    sentences = spoken_in((ROOT / module).read_text())
    assert grade_of("\n".join(sentences)) <= MOST
    assert hard(sentences) == []


def test_an_empty_place_says_why_in_easy_words():
    said = [
        f"{title}. {text}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        if not STAFF.search(path.as_posix())
        for title, text in re.findall(
            r'parts/empty.html" with [^%]*title="([^"]+)"(?: text="([^"]+)")?', path.read_text()
        )
    ]
    assert len(said) > 5
    assert hard(said) == []


def test_why_a_password_is_refused_is_easy_to_read(committed_for_module):
    user = CAST.ana.user
    refused = []
    for password in ("short", "password123", user.email):
        with pytest.raises(ValidationError) as caught:
            validate_password(password, user)
        refused += caught.value.messages
    assert hard(refused) == []


def spoken_in(source: str) -> list[str]:
    """The texts of three words and more in a module, without its docstrings."""
    tree = ast.parse(source)
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    silent |= {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    texts = [
        text
        for node in ast.walk(tree)
        if id(node) not in silent and (text := _text(node)) is not None
    ]
    # A backslash stands in patterns alone; what is filled in counts as a number.
    plain = [re.sub(r"\{\w+\}", "9", text) for text in texts if "\\" not in text]
    return [text for text in plain if len(_WORD.findall(text)) > 2]


def _text(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(value) or "9" for value in values)
    return None
