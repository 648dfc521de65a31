"""Who runs the clinic, at work."""

import pytest


@pytest.fixture
def office(client_for, admin):
    """A browser in which the administrator is signed in."""
    return client_for(admin)
