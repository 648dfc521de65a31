"""The waiting list: several are offered a time, the first has it, the others are told."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appointments import actions, waiting
from appointments.errors import OfferIsOver
from appointments.models import Appointment, Offer, WaitlistEntry
from notifications.models import Kind, Notification
from portal.models import CareTeamMembership, Patient


@pytest.fixture
def noon(diary):
    """When offers are made, whatever the time of this run."""
    return diary.at("12:00", days=1)


@pytest.fixture
def bens(diary, cast, system):
    """Ben is looked after by Ada too, and has the visit that becomes free."""
    with system():
        CareTeamMembership.objects.create(
            organization=cast.clinic, patient=cast.ben.patient, provider=cast.ada.provider
        )
    return diary.booked(cast.ben, diary.at("10:00"), cast.ben.patient)


@pytest.fixture
def more(cast, system):
    """Three more of Ada's patients, without a login of their own."""
    made = []
    with system():
        for number in range(3):
            patient = Patient.objects.create(
                organization=cast.clinic, mrn=f"W{number}", name=f"W{number}", birth_on="1970-01-01"
            )
            CareTeamMembership.objects.create(
                organization=cast.clinic, patient=patient, provider=cast.ada.provider
            )
            made.append(patient)
    return made


def waits(diary, who, patient=None, **changes):
    day = timezone.localdate(diary.at("10:00"), diary.zone)
    return diary.do(
        who,
        actions.join_waitlist,
        diary.wound_check.pk,
        patient_id=(patient or diary.cast.ana.patient).pk,
        **{"from_on": day - timedelta(days=2), "until_on": day + timedelta(days=2)} | changes,
    )


def offers(system):
    with system():
        return list(Offer.objects.order_by("offered_at", "entry__made_at"))


def look(cast, at):
    waiting.settle_offers(cast.clinic.pk, at)
    return waiting.offer_freed(cast.clinic.pk, at)


def told(person, acting):
    with acting(person):
        return Notification.objects.filter(user=person.user, kind=Kind.OFFER).count()


def test_a_time_given_back_is_offered_and_taken(diary, cast, bens, noon, system, acting):
    entry = waits(diary, cast.ana)
    assert look(cast, noon) == 0
    diary.do(cast.ben, actions.cancel_visit, bens.pk)

    assert look(cast, noon) == 1
    assert look(cast, noon) == 0  # again: nobody is offered it twice
    (offer,) = offers(system)
    assert (offer.patient_id, offer.starts_at) == (cast.ana.patient.pk, diary.at("10:00"))
    assert told(cast.ana, acting) == told(cast.sam, acting) == 1
    diary.change(offer, expires_at=timezone.now() + timedelta(hours=1))

    visit = diary.do(cast.ana, actions.accept_offer, offer.pk)
    assert (visit.patient, visit.starts_at) == (cast.ana.patient, diary.at("10:00"))
    assert diary.do(cast.ana, actions.accept_offer, offer.pk) == visit
    with system():
        assert WaitlistEntry.objects.get(pk=entry.pk).ended_at


def test_a_visit_moves_to_the_earlier_time_and_its_own_becomes_free(
    diary, cast, bens, noon, system
):
    later = diary.booked(cast.ana, diary.at("10:00", days=12))
    waits(diary, cast.ana, appointment_id=later.pk)
    diary.do(cast.ben, actions.cancel_visit, bens.pk)
    look(cast, noon)
    (offer,) = offers(system)
    diary.change(offer, expires_at=timezone.now() + timedelta(hours=1))

    visit = diary.do(cast.ana, actions.accept_offer, offer.pk)
    assert visit == later
    assert visit.starts_at == diary.at("10:00")
    assert "10:00" in diary.free(cast.noor, days=12)


def test_the_first_has_it_and_the_others_are_told_kindly(
    diary, cast, bens, more, noon, system, acting
):
    waits(diary, cast.ana)
    for patient in more:
        waits(diary, cast.ada, patient)
    diary.do(cast.ben, actions.cancel_visit, bens.pk)
    assert look(cast, noon) == 3  # the longest waiting, as many as the clinic's rules say

    made = offers(system)
    for offer in made:
        diary.change(offer, expires_at=timezone.now() + timedelta(hours=1))
    diary.do(cast.ada, actions.accept_offer, made[1].pk)
    with pytest.raises(OfferIsOver) as over:
        diary.do(cast.ana, actions.accept_offer, made[0].pk)
    assert str(over.value) == ("Somebody else was quicker this time. You stay on the waiting list.")
    waiting.settle_offers(cast.clinic.pk)
    waiting.settle_offers(cast.clinic.pk)
    assert told(cast.ana, acting) == 2  # the offer, and that it is gone
    assert [offer.answer for offer in offers(system)] == ["taken", "accepted", "taken"]
    with system():
        assert WaitlistEntry.objects.filter(ended_at=None).count() == 3
        assert Appointment.objects.standing().filter(starts_at=diary.at("10:00")).count() == 1


