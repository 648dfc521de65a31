"""Whose clock a time of a visit is said by: the clinic's always, one's own beside it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from appointments.templatetags.visits import (
    hour_on_own_clock,
    on_own_clock,
    which_of_two,
    zone,
)
from notifications.models import Wishes
from tests.words import words_of


def test_a_patient_who_lives_elsewhere_reads_both_clocks(pages, diary, cast, system):
    with system():
        Wishes.objects.create(
            organization=cast.clinic, user=cast.ana.user, time_zone="Europe/Berlin"
        )
    visit = diary.booked(cast.ana, diary.at("10:00"))
    ana = pages(cast.ana)
    at = visit.starts_at.astimezone(ZoneInfo("Europe/Berlin"))
    said = f"{at:%a} {at.hour - 12} p.m. Central European for you"
    assert said in words_of(ana.client.get(f"/visits/{visit.pk}/"))
    assert "Central European for you" in words_of(ana.times())


@pytest.mark.parametrize(
    ("hour", "said", "beside"),
    [(4, "Eastern", ""), (5, "EDT", "EDT"), (6, "EST", "EST"), (7, "Eastern", "")],
)
def test_an_hour_that_comes_twice_is_told_apart(hour, said, beside):
    at = datetime(2026, 11, 1, hour, 30, tzinfo=UTC)
    with timezone.override(ZoneInfo("America/New_York")):
        assert (zone(at), which_of_two(at)) == (said, beside)


def test_a_zone_that_shows_the_same_hour_is_no_second_clock():
    at = datetime(2026, 11, 24, 15, tzinfo=UTC)
    with timezone.override(ZoneInfo("America/New_York")):
        assert on_own_clock(at, ZoneInfo("America/Toronto")) == ""
        assert on_own_clock(at, ZoneInfo("Asia/Tokyo")) == "Wed midnight Japan"
        assert hour_on_own_clock(at, ZoneInfo("Asia/Tokyo")) == "Wed midnight"
        assert hour_on_own_clock(at, ZoneInfo("Europe/Berlin")) == "4 p.m."
