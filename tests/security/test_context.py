"""The reader of one request is never the reader of the next, on one pooled connection."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import override_settings
from django.urls import path

from portal.models import Organization, Patient
from portal.tenancy import acting_for
from portal.urls import urlpatterns as portal_patterns

NAMES = ("organization", "user", "system", "signing_in")


def context() -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT "
            + ", ".join(f"coalesce(current_setting('portal.{name}', true), '')" for name in NAMES)
        )
        return tuple(cursor.fetchone())


def fails(request):
    list(Patient.objects.all())
    raise RuntimeError("a fault of ours")


def fails_in_sql(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


urlpatterns = [path("fails/", fails), path("fails-in-sql/", fails_in_sql), *portal_patterns]


def shown(client) -> set[str]:
    page = client.get("/patients/").content.decode()
    return {name for name in ("Ana Ruiz", "Ben Cho", "Carla Weiss") if name in page}


@pytest.mark.usefixtures("committed")
@override_settings(ROOT_URLCONF=__name__)
def test_two_clinics_take_turns_on_one_connection(client_for, ada, olga, boris, carla):
    browsers = [client_for(ada), client_for(olga), client_for(boris)]
    for browser in browsers:
        browser.raise_request_exception = False
    # The connection that all of these requests share, as those of a pool do.
    pid = connection.connection.info.backend_pid
    for address in ("/fails/", "/fails-in-sql/", "/account/", "/nowhere/"):
        for browser, expected in zip(browsers, ("Ana Ruiz", "Carla Weiss", "Ben Cho"), strict=True):
            browser.get(address)
            assert context() == ("", "", "", "")
            assert Patient.objects.count() == 0
            assert shown(browser) == {expected}
            assert context() == ("", "", "", "")
    assert connection.connection.info.backend_pid == pid


def break_inside(ada, carla, broken) -> None:
    within = acting_for(ada.organization.pk, ada.user.pk)
    with acting_for(carla.organization.pk, system=True), within:
        if broken is DatabaseError:
            fails_in_sql(None)
        raise broken


@pytest.mark.usefixtures("committed")
def test_contexts_nest_and_come_back_after_errors(ana, carla, ada):
    first = (str(ana.organization.pk), str(ana.user.pk), "", "")
    with acting_for(ana.organization.pk, ana.user.pk):
        for broken in (RuntimeError, DatabaseError):
            with pytest.raises(broken):
                break_inside(ada, carla, broken)
            assert context() == first
        with transaction.atomic(), acting_for(carla.organization.pk, system=True):
            pass
        assert context() == first
    assert context() == ("", "", "", "")


@pytest.mark.usefixtures("db")
def test_without_a_context_there_is_nothing(clinic):
    assert context() == ("", "", "", "")
    assert not Patient.objects.exists()
    # The names of clinics are no secret; to change one takes its administrator.
    assert Organization.objects.filter(pk=clinic.pk).update(name="Mine") == 0
