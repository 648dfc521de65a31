"""Booking as patients and their families do it: pages, plain forms, kind sentences."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from appointments import actions
from appointments.models import Appointment, Hold, Status
from appointments.templatetags.visits import (
    hour_on_own_clock,
    on_own_clock,
    which_of_two,
    zone,
)
from notifications.models import Wishes
from portal.models import Caregiver, Patient
from tests.words import words_of

HTMX = {"HX-Request": "true"}


@pytest.fixture
def pages(diary, client_for):
    """`pages(ana)`: what somebody does on the pages of booking."""
    return lambda person: Pages(person, diary, client_for(person))


class Pages:
    def __init__(self, person, diary, client) -> None:
        self.person, self.diary, self.client = person, diary, client

    def times(self, **asked):
        return self.client.get(f"/visits/new/{self.diary.wound_check.pk}/", asked)

    def press(self, starts_at, provider=None, **more):
        """Press a free time; the browser follows to what comes next."""
        with_whom = provider or self.diary.cast.ada.provider
        data = {
            "patient": self.diary.cast.ana.patient.pk,
            "visit_type": self.diary.wound_check.pk,
            "time": f"{timezone.localtime(starts_at, ZoneInfo('UTC')):%Y%m%dT%H%MZ}.{with_whom.pk}",
            "mode": "in_person",
        }
        return self.client.post("/visits/holds/", data | more, follow=True)

    def visit(self):
        with self.diary.as_(self.person):
            return Appointment.objects.latest("created_at")


def address_of(response):
    return response.redirect_chain[-1][0]


def test_a_patient_books_in_four_presses(pages, diary, cast):
    ana = pages(cast.ana)
    assert "Wound check" in words_of(ana.client.get("/visits/new/"))
    assert "10 a.m." in words_of(ana.times(week=diary.at("10:00").date()))
    kept = ana.press(diary.at("10:00"))
    page = words_of(kept)
    assert "We keep this time for you" in page
    assert "Leave the dressing on." in page
    assert "Room 3" in page

    booked = ana.client.post(address_of(kept), {"answer_0": "No"}, follow=True)
    assert "Your visit is booked" in words_of(booked)
    assert "10 a.m. Eastern" in words_of(booked)
    visit = ana.visit()
    assert (visit.starts_at, visit.answers) == (diary.at("10:00"), {"fever": "No"})


def test_the_button_of_a_time_is_what_the_form_takes(pages, diary, cast):
    """What a browser sends is what the page says, not what this test makes of it."""
    ana = pages(cast.ana)
    value = re.search(
        r'name="time" id="good-([^"]+)" value="([^"]+)"', ana.times().content.decode()
    )
    assert value[1] == value[2]
    data = {"patient": cast.ana.patient.pk, "visit_type": diary.wound_check.pk, "time": value[2]}
    assert "We keep this time" in words_of(ana.client.post("/visits/holds/", data, follow=True))


def test_the_time_that_is_kept_survives_a_reload_and_is_found_again(pages, diary, cast):
    ana = pages(cast.ana)
    address = address_of(ana.press(diary.at("10:00")))
    with diary.as_(cast.ana):
        until = Hold.objects.get().until_at
    today = timezone.localtime(timezone=cast.clinic.zone)
    assert f'now="{today:%Y-%m-%d}' in ana.client.get(address).content.decode()
    with diary.as_(cast.ana):
        assert Hold.objects.get().until_at == until
    for page in ("/visits/", "/visits/new/"):
        assert address in ana.client.get(page).content.decode()


def test_booking_twice_books_once_and_leads_to_the_same_visit(pages, diary, cast):
    ana = pages(cast.ana)
    address = address_of(ana.press(diary.at("10:00")))
    first = ana.client.post(address, follow=True)
    second = ana.client.post(address, follow=True)
    assert address_of(first) == address_of(second)
    assert address_of(ana.client.get(address, follow=True)) == address_of(first)
    with diary.as_(cast.ana):
        assert Appointment.objects.count() == 1


def test_a_time_that_is_taken_gives_a_kind_sentence_and_times_close_to_it(pages, diary, cast):
    with diary.as_(cast.ada):
        actions.block_time(
            by=cast.ada.reader,
            starts_at=diary.at("10:00"),
            ends_at=diary.at("10:30"),
            reason="Meeting",
            provider_id=cast.ada.provider.pk,
        )
    answer = pages(cast.ana).press(diary.at("10:00"))
    page = words_of(answer)
    assert answer.status_code == 409
    assert "Sorry, this time has just been taken." in page
    assert "9:30 a.m." in page
    assert "10:30 a.m." in page
    assert "Meeting" not in page
    near = re.findall(r'id="near-([^"]+)"', answer.content.decode())
    assert len(near) == 4


def test_the_time_of_a_visit_of_ones_own_is_called_that(pages, diary, cast):
    diary.by_staff(cast.ada, diary.at("10:00"))
    answer = pages(cast.ana).press(diary.at("10:00"), cast.noor.provider)
    assert answer.status_code == 409
    with diary.as_(cast.ana):
        assert not Hold.objects.exists()


def test_when_the_minutes_are_over_nothing_is_lost(pages, diary, cast):
    ana = pages(cast.ana)
    address = address_of(ana.press(diary.at("10:00")))
    with diary.as_(cast.ana):
        diary.change(Hold.objects.get(), until_at=timezone.now() - timedelta(seconds=1))
    assert "We no longer keep this time" in words_of(ana.client.get(address, headers=HTMX))
    assert "We no longer keep this time" in words_of(ana.client.get(address))
    # Nobody has taken it: it is booked all the same.
    assert "Your visit is booked" in words_of(ana.client.post(address, follow=True))


def test_when_the_minutes_are_over_and_the_time_is_gone_there_are_others(pages, diary, cast):
    ana = pages(cast.ana)
    address = address_of(ana.press(diary.at("10:00"), cast.noor.provider))
    with diary.as_(cast.ana):
        diary.change(Hold.objects.get(), until_at=timezone.now() - timedelta(seconds=1))
    with diary.as_(cast.noor):
        actions.block_time(
            by=cast.noor.reader, starts_at=diary.at("09:00"), ends_at=diary.at("12:00"),
            reason="Ward", provider_id=cast.noor.provider.pk,
        )  # fmt: skip
    answer = ana.client.post(address)
    assert answer.status_code == 409
    assert "has just been taken" in words_of(answer)


def test_a_time_is_given_back_and_one_chooses_again(pages, diary, cast):
    ana = pages(cast.ana)
    address = address_of(ana.press(diary.at("10:00")))
    chosen_again = ana.client.post(f"{address}release/", follow=True)
    assert "Choose a time" in words_of(chosen_again)
    assert "10:00" in diary.free(cast.ana)
    assert "You gave this time back" in words_of(ana.client.get(address))
    assert ana.client.post(address).status_code == 409


def test_a_visit_moves_and_keeps_its_time_until_then(pages, diary, cast):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    ana = pages(cast.ana)
    assert "Choose a new time" in words_of(ana.client.get(f"/visits/{visit.pk}/times/"))
    kept = ana.press(diary.at("14:00"), moves=visit.pk)
    assert "It stays yours until you press" in words_of(kept)
    assert ana.visit().starts_at == diary.at("10:00")

    moved = ana.client.post(address_of(kept), follow=True)
    assert "Your visit has a new time" in words_of(moved)
    assert ana.visit().starts_at == diary.at("14:00")
    assert "10:00" in diary.free(cast.ana)


@pytest.mark.parametrize("path", ["times", "calling-off"])
def test_inside_the_notice_one_is_asked_to_call(pages, diary, cast, path):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    diary.change(diary.wound_check, notice_minutes=30 * 24 * 60)
    ana = pages(cast.ana)
    answer = ana.client.get(f"/visits/{visit.pk}/{path}/")
    assert "please call us" in words_of(answer).lower()
    assert "555 0100" in words_of(answer)
    page = words_of(ana.client.get(f"/visits/{visit.pk}/"))
    assert "Call it off" not in page
    assert "Your visit is soon." in page
    refused = ana.client.post(f"/visits/{visit.pk}/calling-off/", {"reason": "well"})
    assert refused.status_code == 409
    assert ana.visit().status == Status.BOOKED


def test_calling_off_asks_why_and_gives_the_time_back(pages, diary, cast):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    ana = pages(cast.ana)
    address = f"/visits/{visit.pk}/calling-off/"
    asked = ana.client.post(address)
    assert asked.status_code == 422
    assert "Please choose a reason." in words_of(asked)
    assert ana.visit().status == Status.BOOKED

    page = ana.client.post(address, {"reason": "travel", "words": "No bus."}, follow=True)
    assert "Your visit is called off" in words_of(page)
    visit = ana.visit()
    assert (visit.status, visit.cancel_reason) == (
        Status.CANCELLED,
        "I have no way to get there: No bus.",
    )
    assert "10:00" in diary.free(cast.ana)
    again = ana.client.post(address, {"reason": "travel"}, follow=True)
    assert again.status_code == 200


def test_a_patient_says_that_they_will_come(pages, diary, cast):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    ana = pages(cast.ana)
    assert "Will you come?" in words_of(ana.client.get(f"/visits/{visit.pk}/"))
    for _ in range(2):
        page = ana.client.post(f"/visits/{visit.pk}/confirmation/", follow=True)
    assert "We know that you will come." in words_of(page)
    assert "Will you come?" not in words_of(page)
    assert ana.visit().is_confirmed


def test_check_in_is_on_the_day_and_asks_what_is_asked_before(pages, diary, cast):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    ana = pages(cast.ana)
    address = f"/visits/{visit.pk}/check-in/"
    assert "It is too early" in words_of(ana.client.get(address))
    assert ana.client.post(address).status_code == 409
    assert not ana.visit().is_checked_in

    diary.bring_forward(visit)
    assert "Do you have a fever?" in words_of(ana.client.get(address))
    page = ana.client.post(address, {"answer_0": "A little"}, follow=True)
    assert "You are checked in" in words_of(page)
    visit = ana.visit()
    assert (visit.is_checked_in, visit.status) == (True, Status.BOOKED)
    assert visit.answers == {"fever": "A little"}


def test_a_video_call_is_joined_on_its_day(pages, diary, cast):
    diary.change(diary.room, video_link="https://video.example/ada")
    visit = diary.booked(cast.ana, diary.at("10:00"), mode="video")
    ana = pages(cast.ana)
    address = f"/visits/{visit.pk}/"
    assert "You join the call from this page" in words_of(ana.client.get(address))
    assert "video.example" not in ana.client.get(address).content.decode()
    diary.bring_forward(visit)
    page = ana.client.get(address).content.decode()
    assert 'href="https://video.example/ada" target="_blank" rel="noopener noreferrer"' in page
    diary.change(visit, mode="in_person")
    assert "video.example" not in ana.client.get(address).content.decode()


def test_answers_can_be_changed_until_the_visit(pages, diary, cast):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    ana = pages(cast.ana)
    page = ana.client.post(f"/visits/{visit.pk}/answers/", {"answer_0": "No"}, follow=True)
    assert "Your answers are saved" in words_of(page)
    assert "No" in ana.client.get(f"/visits/{visit.pk}/answers/").content.decode()
    assert ana.visit().answers == {"fever": "No"}


@pytest.mark.parametrize(("setting", "status"), [("view", 200), ("off", 404)])
def test_a_clinic_keeps_booking_to_itself(pages, diary, cast, setting, status):
    diary.change(diary.wound_check, self_scheduling=setting)
    ana = pages(cast.ana)
    page = ana.times()
    assert page.status_code == status
    assert "555 0100" in words_of(ana.client.get("/visits/new/"))
    assert 'name="time"' not in page.content.decode()
    if setting == "view":
        assert "To book one, please call us." in words_of(page)
        assert "10 a.m." in words_of(ana.times(week=diary.at("10:00").date()))
    answer = ana.press(diary.at("10:00"))
    assert answer.status_code == 409
    assert "We book these visits with you by phone." in words_of(answer)


def test_a_caregiver_who_may_write_books_for_whom_they_help(pages, diary, cast):
    sam = pages(cast.sam)
    assert "For Ana Ruiz." in words_of(sam.times())
    kept = sam.press(diary.at("10:00"))
    assert "for Ana Ruiz" in words_of(sam.client.post(address_of(kept), follow=True))
    assert sam.visit().patient == cast.ana.patient


def test_a_caregiver_who_may_only_read_sees_and_cannot(pages, diary, cast, system):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    with system():
        Caregiver.objects.filter(user=cast.sam.user).update(scope="read")
    sam = pages(cast.sam)
    assert "You can look, but not book" in words_of(sam.client.get("/visits/new/"))
    assert 'name="time"' not in sam.times().content.decode()
    assert sam.press(diary.at("11:00")).status_code == 404
    page = words_of(sam.client.get(f"/visits/{visit.pk}/"))
    assert "Will you come?" not in page
    assert "Call it off" not in page
    for path in ("confirmation", "calling-off", "answers", "check-in"):
        assert sam.client.post(f"/visits/{visit.pk}/{path}/").status_code == 404


@pytest.mark.parametrize("who", ["ben", "carla"])
def test_others_find_nothing_there(pages, diary, cast, who):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    hold = diary.held(cast.ana, diary.at("11:00"))
    stranger = pages(getattr(cast, who))
    assert stranger.press(diary.at("14:00")).status_code == 404
    for path in (f"{visit.pk}/", f"{visit.pk}/times/", f"holds/{hold.pk}/"):
        assert stranger.client.get(f"/visits/{path}").status_code == 404
    for path in (f"holds/{hold.pk}/", f"holds/{hold.pk}/release/", f"{visit.pk}/calling-off/"):
        assert stranger.client.post(f"/visits/{path}").status_code == 404
    mine = f"?patient={cast.ana.patient.pk}"
    assert stranger.client.get(f"/visits/new/{mine}").status_code == 404


def test_nobody_books_for_the_dead(pages, diary, cast, system):
    with system():
        Patient.objects.filter(pk=cast.ana.patient.pk).update(deceased_at=timezone.now())
    assert "This is closed" in words_of(pages(cast.ana).client.get("/visits/new/"))
    assert pages(cast.ana).press(diary.at("10:00")).status_code == 409


@pytest.mark.parametrize(
    "changes",
    [{"time": "tomorrow"}, {"time": f"20261301T1000Z.{uuid.uuid4()}"}, {"time": "x.y"},
     {"patient": "me"}, {"visit_type": ""}, {"mode": "by_letter"}, {"moves": "that one"}],
)  # fmt: skip
def test_a_form_that_no_page_made_leads_back_to_the_beginning(pages, diary, cast, changes):
    ana = pages(cast.ana)
    assert address_of(ana.press(diary.at("10:00"), **changes)) == "/visits/new/"


@pytest.mark.parametrize(
    "asked",
    [{"week": "soon"}, {"week": "9999-12-31"}, {"week": "0001-01-01"}, {"mode": "by_letter"},
     {"with": "nobody"}],
)  # fmt: skip
def test_what_is_asked_of_the_calendar_may_be_anything(pages, cast, asked):
    assert "Good times soon" in words_of(pages(cast.ana).times(**asked))


def test_a_week_is_looked_at_one_after_another(pages, diary, cast):
    ana = pages(cast.ana)
    address = re.search(r'id="week-later" href="([^"#]+)#', ana.times().content.decode())[1]
    page = ana.client.get(address.replace("&amp;", "&")).content.decode()
    assert 'id="week-earlier"' in page
    assert re.search(r'name="time" id="at-', page)


def test_times_are_offered_with_the_one_who_was_chosen(pages, diary, cast):
    page = words_of(pages(cast.ana).times(**{"with": str(cast.noor.provider.pk)}))
    assert "with Noor Haddad" in page
    assert "with Ada Lee" not in page
    # Boris is not of Ana's care team.
    assert "Boris" not in page


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


def test_a_clinic_without_free_times_says_what_next(pages, diary, cast):
    diary.change(diary.wound_check, horizon_days=0)
    page = words_of(pages(cast.ana).times())
    assert "There are no free times now" in page
    assert "555 0100" in page


def test_a_visit_that_runs_late_says_so(pages, diary, cast):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    with diary.as_(cast.ada):
        actions.say_late(visit.pk, minutes=20, by=cast.ada.reader)
    assert "about 20 minutes later" in words_of(pages(cast.ana).client.get(f"/visits/{visit.pk}/"))


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
