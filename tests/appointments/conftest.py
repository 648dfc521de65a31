"""Harbour Clinic's calendar: what its people can be booked for, and how they do it."""

import pytest


@pytest.fixture
def diary(cast):
    """Ada and Noor of Ana's team take wound checks each day from 9 to 17, and so does Boris."""
    # Late: models can be loaded once there is a database.
    from tests.appointments.diary import Diary

    return Diary(cast)


@pytest.fixture
def pages(diary, client_for):
    """`pages(ana)`: what somebody does on the pages of booking."""
    # Late, as above.
    from tests.appointments.pages import Pages

    return lambda person: Pages(person, diary, client_for(person))
