"""When a finding begins and when it is over: one for each trouble, however a measure jitters."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.operations import figures, health
from portal.operations.anomalies import RULES, judged

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
LOOK = timedelta(seconds=10)
BY_NAME = {rule.name: rule for rule in RULES}
OLDEST, SPIKE = BY_NAME[health.OLDEST.name], BY_NAME[health.SPIKE.name]


def story(rule, values):
    """What stands after each look, ten seconds apart."""
    standing, told = None, []
    for number, value in enumerate(values):
        standing = judged(rule, rule.measure.at(value), START + number * LOOK, standing)
        told.append(standing)
        if standing is not None and standing.ended_at is not None:
            standing = None
    return told


def raised(told):
    return sum(
        after is not None
        and after.raised_at is not None
        and (before is None or before.raised_at is None or before.ended_at is not None)
        for before, after in zip([None, *told], told, strict=False)
    )


def worse(rule, share):
    """A value so many times beyond the bound."""
    return rule.bound * share if rule.measure.red >= rule.measure.yellow else rule.bound / share


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_finds_what_lasts_and_says_its_bound(rule):
    value = worse(rule, 1.5) or 1.0
    told = story(rule, [None, *[value] * 60])
    assert raised(told) == 1
    assert told[-1].raised_at - told[1].began_at >= rule.lasts
    said = rule.measure.said
    if said is not figures.yes_or_no:
        assert told[-1].reason.endswith(f"bound {said(rule.bound)}")
        assert said(value) in told[-1].reason


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_what_is_at_its_bound_is_no_finding(rule):
    assert story(rule, [rule.bound] * 60) == [None] * 60


def test_a_value_that_goes_to_and_fro_about_its_bound_is_one_finding():
    assert raised(story(OLDEST, [2.1] * 3 + [1.9, 2.1] * 100)) == 1


def test_just_below_the_bound_is_not_over():
    assert story(OLDEST, [3.0] * 3 + [1.9] * 60)[-1].ended_at is None
    assert story(OLDEST, [3.0] * 3 + [1.5] * 60)[14].ended_at is not None


def test_the_reason_is_that_of_the_moment_in_which_it_was_raised():
    told = story(SPIKE, [None, *[3.0] * 10, 9.0])
    assert told[-1].reason == "Open sockets at 3 times the day's mean for 60 s; bound 2 times"


@given(st.lists(st.one_of(st.none(), st.floats(0, 10)), max_size=80))
def test_whatever_a_measure_does_findings_are_apart_and_last(values):
    """Never two within the time that an end takes, and none that was raised too early."""
    told = story(OLDEST, values)
    ends = [each.ended_at for each in told if each is not None and each.ended_at is not None]
    begins = sorted(
        {each.raised_at for each in told if each is not None and each.raised_at is not None}
    )
    assert len(begins) - len(ends) in (0, 1)
    for end, begin in zip(ends, begins[1:], strict=False):
        assert end < begin
    for begin, end in zip(begins, ends, strict=False):
        assert end - begin >= OLDEST.quiet
    for each in told:
        if each is not None and each.raised_at is not None:
            assert each.raised_at - each.began_at >= OLDEST.lasts
