"""Files of messages: one or many, with or without the wrapping of a batch."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# A message begins with MSH at the beginning of a line; FHS, BHS, BTS and FTS wrap batches.
_BEGINNING = re.compile(rb"(?:^|(?<=[\r\n\x0b]))(?:\xef\xbb\xbf)?(?=MSH[^\w\s])")
_WRAPPING = re.compile(rb"(?:^|(?<=[\r\n]))(?:FHS|BHS|BTS|FTS)[^\r\n]*")
_SUFFIXES = (".hl7", ".txt")


@dataclass(frozen=True)
class Document:
    """One file. `label` is what a report calls it."""

    path: Path
    label: str

    @property
    def size(self) -> int:
        """Bytes, for the progress bar."""
        return self.path.stat().st_size

    def messages(self) -> list[bytes]:
        """The messages in the file, or the whole of it when it holds none: to be refused."""
        return split(self.path.read_bytes())


def documents(paths: Iterable[Path]) -> Iterator[Document]:
    """Files as they are; of folders every `.hl7` and `.txt`, in order."""
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.suffix.lower() in _SUFFIXES and file.is_file():
                    yield Document(file, str(file.relative_to(path.parent)))
        else:
            yield Document(path, path.name)


def split(data: bytes) -> list[bytes]:
    """The messages in some bytes."""
    plain = _WRAPPING.sub(b"", data)
    starts = [found.start() for found in _BEGINNING.finditer(plain)]
    if not starts:
        return [data]
    ends = [*starts[1:], len(plain)]
    return [
        plain[start:end].rstrip(b"\x1c\r\n\x0b") for start, end in zip(starts, ends, strict=True)
    ]
