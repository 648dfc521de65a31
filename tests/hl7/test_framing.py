"""MLLP frames, split at any byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.management.hl7.framing import Frames, TooLarge, framed

MESSAGES = st.lists(st.text(alphabet="MSH|^~\\&\r\nabcü", max_size=40), max_size=5)


@given(MESSAGES, st.lists(st.integers(1, 20), max_size=80))
def test_messages_come_out_whole_however_they_are_split(messages, sizes):
    stream = b"".join(framed(message) for message in messages)
    frames, found = Frames(1_000), []
    for size in [*sizes, len(stream)]:
        found += frames.feed(stream[:size])
        stream = stream[size:]
    assert found == [message.encode() for message in messages]
    assert not frames.is_inside


def test_one_byte_at_a_time():
    frames = Frames(100)
    found = [message for byte in framed("MSH|1") for message in frames.feed(bytes([byte]))]
    assert found == [b"MSH|1"]


def test_what_lies_between_frames_is_no_message():
    assert Frames(100).feed(b"junk\r\n" + framed("a") + b"\r\n" + framed("b")) == [b"a", b"b"]


def test_a_separator_alone_does_not_end_a_message():
    assert Frames(100).feed(b"\x0ba\x1cb\x1c\r") == [b"a\x1cb"]


def test_a_frame_that_begins_again_was_cut_off():
    frames = Frames(100)
    assert frames.feed(b"\x0bMSH|1\rPID|a") == []
    assert frames.feed(framed("MSH|2") + framed("MSH|3")) == [b"MSH|2", b"MSH|3"]
    assert frames.cut_off == 1


def test_a_frame_over_the_limit_is_refused_before_it_ends():
    frames = Frames(100)
    frames.feed(b"\x0b" + b"a" * 90)
    with pytest.raises(TooLarge):
        frames.feed(b"a" * 90)


def test_a_whole_frame_over_the_limit_is_refused():
    with pytest.raises(TooLarge):
        Frames(10).feed(framed("a" * 11))


def test_junk_without_end_fills_no_memory():
    frames = Frames(100)
    for _ in range(100):
        assert frames.feed(b"x" * 50) == []
