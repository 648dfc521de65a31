"""SECRET_KEY is exchanged: who is signed in stays so while the old one is among the fallbacks."""

import pytest

from portal.authority import _opened_for, authority

NEW_KEY = "of the same clinic from today on, and as long as the one before it was"


@pytest.fixture
def exchange(settings):
    """`exchange(kept=True)`: as in a process that was started with another key."""

    def exchange(*, kept):
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if kept else []
        settings.SECRET_KEY = NEW_KEY
        _opened_for.cache_clear()

    yield exchange
    _opened_for.cache_clear()


def socket_of(client, settings):
    """The scope of a socket that a page of this browser opens."""
    name = settings.SESSION_COOKIE_NAME
    return {"headers": [(b"cookie", f"{name}={client.cookies[name].value}".encode())]}


def test_a_socket_and_a_page_go_on_under_the_new_key(client_for, ana, settings, exchange):
    client = client_for(ana)
    identity = authority.identify(socket_of(client, settings))
    exchange(kept=True)
    # The socket first: a page takes the session over, and then it is the new key's.
    assert authority.grants(identity)
    for _ in range(2):
        assert client.get("/account/").status_code == 200
    assert authority.grants(authority.identify(socket_of(client, settings)))


def test_a_key_that_was_taken_away_opens_nothing(client_for, ana, settings, exchange):
    client = client_for(ana)
    identity = authority.identify(socket_of(client, settings))
    exchange(kept=False)
    assert not authority.grants(identity)
    assert client.get("/account/").status_code == 302
