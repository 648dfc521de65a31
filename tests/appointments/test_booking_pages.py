"""Booking as patients and their families do it: pages, plain forms, kind sentences."""

import re
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from appointments import actions
from appointments.models import Appointment, Hold
from portal.models import Caregiver, Patient
from tests.appointments.pages import address_of
from tests.words import words_of

HTMX = {"HX-Request": "true"}


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


def test_a_clinic_without_free_times_says_what_next(pages, diary, cast):
    diary.change(diary.wound_check, horizon_days=0)
    page = words_of(pages(cast.ana).times())
    assert "There are no free times now" in page
    assert "555 0100" in page
