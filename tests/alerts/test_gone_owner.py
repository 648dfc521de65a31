"""Whoever took an alert and may no longer act on it: it goes back to those who can."""

from datetime import timedelta

import pytest
from django.utils import timezone

from alerts.actions import acknowledge
from alerts.models import Phase
from alerts.steps import take_due
from care.models import Result
from portal import access
from portal.actions.memberships import allow_sign_in, change_role, end_membership
from portal.models import AccessGrant, CareTeamMembership, Membership, Role


@pytest.fixture
def taken(alert, noor, acting):
    """The critical potassium of Ana's, acknowledged by Noor."""
    with acting(noor):
        acknowledge(alert.pk, by=noor.reader)
    return alert


def place_of(person):
    return CareTeamMembership.objects.filter(provider=person.provider)


def membership_of(person, system):
    with system():
        return Membership.objects.get(user=person.user)


def taken_off_the_team(cast, acting, system):
    with system():
        place_of(cast.noor).update(ends_at=timezone.now())


def a_place_that_ended_by_the_clock(cast, acting, system):
    with system():
        now = timezone.now()
        place_of(cast.noor).update(
            starts_at=now - timedelta(days=9), ends_at=now - timedelta(seconds=1)
        )


def no_longer_a_member(cast, acting, system):
    membership = membership_of(cast.noor, system)
    with acting(cast.admin):
        end_membership(membership.pk, reason="Left", by=cast.admin.reader)


def of_another_role(cast, acting, system):
    membership = membership_of(cast.noor, system)
    with acting(cast.admin):
        change_role(membership.pk, Role.ADMIN, reason="The office", by=cast.admin.reader)


def not_allowed_to_sign_in(cast, acting, system):
    with acting(cast.admin):
        allow_sign_in(cast.noor.user.pk, allowed=False, by=cast.admin.reader)


ENDS = [
    taken_off_the_team,
    a_place_that_ended_by_the_clock,
    no_longer_a_member,
    of_another_role,
    not_allowed_to_sign_in,
]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_what_they_had_taken_is_everybodys_again_at_once(
    cast, taken, acting, system, alerts_of, told, history, end
):
    end(cast, acting, system)
    before = told(taken)
    assert take_due(taken.organization_id) == 1
    (alert,) = alerts_of(cast.ana)
    assert (alert.phase, alert.owner, alert.round) == (Phase.OPEN, None, 1)
    assert history(alert)[-3:] == ["expired", "unreached", "told"]
    # Ada, who is still there; not Noor, and nobody was let in again.
    assert sorted(told(alert)) == sorted([*before, "Ada"])
    with system():
        assert not AccessGrant.objects.exists()


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_a_worse_value_before_the_sweep_goes_to_the_policy(
    cast, taken, acting, system, judged, told, history, end
):
    end(cast, acting, system)
    before = told(taken)
    with system():
        Result.objects.filter(patient=cast.ana.patient).update(value=7)
    judged()
    assert history(taken)[-3:] == ["worsened", "unreached", "told"]
    assert sorted(told(taken)) == sorted([*before, "Ada"])
    with system():
        assert not AccessGrant.objects.exists()


def test_without_a_first_target_at_once_the_fallback_or_anybody_is_told(
    rule, policy, arrives, judged, alerts_of, ana, noor, cast, acting, system, told
):
    """The policy waits four hours before it tells anybody; who is gone answers for none of them."""
    late = [{"wait": 240, "tell": "role", "who": "clinician"}]
    rule(high="6.0", policy_of=policy(steps=late, fallback_role="nurse"))
    arrives(ana, "6.4")
    judged()
    (alert,) = alerts_of(ana)
    with acting(noor):
        acknowledge(alert.pk, by=noor.reader)
    taken_off_the_team(cast, acting, system)
    take_due(alert.organization_id)
    assert told(alert) == ["Ada", "Boris"]


def test_who_is_still_there_keeps_it(cast, taken, alerts_of):
    assert take_due(taken.organization_id) == 0
    assert alerts_of(cast.ana)[0].owner == cast.noor.user


def test_whoever_was_called_from_outside_keeps_it_too(
    alert, boris, ana, acting, alerts_of, pass_minutes
):
    pass_minutes(alert, 5)
    take_due(alert.organization_id)
    with acting(boris):
        acknowledge(alert.pk, by=boris.reader)
    assert take_due(alert.organization_id) == 0
    assert alerts_of(ana)[0].owner == boris.user


def test_a_call_ends_with_the_membership_and_may_come_again(
    alert, boris, ana, admin, acting, system, pass_minutes
):
    pass_minutes(alert, 5)
    take_due(alert.organization_id)
    membership = membership_of(boris, system)
    with acting(admin):
        end_membership(membership.pk, reason="Left", by=admin.reader)
    with system():
        Membership.objects.filter(pk=membership.pk).update(ended_at=None)

    def sees():
        with acting(boris):
            return access.visible_patients(boris.reader).filter(pk=ana.patient.pk).exists()

    assert not sees()
    # Until the policy comes to them once more.
    for _ in range(2):
        pass_minutes(alert, 10)
        take_due(alert.organization_id)
    assert sees()
