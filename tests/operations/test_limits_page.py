"""docs/limits.md says what the code does."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from django.conf import settings

from realtime import close_codes, polling, ring, subscription
from realtime.asking import RIGHTS_SECONDS
from realtime.limits import Limits
from realtime.upkeep import QUEUE_ALARM

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "limits.md").read_text()


def test_every_limit_is_on_the_page_with_its_default():
    told = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", PAGE, re.MULTILINE))
    assert told == {each.name: str(each.default) for each in fields(Limits)}


@pytest.mark.parametrize("name", [name for name in dir(close_codes) if name.isupper()])
def test_every_close_code_is_on_the_page(name):
    assert re.search(rf"\b{getattr(close_codes, name)}\b", PAGE), name


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("limits.py", "Too many joins per second"),
        ("limits.py", "Too many connected users"),
        ("consumer.py", "ChannelRateLimitReached: Too many channels"),
        ("consumer.py", "ClientJoinRateLimitReached: Too many joins per second"),
        ("consumer.py", "too many messages per second"),
        ("consumer.py", "frame too large"),
        ("consumer.py", "TopicNameRequired"),
        ("bindings.py", "BindingRateLimitReached"),
        ("limits.py", "Too many joins per second per user"),
        ("limits.py", "Too many joins per second from here"),
        ("turns.py", "Too many polls: at most"),
        ("turns.py", "Too many polls at once"),
    ],
)
def test_words_of_a_refusal_are_those_of_the_code(file, words):
    assert words in PAGE
    assert words in (Path(polling.__file__).parent / file).read_text()


def test_the_other_numbers_are_those_of_the_code():
    for number in (
        f"{subscription.BUFFER_EVENTS:,} events",
        f"{ring.NEWEST:,}",
        f"{polling.PAGE} events",
        f"{RIGHTS_SECONDS:.0f} s to read them",
        f"at {QUEUE_ALARM:.0%}".replace("%", " %"),
        f"{settings.MAX_BODY_BYTES // 1_000_000} MB, {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS}",
        f"{settings.AXES_FAILURE_LIMIT} in a row",
        f"{settings.SESSION_COOKIE_AGE // 3600} hours",
        f"{settings.REALTIME_RETENTION_HOURS}, at least 24",
    ):
        assert number in PAGE, number
