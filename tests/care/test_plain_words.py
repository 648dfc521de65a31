"""What patients read about their health is written for everybody: reading grade 6 at most."""

import re

import pytest
from django.urls import reverse

from care.readings import Reading
from care.wording import MEANINGS, in_plain_words
from tests.reading_grade import grade_of

MOST = 6.5


@pytest.mark.parametrize("sentence", MEANINGS.values())
def test_a_meaning_is_easy_to_read(sentence):
    assert grade_of(sentence) <= MOST


def test_every_word_about_a_reading_is_easy_to_read():
    def said(**fields):
        plain = {"row": None, "figure": "", "unit": "", "numbers": (), "flags": ()}
        return in_plain_words(Reading(**plain, **fields))

    sentences = [
        said(flag=flag, has_range=True, is_plausible=plausible)
        for flag in ("", "high", "low")
        for plausible in (True, False)
    ]
    # Fragments such as “In the usual range” are sentences to a reader.
    assert grade_of(" ".join(f"{each}." for each in sentences)) <= MOST


@pytest.mark.parametrize("name", ["my_health", "home_greeting", "home_plan", "home_readings"])
def test_our_own_words_on_a_page_are_easy_to_read(full_record, ana, client_for, name):
    html = client_for(ana).get(reverse(f"care:{name}")).content.decode()
    main = html.partition("<main")[2].partition("</main>")[0]
    # A sentence is what ends a block; what others wrote (names of medicines) is not ours.
    blocks = re.findall(r"<(?:p|span class=\"reading__words)[^>]*>(.*?)</(?:p|span)>", main, re.S)
    sentences = [" ".join(re.sub(r"<[^>]+>", " ", block).split()) for block in blocks]
    text = " ".join(f"{each.rstrip('.')}." for each in sentences if len(each.split()) > 2)
    assert text
    # The grade is not to depend on the hour: “afternoon” is a long word.
    text = re.sub(r"Good (morning|afternoon|evening)", "Good day", text)
    assert grade_of(text) <= MOST
