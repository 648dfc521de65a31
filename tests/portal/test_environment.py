"""Settings that are read from the environment."""

import pytest

from portal import environment

NAME = "SOME_NUMBERS"


@pytest.fixture
def numbers(monkeypatch):
    """`numbers("a=1")`: what is read of it."""

    def numbers(text):
        monkeypatch.setenv(NAME, text)
        return environment.numbers(NAME)

    return numbers


def test_numbers_come_by_their_names(numbers):
    assert numbers("") == {}
    found = numbers("sockets_per_user=64, unread_seconds = 2.5,")
    assert found == {"sockets_per_user": 64, "unread_seconds": 2.5}
    # A whole number is compared and shown as one.
    assert type(found["sockets_per_user"]) is int


@pytest.mark.parametrize("text", ["64", "a=", "a=b", "a=0", "a=-1", "a=inf", "a=nan", "a=1,b"])
def test_what_is_no_number_is_refused_in_a_sentence_that_quotes_nothing(numbers, text):
    with pytest.raises(environment.Misconfigured) as raised:
        numbers(text)
    assert str(raised.value) == f"The setting {NAME} must be like name=64, with numbers above 0."
