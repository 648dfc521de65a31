"""Waiting for an earlier time, answering an offer, and visits in one's own calendar: the pages."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from appointments import actions
from appointments.models import (
    Appointment,
    CalendarFeed,
    Offer,
    ReminderConsent,
    WaitlistEntry,
)
from tests.words import words_of


@pytest.fixture
def ana_at(client_for, cast):
    return client_for(cast.ana)


@pytest.fixture
def offer(diary, cast, system):
    """Ana waits, and one of Ada's times has become free."""
    entry = _waits(diary, cast)
    starts_at = diary.at("10:00")
    with system():
        return Offer.objects.create(
            organization=cast.clinic,
            patient=cast.ana.patient,
            entry=entry,
            visit_type=diary.wound_check,
            provider=cast.ada.provider,
            room=diary.room,
            mode="in_person",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=30),
            expires_at=timezone.now() + timedelta(hours=2),
        )


def _waits(diary, cast, **more):
    today = timezone.localdate(timezone=diary.zone)
    return diary.do(
        cast.ana,
        actions.join_waitlist,
        diary.wound_check.pk,
        patient_id=cast.ana.patient.pk,
        from_on=today,
        until_on=today + timedelta(days=20),
        **more,
    )


def test_a_patient_joins_the_list_and_leaves_it(diary, cast, ana_at):
    address = f"/visits/new/{diary.wound_check.pk}/waiting/"
    assert address in ana_at.get(f"/visits/new/{diary.wound_check.pk}/").content.decode()
    today = timezone.localdate(timezone=diary.zone)
    days = {"from_on": today.isoformat(), "until_on": (today + timedelta(days=9)).isoformat()}
    for _ in range(2):
        page = ana_at.post(address, days | {"day_part": "morning"}, follow=True)
    assert "You are waiting for Wound check" in words_of(page)
    assert "mornings" in words_of(page)
    with diary.as_(cast.ana):
        entry = WaitlistEntry.objects.get()
    page = ana_at.post(f"/visits/waiting/{entry.pk}/end/", follow=True)
    assert "You are waiting for" not in words_of(page)


def test_who_waits_for_an_earlier_time_keeps_their_visit(diary, cast, ana_at):
    visit = diary.booked(cast.ana, diary.at("10:00", days=9))
    address = f"/visits/new/{diary.wound_check.pk}/waiting/?visit={visit.pk}"
    page = ana_at.get(address)
    assert "You keep it until you take another time." in words_of(page)
    until = re.search(r'name="until_on" value="([^"]+)"', page.content.decode())[1]
    assert until == (diary.at("10:00", days=8)).date().isoformat()
    data = {"visit": visit.pk, "from_on": until, "until_on": until}
    ana_at.post(address.split("?", maxsplit=1)[0], data)
    with diary.as_(cast.ana):
        assert WaitlistEntry.objects.get().appointment == visit


@pytest.mark.parametrize(
    ("from_in", "until_in", "said"),
    [
        (5, 2, "The last day comes before the first one."),
        (-9, -3, "This day is over."),
        (None, 2, "Please choose a day."),
    ],
)
def test_days_in_the_wrong_order_are_asked_for_again(diary, cast, ana_at, from_in, until_in, said):
    today = timezone.localdate(timezone=diary.zone)
    days = {"from_on": from_in, "until_on": until_in}
    data = {
        name: (today + timedelta(days=number)).isoformat() if number is not None else ""
        for name, number in days.items()
    }
    answer = ana_at.post(f"/visits/new/{diary.wound_check.pk}/waiting/", data)
    assert answer.status_code == 422
    assert said in words_of(answer)


def test_an_offer_is_seen_and_accepted(diary, cast, ana_at, offer):
    address = f"/visits/offers/{offer.pk}/"
    for page in ("/visits/", "/home/visit/"):
        assert address in ana_at.get(page, headers={"HX-Request": "true"}).content.decode()
    page = words_of(ana_at.get(address))
    assert "10 a.m. Eastern" in page
    assert "The first who says yes gets it." in page
    booked = ana_at.post(address, {"answer": "accept"}, follow=True)
    assert "Your visit is booked" in words_of(booked)
    again = ana_at.post(address, {"answer": "accept"}, follow=True)
    assert again.redirect_chain == booked.redirect_chain
    with diary.as_(cast.ana):
        assert Appointment.objects.get().starts_at == offer.starts_at
    assert "You took this time." in words_of(ana_at.get(address))


def test_who_was_slower_is_told_kindly(diary, cast, ana_at, offer, system):
    address = f"/visits/offers/{offer.pk}/"
    with diary.as_(cast.ada):
        actions.block_time(
            by=cast.ada.reader, starts_at=offer.starts_at, ends_at=offer.ends_at,
            reason="Ward", provider_id=cast.ada.provider.pk,
        )  # fmt: skip
    answer = ana_at.post(address, {"answer": "accept"})
    assert answer.status_code == 409
    assert "Someone else was quicker this time. You stay on the waiting list." in words_of(answer)
    diary.change(offer, expires_at=timezone.now() - timedelta(seconds=1))
    assert "This offer has run out." in words_of(ana_at.get(address))
    assert address not in ana_at.get("/visits/").content.decode()


def test_who_says_no_stays_on_the_list(diary, cast, ana_at, offer):
    page = ana_at.post(f"/visits/offers/{offer.pk}/", {"answer": "decline"}, follow=True)
    assert "You are waiting for" in words_of(page)
    assert "A time is free" not in words_of(page)
    assert ana_at.post(f"/visits/offers/{offer.pk}/", {"answer": "perhaps"}).status_code == 422


@pytest.mark.parametrize("who", ["ben", "carla"])
def test_nobody_answers_for_others(diary, cast, client_for, offer, who):
    stranger = client_for(getattr(cast, who))
    assert stranger.get(f"/visits/offers/{offer.pk}/").status_code == 404
    accepted = stranger.post(f"/visits/offers/{offer.pk}/", {"answer": "accept"})
    assert accepted.status_code == 404
    assert stranger.post(f"/visits/waiting/{offer.entry_id}/end/").status_code == 404
    with diary.as_(cast.ana):
        assert not Appointment.objects.exists()


def test_a_private_address_is_shown_once_and_ends_when_revoked(diary, cast, ana_at, client):
    diary.booked(cast.ana, diary.at("10:00"))
    page = ana_at.post("/visits/calendar/address/").content.decode()
    address = re.search(r'value="http[^"]*(/calendar/[^"]+)"', page)[1]
    assert address not in ana_at.get("/visits/calendar/").content.decode()
    assert b"BEGIN:VEVENT" in client.get(address).content
    ended = ana_at.post("/visits/calendar/address/end/", follow=True)
    assert "Make my address" in words_of(ended)
    assert client.get(address).status_code == 404
    with diary.as_(cast.ana):
        assert CalendarFeed.objects.count() == 1


def test_reminders_name_time_and_place_only_after_a_yes(diary, cast, ana_at):
    assert "only say that you have news" in words_of(ana_at.get("/visits/calendar/"))
    page = ana_at.post("/visits/reminders/", {"may": "yes"}, follow=True)
    assert "Your reminders say the time and the place" in words_of(page)
    page = ana_at.post("/visits/reminders/", {"may": "no"}, follow=True)
    assert "only say that you have news" in words_of(page)
    with diary.as_(cast.ana):
        assert ReminderConsent.objects.get().withdrawn_at is not None
