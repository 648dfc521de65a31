"""Care teams that change and invitations that are accepted: whom a trigger has told."""

import pytest
from django.utils import timezone

from notifications import jobs, occasions
from notifications.models import Kind, Notification, Occasion
from portal.identifiers import uuid7
from portal.models import CareTeamMembership, Invitation, Patient
from portal.tenancy import acting_for


def told(organization):
    """Tell what waits; return whom of what."""
    occasions.tell_all(organization.pk)
    with acting_for(organization.pk, system=True):
        rows = Notification.objects.filter(kind__in=[Kind.CARE_TEAM, Kind.INVITATION])
        return sorted((row.user.name, row.kind) for row in rows.select_related("user"))


def add_boris(cast):
    with acting_for(cast.clinic.pk, cast.admin.user.pk):
        return CareTeamMembership.objects.create(
            organization=cast.clinic, patient=cast.ana.patient, provider=cast.boris.provider
        )


def test_who_joins_a_team_is_told_and_so_is_the_patients_side(cast):
    add_boris(cast)
    expected = [("Ana Ruiz", "care_team"), ("Boris Fell", "care_team"), ("Sam Ruiz", "care_team")]
    assert told(cast.clinic) == expected
    assert told(cast.clinic) == expected


def test_who_leaves_a_team_learns_nothing_more_about_the_patient(cast):
    with acting_for(cast.clinic.pk, cast.admin.user.pk):
        CareTeamMembership.objects.filter(
            patient=cast.ana.patient, provider=cast.noor.provider
        ).update(ends_at=timezone.now())
    assert told(cast.clinic) == [("Ana Ruiz", "care_team"), ("Sam Ruiz", "care_team")]


def test_a_change_that_changes_no_place_is_no_news(cast):
    with acting_for(cast.clinic.pk, cast.admin.user.pk):
        CareTeamMembership.objects.filter(patient=cast.ana.patient).update(role="Lead")
    assert told(cast.clinic) == []


def test_a_team_that_comes_with_its_patient_is_no_news(committed, cast):
    with acting_for(cast.clinic.pk, system=True):
        patient = Patient.objects.create(
            organization=cast.clinic, mrn="4490", name="Eva Lind", user=None,
            birth_on="1950-01-01", sex="female",
        )  # fmt: skip
        # The place is written as an import writes it, which acts for the clinic's administrator.
        with acting_for(cast.clinic.pk, cast.admin.user.pk):
            CareTeamMembership.objects.create(
                organization=cast.clinic, patient=patient, provider=cast.ada.provider
            )
    assert told(cast.clinic) == []


@pytest.mark.parametrize("once_or_twice", [1, 2])
def test_an_accepted_invitation_is_news_for_the_team(cast, once_or_twice):
    with acting_for(cast.clinic.pk, cast.admin.user.pk):
        invitation = Invitation.objects.create(
            organization=cast.clinic, patient=cast.ana.patient, email="ana@harbour.example",
            token_digest=uuid7().hex, created_by=cast.ada.user, expires_at=timezone.now(),
        )  # fmt: skip
    for _ in range(once_or_twice):
        with acting_for(cast.clinic.pk, cast.admin.user.pk):
            Invitation.objects.filter(pk=invitation.pk).update(accepted_at=timezone.now())
    assert told(cast.clinic) == [("Ada Lee", "invitation"), ("Noor Haddad", "invitation")]


def test_nobody_reads_or_writes_the_queue(cast, acting):
    add_boris(cast)
    for person in (cast.ana, cast.ada, cast.admin):
        with acting(person):
            assert not Occasion.objects.exists()
            assert not Occasion.objects.update(told_at=timezone.now())


@pytest.mark.parametrize("troubled", ["clinic", "other_clinic"])
def test_the_trouble_of_one_clinic_is_not_anothers(cast, troubled):
    """Of one there is an occasion that this version does not know."""
    other = {"clinic": "other_clinic", "other_clinic": "clinic"}[troubled]
    for place in cast.teams:
        with acting_for(place.organization_id, system=True):
            CareTeamMembership.objects.filter(pk=place.pk).update(ends_at=timezone.now())
    with acting_for(getattr(cast, troubled).pk, system=True):
        assert Occasion.objects.update(kind="of tomorrow")
    jobs.sweep(0)
    with acting_for(getattr(cast, other).pk, system=True):
        assert Occasion.objects.exists()
        assert not Occasion.objects.filter(told_at=None).exists()
    with acting_for(getattr(cast, troubled).pk, system=True):
        assert Occasion.objects.filter(told_at=None).exists()


def test_one_that_nobody_can_be_told_of_keeps_no_other_waiting(cast, monkeypatch):
    monkeypatch.setattr(occasions, "MOST_AT_ONCE", 2)
    places = [place for place in cast.teams if place.organization_id == cast.clinic.pk]
    for place in places:
        with acting_for(cast.clinic.pk, system=True):
            CareTeamMembership.objects.filter(pk=place.pk).update(ends_at=timezone.now())
    with acting_for(cast.clinic.pk, system=True):
        first = Occasion.objects.order_by("happened_at").values("pk")[:1]
        assert Occasion.objects.filter(pk__in=first).update(kind="of tomorrow") == 1
    assert occasions.tell_all(cast.clinic.pk) == len(places) - 1
    with acting_for(cast.clinic.pk, system=True):
        assert Occasion.objects.get(told_at=None).kind == "of tomorrow"
