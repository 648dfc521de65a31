"""One HL7 v2 message, taken apart.

The library splits; here is what it leaves to its caller: byte-order marks, line ends of every kind,
character sets, separators that cannot be, and fields that are not there. Escapes are read here too:
the library's own reading writes what it does not understand, a patient's text, into the log.
"""

import re
from dataclasses import dataclass
from functools import cached_property

import hl7

from care.fhir.text import clean

# MSH-18 to Python's name; what is not here is read as UTF-8, else as Latin-1.
_CHARACTER_SETS = {
    "ASCII": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "8859/1": "latin-1",
    "8859/2": "iso8859-2",
    "8859/5": "iso8859-5",
    "8859/7": "iso8859-7",
    "8859/9": "iso8859-9",
    "8859/15": "iso8859-15",
}
_LINE_ENDS = re.compile(r"[\r\n]+")
# MSH, the field separator, and four or (since 2.7) five others, none of them twice.
_HEAD = re.compile(r"MSH([^\w\s])([^\w\s]{4,5})(?=\1)", re.ASCII)
_HEAD_BYTES = re.compile(rb"MSH[^\r\n]*")
# More would be no message of results but an attack or a mistake.
MOST_SEGMENTS = 5_000


class Unreadable(Exception):
    """What came is not an HL7 v2 message; the text says why and quotes nothing."""


class Segment:
    """One line of a message. Fields, repetitions and components count from 1, as HL7 does."""

    def __init__(self, name: str, fields: list[list[list[str]]]) -> None:
        self.name, self._fields = name, fields

    def repetitions(self, field: int) -> list[list[str]]:
        """The repetitions of a field that are not empty, each as its components."""
        if field >= len(self._fields):
            return []
        return [components for components in self._fields[field] if any(components)]

    def text(self, field: int, component: int = 1) -> str:
        """One component of the first repetition of a field, or ""."""
        found = self.repetitions(field)
        return _component(found[0], component) if found else ""

    def components(self, field: int) -> list[str]:
        """The components of the first repetition of a field."""
        found = self.repetitions(field)
        return found[0] if found else []


@dataclass(frozen=True)
class Message:
    """A message: its segments, the header first."""

    segments: tuple[Segment, ...]

    @property
    def header(self) -> Segment:
        return self.segments[0]

    @property
    def kind(self) -> str:
        """Type and event, such as `ORU^R01`."""
        return "^".join(filter(None, (self.header.text(9, 1), self.header.text(9, 2))))

    @property
    def control_id(self) -> str:
        """MSH-10: the sender's own name for this message."""
        return self.header.text(10)

    @cached_property
    def sender(self) -> str:
        """Sending application and facility: whose control ids and order numbers these are."""
        return f"{self.header.text(3)}|{self.header.text(4)}"

    def first(self, name: str) -> Segment | None:
        """The first segment of a name."""
        return next((segment for segment in self.segments if segment.name == name), None)

    def count(self, name: str) -> int:
        """How many segments have a name."""
        return sum(segment.name == name for segment in self.segments)


def read(data: bytes) -> Message:
    """Take one message apart; raises Unreadable."""
    text = _LINE_ENDS.sub("\r", _decoded(data)).strip("\r\x00 \t\ufeff")
    head = _HEAD.match(text)
    if head is None:
        raise Unreadable("does not begin with MSH and its separators")
    if len(set(head[1] + head[2])) != 1 + len(head[2]):
        raise Unreadable("has one separator for two things")
    if text.count("\r") >= MOST_SEGMENTS:
        raise Unreadable(f"has more than {MOST_SEGMENTS:,} segments")
    try:
        parsed = hl7.parse(text)
    except (hl7.HL7Exception, ValueError, IndexError, KeyError) as error:
        raise Unreadable("is not made as HL7 v2 messages are") from error
    message = Message(tuple(_segment(each, parsed) for each in parsed))
    if message.count("MSH") > 1:
        raise Unreadable("holds a second header: one message at a time")
    return message


def _decoded(data: bytes) -> str:
    """The text, in the character set that MSH-18 names."""
    found = _HEAD_BYTES.search(data[:4096])
    if found is None:
        raise Unreadable("does not begin with MSH and its separators")
    fields = found[0].split(found[0][3:4]) if len(found[0]) > 3 else []
    named = fields[17].decode("ascii", "replace").split("~")[0].strip() if len(fields) > 17 else ""
    for encoding in (_CHARACTER_SETS.get(named, "utf-8"), "utf-8"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _segment(parsed: hl7.Segment, message: hl7.Message) -> Segment:
    name = str(parsed[0]) if parsed else ""
    # The separators of the header are no values with separators in them.
    fields = [
        [] if name == "MSH" and index in {1, 2} else _repetitions(field, message)
        for index, field in enumerate(parsed)
    ]
    return Segment(name, fields)


def _repetitions(field: object, message: hl7.Message) -> list[list[str]]:
    return [_components(each, message) for each in _parts(field)]


def _components(repetition: object, message: hl7.Message) -> list[str]:
    # Of sub-components the first: an identifier without the details of who gave it.
    firsts = [next(iter(_parts(each)), "") for each in _parts(repetition)]
    return [_plain(str(each), message) for each in firsts]


def _parts(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else [value]


def _plain(text: str, message: hl7.Message) -> str:
    """A value as a person reads it. `""` is HL7's word for “delete this”, and empty here."""
    if text == '""':
        return ""
    escape = message.esc
    if escape in text:
        # Text, marker, text, marker …: every second part stands between two escape characters.
        parts = text.split(escape)
        if len(parts) % 2 == 0:
            # One too many: the last was meant as itself.
            parts[-2:] = [escape.join(parts[-2:])]
        parts[1::2] = [_unescaped(each, message) for each in parts[1::2]]
        text = "".join(parts)
    return clean(text)


def _unescaped(marker: str, message: hl7.Message) -> str:
    """What an escape stands for: a separator, characters by their bytes, or only an appearance."""
    separators = message.separators
    stands_for = {
        "F": separators[1],
        "R": separators[2],
        "S": separators[3],
        "T": separators[4],
        "E": message.esc,
    }
    if marker in stands_for:
        return stands_for[marker]
    if marker.startswith("X"):
        try:
            return bytes.fromhex(marker[1:]).decode("utf-8", "replace")
        except ValueError:
            return ""
    # Line breaks and indents part two words; highlighting, and what senders agree on, says nothing.
    return " " if marker.startswith(".") else ""


def _component(components: list[str], number: int) -> str:
    return components[number - 1] if number <= len(components) else ""