def test_an_offer_runs_out_and_the_next_are_asked(diary, cast, bens, more, noon, system):
    for patient in more:
        waits(diary, cast.ada, patient)
    waits(diary, cast.ana)
    diary.do(cast.ben, actions.cancel_visit, bens.pk)
    assert look(cast, noon) == 3
    assert look(cast, noon + timedelta(minutes=1)) == 0
    assert look(cast, noon + timedelta(hours=2)) == 1

    made = offers(system)
    assert [offer.answer for offer in made] == ["expired", "expired", "expired", ""]
    with pytest.raises(OfferIsOver, match="run out"):
        diary.do(cast.ada, actions.accept_offer, made[0].pk)


def test_who_declines_stays_on_the_list_and_is_not_asked_again(diary, cast, bens, noon, system):
    waits(diary, cast.ana)
    diary.do(cast.ben, actions.cancel_visit, bens.pk)
    look(cast, noon)
    diary.do(cast.ana, actions.decline_offer, offers(system)[0].pk)

    assert look(cast, noon) == 0
    with system():
        assert WaitlistEntry.objects.filter(ended_at=None).exists()


def test_never_to_somebody_who_has_that_day_already(diary, cast, bens, noon):
    diary.booked(cast.ana, diary.at("15:00"))
    waits(diary, cast.ana)
    diary.do(cast.ben, actions.cancel_visit, bens.pk)
    assert look(cast, noon) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"day_part": "afternoon"},
        {"from_on": timezone.localdate() + timedelta(days=9)},
    ],
)
def test_only_what_somebody_waits_for_is_offered(diary, cast, bens, noon, changes):
    later = timezone.localdate() + timedelta(days=30)
    waits(diary, cast.ana, until_on=later, **changes)
    diary.do(cast.ben, actions.cancel_visit, bens.pk)
    assert look(cast, noon) == 0


def test_nobody_is_offered_a_time_in_their_sleep(diary, cast, bens, noon):
    waits(diary, cast.ana)
    diary.do(cast.ben, actions.cancel_visit, bens.pk)
    assert look(cast, diary.at("03:00", days=1)) == 0
    assert look(cast, diary.at("08:00", days=1)) == 1


def test_the_dead_the_gone_and_who_gave_it_up_are_not_asked(diary, cast, bens, noon, system):
    waits(diary, cast.ben, cast.ben.patient)
    waits(diary, cast.ana)
    with system():
        Patient.objects.filter(pk=cast.ana.patient.pk).update(deceased_at=timezone.now())
    diary.do(cast.ben, actions.cancel_visit, bens.pk)
    assert look(cast, noon) == 0


def test_a_time_that_is_held_meanwhile_is_not_offered(diary, cast, bens, noon):
    waits(diary, cast.ana)
    diary.do(cast.ben, actions.cancel_visit, bens.pk)
    diary.held(cast.ben, diary.at("10:00"), cast.ben.patient)
    assert look(cast, noon) == 0


@pytest.mark.parametrize("who", ["ben", "boris", "olga", "carla"])
def test_an_offer_is_for_nobody_else(diary, cast, bens, noon, system, who):
    waits(diary, cast.ana)
    diary.do(cast.ben, actions.cancel_visit, bens.pk)
    look(cast, noon)
    with pytest.raises(Offer.DoesNotExist):
        diary.do(getattr(cast, who), actions.accept_offer, offers(system)[0].pk)


def test_waiting_twice_is_waiting_once_and_leaving_ends_it(diary, cast, acting):
    first = waits(diary, cast.ana)
    again = waits(diary, cast.ana, day_part="morning")
    assert (again.pk, again.made_at) == (first.pk, first.made_at)
    for _ in range(2):
        diary.do(cast.ana, actions.leave_waitlist, first.pk)
    with acting(cast.ana):
        assert not WaitlistEntry.objects.filter(ended_at=None).exists()
