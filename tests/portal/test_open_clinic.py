"""A clinic's first day: from an empty portal to an administrator who adds the others."""

import io
import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from portal.management.doctor.examination import Wishes, examine
from portal.management.opening import organization
from portal.models import AuditEntry, Membership, Organization, Role, User
from portal.tenancy import acting_for

# The owner makes clinics, on a connection of its own: nothing is rolled back.
pytestmark = pytest.mark.usefixtures("committed")

SITE = "https://portal.clinic.example"
PASSWORD = "three quiet boats in line"
ALMA = {"administrator": "Eve@Bay.example", "administrator_name": "Eve Bay"}


def say(command, *arguments, **options):
    """Run a command; what it says."""
    said = io.StringIO()
    call_command(command, *arguments, stdout=said, **{"site": SITE} | options)
    return said.getvalue()


def opened(slug="bay", **options):
    known = {"name": "Bay Clinic", "time_zone": "Europe/Lisbon"} | ALMA
    return say("open_clinic", slug, **known | options)


def examined():
    return [finding.what for finding in examine(Wishes(("clinics",)))]


def link_in(said):
    return re.search(rf"{SITE}(/\S+)", said)[1]


def kept(slug="bay"):
    """The clinic, its members by address and role, and the words of its audit log."""
    clinic = Organization.objects.get(slug=slug)
    with acting_for(clinic.pk, system=True):
        members = list(
            Membership.objects.filter(organization=clinic).values_list("user__email", "role")
        )
        actions = list(
            AuditEntry.objects.filter(organization=clinic).values_list("action", flat=True)
        )
    return clinic, members, actions


def test_from_nothing_to_an_administrator_who_is_in():
    link = link_in(opened())
    browser = Client()
    assert browser.get(link).status_code == 200
    assert browser.post(link, {"password": PASSWORD}).status_code == 302
    door = {"username": "eve@bay.example", "password": PASSWORD}
    assert browser.post("/sign-in/", door).status_code == 302
    assert browser.get("/admin/portal/membership/add/").status_code == 200

    clinic, members, actions = kept()
    assert (clinic.name, clinic.time_zone) == ("Bay Clinic", "Europe/Lisbon")
    assert members == [("eve@bay.example", Role.ADMIN)]
    assert "membership.added" in actions


def test_the_link_is_good_once():
    link = link_in(opened())
    Client().post(link, {"password": PASSWORD})
    assert Client().get(link).status_code == 410


def test_what_was_stopped_on_the_way_goes_on():
    organization("bay", name="Bay Clinic", time_zone="Europe/Lisbon")
    opened()
    assert kept()[1] == [("eve@bay.example", Role.ADMIN)]


def test_a_clinic_that_has_an_administrator_stays_as_it_is():
    opened()
    with pytest.raises(CommandError, match="has an administrator"):
        opened(name="Mine", administrator="mallory@bay.example")
    clinic, members, _ = kept()
    assert clinic.name == "Bay Clinic"
    assert members == [("eve@bay.example", Role.ADMIN)]


def test_the_doctor_names_a_clinic_without_administrator_which_is_given_another_one(cast):
    opened()
    assert examined() == ["Each of 3 clinics has an administrator"]
    with acting_for(Organization.objects.get(slug="bay").pk, system=True):
        User.objects.filter(email="eve@bay.example").update(is_active=False)
    assert examined() == ["Nobody can sign in as administrator of 1 of 3 clinics: bay"]

    opened(administrator="joan@bay.example", administrator_name="Joan")
    assert examined() == ["Each of 3 clinics has an administrator"]


def test_nobody_loses_the_place_they_have(cast, system):
    with system():
        Membership.objects.filter(user=cast.admin.user).update(ended_at=timezone.now())
    with pytest.raises(CommandError, match="has another place"):
        opened("harbour", administrator=cast.ada.user.email.upper())
    with system():
        assert Membership.objects.get(user=cast.ada.user).role == cast.ada.role


def test_who_has_an_account_keeps_it(cast):
    said = opened(administrator=cast.ada.user.email, administrator_name="Somebody Else")
    assert "They have an account" in said
    assert "/password/" not in said
    with acting_for(None, cast.ada.user.pk):
        assert User.objects.get(pk=cast.ada.user.pk).name == cast.ada.user.name
    assert kept()[1] == [(cast.ada.user.email, Role.ADMIN)]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"administrator": "eve"}, "email"),
        ({"slug": "Bay Clinic!"}, "slug"),
        ({"name": ""}, "name"),
        ({"site": "portal.clinic.example"}, "SITE_URL"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(options, word):
    with pytest.raises(CommandError, match=word):
        opened(**{"slug": "bay"} | options)
    assert not Organization.objects.filter(slug=options.get("slug", "bay")).exists()


def test_nobody_but_the_owner_makes_clinics(settings, monkeypatch):
    monkeypatch.delitem(settings.DATABASES, "owner")
    with pytest.raises(CommandError, match="DATABASE_OWNER_URL"):
        opened()


def test_who_forgot_their_password_is_given_a_link_and_it_is_on_record(cast, client_for):
    old = client_for(cast.ana)
    link = link_in(say("password_link", cast.ana.user.email.upper()))
    assert "password.link_handed_out" in kept("harbour")[2]
    assert "password.link_handed_out" not in kept("hill")[2]

    assert Client().post(link, {"password": PASSWORD}).status_code == 302
    assert old.get("/home/").status_code == 302
    door = {"username": cast.ana.user.email, "password": PASSWORD}
    assert Client().post("/sign-in/", door).status_code == 302


@pytest.mark.parametrize("who", ["nobody", "not let in", "of no clinic"])
def test_there_is_no_link_for_who_may_not_sign_in(cast, system, who):
    email = "stranger@nowhere.example" if who == "nobody" else cast.ana.user.email
    with system():
        if who == "not let in":
            User.objects.filter(pk=cast.ana.user.pk).update(is_active=False)
        elif who == "of no clinic":
            Membership.objects.filter(user=cast.ana.user).update(ended_at=timezone.now())
    with pytest.raises(CommandError, match="Nobody with this address may sign in"):
        say("password_link", email)
    assert "password.link_handed_out" not in kept("harbour")[2]
