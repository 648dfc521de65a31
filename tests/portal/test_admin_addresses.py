"""A filter of the administration with a NUL is refused: PostgreSQL would, less politely."""

import pytest

pytestmark = pytest.mark.usefixtures("db")


@pytest.mark.parametrize(
    "address",
    [
        "/admin/alerts/auditoralarm/?kind__exact=%00",
        "/admin/portal/membership/?role__exact=a%00b",
    ],
)
def test_it_is_a_bad_request(address, client_for, admin):
    assert client_for(admin).get(address).status_code == 400


def test_what_only_looks_like_one_is_none(client_for, admin):
    assert client_for(admin).get("/admin/portal/membership/?q=%2500").status_code == 200
