"""Booking in real browsers: a time that is taken goes, the minutes run, nothing needs scripts."""

import re
from datetime import UTC, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from appointments.models import Appointment, Hold
from portal.models import CareTeamMembership
from tests.browser.people import is_live

# A second, and what a busy machine needs for two browsers and a server beside one another.
TAKEN = "Sorry, this time has just been taken."


@pytest.fixture
def diary(server, cast, system):
    """Ada and Noor take wound checks, and Ada looks after Ben as well as after Ana."""
    from tests.appointments.diary import Diary

    with system():
        CareTeamMembership.objects.create(
            organization=cast.clinic, patient=cast.ben.patient, provider=cast.ada.provider
        )
    return Diary(cast)


def times_of(diary, day) -> str:
    """Ada's times in the week of a day."""
    return (
        f"/visits/new/{diary.wound_check.pk}/?with={diary.cast.ada.provider.pk}&week={day:%Y-%m-%d}"
    )


def button_at(page, starts_at):
    return page.locator(f'[id^="at-{starts_at.astimezone(UTC):%Y%m%dT%H%MZ}"]')


def test_a_time_that_one_takes_goes_from_the_others_open_page_at_once(visit, diary, ana, ben):
    at = diary.at("10:00")
    anas, bens = (visit(who, times_of(diary, at)) for who in (ana, ben))
    is_live(anas), is_live(bens)
    expect(button_at(bens, at)).to_be_visible()

    button_at(anas, at).click()
    expect(button_at(bens, at)).to_be_hidden()
    expect(anas.get_by_text("We keep this time for you")).to_be_visible()

    anas.get_by_role("button", name="Choose another time").click()
    expect(button_at(bens, at)).to_be_visible()


def test_who_presses_a_time_that_is_gone_is_told_kindly_what_is_free(visit, diary, ana, ben):
    at = diary.at("10:00")
    visit.expect_trouble("409")
    # Without scripts the page does not hear that the time went.
    stale = visit(ben, times_of(diary, at), java_script_enabled=False)
    diary.held(ana, at)
    button_at(stale, at).click()
    expect(stale.get_by_role("alert")).to_contain_text(TAKEN)
    near = stale.get_by_role("region", name="Close to that time").get_by_role("button")
    expect(near).to_have_count(4)
    near.first.click()
    expect(stale.get_by_text("We keep this time for you")).to_be_visible()


def test_the_minutes_go_on_over_a_reload_and_their_end_is_said(visit, diary, ana):
    hold = diary.held(ana, diary.at("10:00"))
    page = visit(ana, f"/visits/holds/{hold.pk}/")
    is_live(page)
    left = page.locator("count-down")
    expect(left).to_have_text(re.compile(r"^0[34]:\d\d$"))
    diary.change(hold, until_at=timezone.now() + timedelta(seconds=118))
    expect(left).to_have_text(re.compile(r"^01:\d\d$"))
    page.reload()
    expect(left).to_have_text(re.compile(r"^0[01]:\d\d$"))

    page.locator("textarea").fill("No fever.")
    is_live(page)
    diary.change(hold, until_at=timezone.now() + timedelta(seconds=2))
    expect(page.get_by_text("We no longer keep this time for you")).to_be_visible()
    expect(page.locator("textarea")).to_have_value("No fever.")
    page.get_by_role("button", name="Book this visit").click()
    expect(page.get_by_text("Your visit is booked")).to_be_visible()
    with diary.as_(ana):
        assert Appointment.objects.get().answers == {"fever": "No fever."}
        assert Hold.objects.get().fate == Hold.Fate.BOOKED


def test_everything_works_without_scripts(visit, diary, ana):
    page = visit(ana, "/visits/", java_script_enabled=False)
    page.get_by_role("link", name="Book a visit").click()
    page.get_by_role("link", name=re.compile("Wound check")).click()
    page.get_by_role("link", name="Video call").click()
    page.get_by_role("link", name="Week after").click()
    page.locator('[id^="at-"]').first.click()
    page.get_by_label("Do you have a fever?").fill("No")
    page.get_by_role("button", name="Book this visit").click()
    expect(page.get_by_text("Your visit is booked")).to_be_visible()
    page.get_by_role("link", name="All visits").click()
    page.get_by_role("link", name=re.compile("Eastern, video call")).click()
    page.get_by_role("button", name="Yes, I will").click()
    expect(page.get_by_text("We know that you will come.")).to_be_visible()
    page.get_by_role("link", name="Move it to another time").click()
    page.locator('button[id^="good-"]').first.click()
    page.get_by_role("button", name="Move my visit here").click()
    expect(page.get_by_text("Your visit has a new time")).to_be_visible()
    page.get_by_role("link", name="Call it off").click()
    page.get_by_label("I feel better and do not need it").check()
    page.get_by_role("button", name="Call it off").click()
    expect(page.get_by_text("Your visit is called off")).to_be_visible()


def test_a_device_elsewhere_shows_both_clocks(visit, diary, ana):
    booked = diary.booked(ana, diary.at("10:00"))
    page = visit(ana, f"/visits/{booked.pk}/", timezone_id="Europe/Berlin")
    when = page.locator("#one-visit")
    expect(when).to_contain_text("10 a.m. Eastern")
    own = re.compile(r"[345] p\.m\. Central European (Standard |Summer )?Time for you")
    expect(when).to_contain_text(own)


def test_a_device_where_the_clinic_is_shows_one_clock(visit, diary, ana):
    booked = diary.booked(ana, diary.at("10:00"))
    page = visit(ana, f"/visits/{booked.pk}/", timezone_id="America/New_York")
    is_live(page)
    expect(page.locator("#one-visit")).not_to_contain_text("for you")


def test_a_second_clock_says_the_day_where_it_is_another(modules):
    said = modules.evaluate(
        """async () => {
            const { describe } = await import("own-time")
            const at = new Date("2026-11-24T22:00:00Z")
            const zones = ["America/Toronto", "Europe/Berlin", "Asia/Tokyo", "Asia/Kathmandu"]
            return zones.flatMap((zone) => [
                describe(at, "America/New_York", zone),
                describe(at, "America/New_York", zone, true),
            ])
        }"""
    )
    assert said == [
        *("", ""),
        *("Tue 11 p.m. Central European Time", "11 p.m."),
        *("Wed 7 a.m. Japan Standard Time", "Wed 7 a.m."),
        *("Wed 3:45 a.m. Nepal Time", "Wed 3:45 a.m."),
    ]
