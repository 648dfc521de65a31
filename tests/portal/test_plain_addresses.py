"""An address with a NUL is refused, whoever would have passed it on to PostgreSQL."""

import pytest

pytestmark = pytest.mark.usefixtures("db")


@pytest.mark.parametrize(
    "address",
    [
        "/admin/alerts/auditoralarm/?kind__exact=%00",
        "/admin/portal/membership/?role__exact=a%00b",
        "/patients/?q=%00",
        "/patients/%00/",
    ],
)
def test_it_is_a_bad_request(address, client_for, admin):
    assert client_for(admin).get(address).status_code == 400


def test_what_only_looks_like_one_is_none(client_for, ada):
    assert client_for(ada).get("/patients/?q=%2500").status_code == 200
