"""Taking messages apart: line ends, byte-order marks, character sets, what is no message."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.management.hl7.messages import MOST_SEGMENTS, Unreadable, read
from tests.hl7.samples import header, oru, sample


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r", "\n\n"])
def test_lines_may_end_in_any_way(end):
    message = read(oru(end=end))
    assert [segment.name for segment in message.segments] == ["MSH", "PID", "OBR", "OBX"]


def test_a_byte_order_mark_is_no_part_of_it():
    assert read(b"\xef\xbb\xbf" + oru()).kind == "ORU^R01"
    assert read(sample("LAB-ORU-1.hl7")).control_id == "182"


def test_the_header_counts_its_own_separator_as_a_field():
    message = read(oru(control_id="ABC"))
    assert (message.kind, message.control_id, message.sender) == ("ORU^R01", "ABC", "LAB|HILL")


def test_what_is_not_there_is_empty():
    obx = read(oru("OBX|1|NM")).first("OBX")
    assert obx.text(5) == obx.text(3, 2) == obx.text(99) == ""
    assert obx.repetitions(5) == obx.components(99) == []
    assert read(oru()).first("ZZZ") is None


def test_repetitions_components_and_escapes():
    obx = read(oru(r"OBX|1|ST|a^b&c^d~e^f||x\T\y \F\ z \S\ \R\ \E\ ")).first("OBX")
    assert obx.repetitions(3) == [["a", "b", "d"], ["e", "f"]]
    assert obx.text(5) == "x&y | z ^ ~ \\"


def test_the_word_for_delete_is_empty():
    assert read(oru('OBX|1|NM|a||""')).first("OBX").repetitions(5) == []


@pytest.mark.parametrize(
    ("named", "encoding"),
    [
        ("UNICODE UTF-8", "utf-8"),
        ("8859/1", "latin-1"),
        ("8859/15", "iso8859-15"),
        ("", "utf-8"),
        ("", "latin-1"),
        ("UNICODE UTF-8", "latin-1"),
        ("NONSENSE", "utf-8"),
    ],
)
def test_character_sets(named, encoding):
    head = header() + "||||||" + named
    text = f"{head}\rPID|1||4471^^^^MR||Müller^Zoë"
    assert read(text.encode(encoding)).first("PID").text(5) == "Müller"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\r",
        b"PID|1||4471",
        b"MSH",
        b"MSH|",
        b"MSH||||",
        b"MSH|^~\\",
        b"MSH|^^\\&|LAB",
        b"MSH|^~\\||LAB",
        b"MSHA^~\\&ALAB",
        b"MSH|^~\\&",
        b'{"resourceType": "Bundle"}',
        b"\x00\xff\xfe",
    ],
)
def test_what_is_no_message_is_refused(data):
    with pytest.raises(Unreadable):
        read(data)


def test_a_message_without_end_is_refused():
    with pytest.raises(Unreadable, match="more than"):
        read(oru(*["OBX|1"] * MOST_SEGMENTS))


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(Unreadable):
        read(data)


@given(st.text(alphabet="MSHOBXPIDR|^~\\&\r\n0123456789.-+TFSEX#", max_size=300))
def test_anything_behind_a_header_is_read_or_refused(text):
    try:
        message = read(f"{header()}\r{text}".encode())
    except Unreadable:
        return
    for segment in message.segments:
        for field in range(1, 20):
            assert isinstance(segment.text(field), str)
