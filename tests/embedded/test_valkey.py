"""The Valkey that tests use as the bus between processes."""

import pytest
import redis

from portal.embedded.valkey import EmbeddedValkey


@pytest.fixture
def valkey():
    valkey = EmbeddedValkey()
    valkey.start()
    yield valkey
    valkey.stop()


def ping(valkey):
    with redis.Redis.from_url(valkey.url) as client:
        return client.ping()


def test_it_answers(valkey):
    assert ping(valkey)


def test_it_comes_back_where_it_was_after_a_kill(valkey):
    url = valkey.url
    valkey.kill()
    assert not valkey.is_running
    with pytest.raises(redis.ConnectionError):
        ping(valkey)
    valkey.start()
    assert valkey.url == url
    assert ping(valkey)


def test_two_stand_side_by_side(valkey):
    second = EmbeddedValkey()
    second.start()
    try:
        assert second.url != valkey.url
        assert ping(second)
    finally:
        second.stop()
    assert ping(valkey)
