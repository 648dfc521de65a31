"""Figures as a person says them, and bounds in the same words."""

from math import inf

import pytest

from portal.operations import figures


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0 s"),
        (0.0004, "under 1 ms"),
        (0.0928, "93 ms"),
        (0.5, "500 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1 s"),
        (2, "2 s"),
        (2.54, "2.5 s"),
        (9.96, "10 s"),
        (119.4, "119 s"),
        (120, "2 min"),
        (1234.5, "21 min"),
        (7200, "2 h"),
        (72 * 3600, "72 h"),
        (100 * 3600, "4 days"),
    ],
)
def test_a_time_is_said_in_the_unit_that_fits(value, said):
    assert figures.seconds(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (0.0003, "under 0.01"), (0.25, "0.25"), (2.0, "2"), (2.54, "2.5"), (1234, "1,234")],
)
def test_a_number_has_commas_and_no_more_digits_than_it_means(value, said):
    assert figures.number(value) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0, "0 %"),
        (0.0000012, "under 0.1\N{NO-BREAK SPACE}%"),
        (0.01, "1 %"),
        (0.0254, "2.54 %"),
        (0.99, "99 %"),
        (0.9997, "over 99.9\N{NO-BREAK SPACE}%"),
        (1, "100 %"),
    ],
)
def test_a_share_is_nothing_or_whole_only_where_it_is(share, said):
    assert figures.per_cent(share) == said


def test_what_has_no_end_is_said_in_words():
    assert figures.age(inf) == "never"
    assert figures.percentile(inf) == "more than 5 s"
