"""A visit that is booked, on its patient's pages: moved, called off, confirmed, checked in to."""

import pytest

from appointments import actions
from appointments.models import Status
from tests.appointments.pages import address_of
from tests.words import words_of


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


def test_a_visit_that_runs_late_says_so(pages, diary, cast):
    visit = diary.booked(cast.ana, diary.at("10:00"))
    with diary.as_(cast.ada):
        actions.say_late(visit.pk, minutes=20, by=cast.ada.reader)
    assert "about 20 minutes later" in words_of(pages(cast.ana).client.get(f"/visits/{visit.pk}/"))
