"""Whether something goes out: what is looked at just before, and what holds it back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from notifications.models import Channel, Kind
from notifications.routing import (
    Drop,
    Send,
    Situation,
    Wait,
    decide,
    default_channels,
    is_hopeless,
    next_try,
)
from portal.models import Role

LATER = datetime(2026, 11, 22, 7, tzinfo=UTC)
OUT = {Channel.EMAIL, Channel.SMS, Channel.WEB_PUSH}
BY_DAY = Situation(
    kind=Kind.MESSAGE,
    channel=Channel.WEB_PUSH,
    is_important=False,
    is_read=False,
    is_member=True,
    may_see=True,
    reachable=OUT,
    wanted=OUT,
)
HELD = {"quiet_until": LATER, "digest_at": LATER, "capped_until": LATER}


def test_by_day_it_goes_out():
    assert decide(BY_DAY) == Send()


@pytest.mark.parametrize("is_important", [True, False])
@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"is_read": True}, Drop("read", is_over=True)),
        ({"is_member": False}, Drop("no_member", is_over=True)),
        ({"may_see": False}, Drop("no_access", is_over=True)),
        ({"is_channel_on": False}, Drop("channel_off")),
        ({"reachable": {Channel.EMAIL}}, Drop("no_address")),
    ],
)
def test_what_nobody_may_have_is_not_sent_however_important(change, answer, is_important):
    assert decide(replace(BY_DAY, is_important=is_important, **change)) == answer


@pytest.mark.parametrize(("held", "reason"), [("quiet_until", "quiet"), ("capped_until", "capped")])
def test_the_night_and_the_cap_hold_it_until_they_end(held, reason):
    assert decide(replace(BY_DAY, **{held: LATER})) == Wait(LATER, reason)


def test_only_mail_is_collected_and_then_it_goes_at_the_named_hour():
    mail = replace(BY_DAY, channel=Channel.EMAIL, digest_at=LATER)
    assert decide(mail) == Wait(LATER, "digest")
    assert decide(replace(mail, is_collected=True, quiet_until=LATER)) == Send()
    assert decide(replace(BY_DAY, digest_at=LATER)) == Send()


@pytest.mark.parametrize("channel", sorted(OUT))
def test_nothing_holds_back_what_is_important(channel):
    assert decide(replace(BY_DAY, channel=channel, is_important=True, **HELD)) == Send()


def test_what_is_important_takes_the_named_channel_also_when_its_kind_is_not_wanted():
    quiet_person = replace(BY_DAY, is_important=True, wanted=set(), **HELD)
    named = replace(quiet_person, important_channel=Channel.EMAIL)
    assert decide(replace(named, channel=Channel.EMAIL)) == Send()
    assert decide(replace(named, channel=Channel.SMS)) == Drop("not_wanted")


@pytest.mark.parametrize(
    ("reachable", "goes_by"),
    [
        (OUT, Channel.SMS),
        ({Channel.EMAIL, Channel.WEB_PUSH}, Channel.WEB_PUSH),
        ({Channel.EMAIL}, Channel.EMAIL),
    ],
)
def test_without_a_named_channel_the_loudest_that_is_there(reachable, goes_by):
    person = replace(BY_DAY, is_important=True, wanted=set(), reachable=reachable)
    sent = {each for each in OUT if decide(replace(person, channel=each)) == Send()}
    assert sent == {goes_by}


def test_a_named_channel_that_is_gone_leaves_another():
    person = replace(
        BY_DAY,
        is_important=True,
        wanted=set(),
        reachable={Channel.EMAIL},
        important_channel=Channel.SMS,
    )
    assert decide(replace(person, channel=Channel.EMAIL)) == Send()


@pytest.mark.parametrize("role", Role)
def test_a_default_never_texts_about_what_can_wait(role):
    for kind in set(Kind) - {Kind.ALERT, Kind.ALARM}:
        assert Channel.SMS not in default_channels(kind, role)


def test_waits_grow_to_a_limit_and_end():
    important = [next_try(tries, is_important=True).total_seconds() for tries in range(1, 7)]
    assert important == [5, 10, 20, 40, 60, 60]
    assert next_try(50, is_important=False) == timedelta(hours=1)
    assert next_try(1, is_important=True, asked=timedelta(seconds=30)) == timedelta(seconds=30)
    assert not is_hopeless(11, is_important=False)
    assert is_hopeless(12, is_important=False)
    assert not is_hopeless(12, is_important=True)
