"""Parts of pages that are fetched anew keep the focus: what can have it is known by an id."""

import re

import pytest

HTMX = {"HTTP_HX_REQUEST": "true"}
CONTROL = re.compile(r"<(?:a|button|summary)\b[^>]*>")


@pytest.fixture
def rota(clinic, system, ada, noor):
    """A rota of which Ada and Noor have every other day."""
    from datetime import date, time

    from alerts.models import Rota, Shift

    with system():
        rota = Rota.objects.create(organization=clinic, name="Nights", time_zone="UTC")
        for weekday in range(7):
            Shift.objects.create(
                organization=clinic, rota=rota, user=(ada, noor)[weekday % 2].user,
                weekday=weekday, starts=time(0), ends=time(0), from_on=date(2026, 1, 5),
            )  # fmt: skip
    return rota


@pytest.mark.parametrize(
    "address",
    [
        "/alerts/bar/",
        "/alerts/",
        "/alerts/?show=closed",
        "/alerts/{alert}/",
        "/patients/{patient}/panels/alerts/",
        "/patients/{patient}/panels/alert-banner/",
        "/rota/{rota}/",
    ],
)
@pytest.mark.parametrize("is_taken", [False, True])
def test_whatever_can_have_the_focus_has_an_id_of_its_own(
    address, is_taken, alert, rota, client_for, ada
):
    client = client_for(ada)
    if is_taken:
        client.post(f"/alerts/{alert.pk}/acknowledgement/")
    path = address.format(alert=alert.pk, patient=alert.patient_id, rota=rota.pk)
    part = client.get(path, **HTMX).content.decode()
    controls = CONTROL.findall(part)
    ids = [re.search(r'\sid="([^"]+)"', control) for control in controls]
    assert [each for each, found in zip(controls, ids, strict=True) if not found] == []
    names = [found[1] for found in ids if found]
    assert len(names) == len(set(names))
