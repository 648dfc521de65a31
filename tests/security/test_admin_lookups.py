"""The addresses of the administration's lists: they narrow a list, and spell nothing out."""

import pytest

from portal.models import User


@pytest.mark.parametrize(
    "asked",
    [
        "portal/user/?password__startswith=md5",
        "portal/user/?is_superuser__exact=0",
        "portal/user/?last_organization__name__startswith=H",
        "portal/invitation/?token_digest__startswith=a",
        "portal/patient/?user__password__startswith=md5",
        "axes/accessattempt/?user_agent__startswith=M",
        "portal/auditentry/?detail__reason__startswith=a",
    ],
)
def test_a_list_is_not_asked_about_what_it_does_not_offer(client_for, admin, asked):
    assert client_for(admin).get(f"/admin/{asked}").status_code == 400


@pytest.mark.parametrize(
    "asked",
    [
        "portal/user/?is_active__exact=1",
        "portal/patient/?user__isempty=1",
        "portal/membership/?role__exact=nurse",
        "portal/auditentry/?kind=session",
        "portal/auditentry/?at__year=2026",
        "portal/invitation/?accepted_at__isempty=1",
    ],
)
def test_a_list_is_narrowed_by_what_it_offers(client_for, admin, asked):
    assert client_for(admin).get(f"/admin/{asked}").status_code == 200


def test_no_page_of_the_administration_shows_a_password(client_for, admin, ana, system):
    with system():
        digest = User.objects.get(pk=ana.user.pk).password
    for address in ("", f"{ana.user.pk}/change/", "?q=md5"):
        shown = client_for(admin).get(f"/admin/portal/user/{address}").content.decode()
        assert digest not in shown
