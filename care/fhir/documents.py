"""Where resources come from: files, folders, standard input; one document in memory at a time."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from care.fhir.arrival import Item


class Unreadable(Exception):
    """A document that is not JSON, or not FHIR at all; the message says what it is instead."""


@dataclass(frozen=True)
class Document:
    """One file: a Bundle or a single resource. `label` is what a report calls it."""

    path: Path
    label: str

    @property
    def size(self) -> int:
        """Bytes, for the progress bar."""
        return self.path.stat().st_size

    def items(self, only: frozenset[int] | None = None) -> list[Item]:
        """The resources in the document, or those at some places; raises Unreadable."""
        items = self._items()
        return items if only is None else [item for item in items if item.index in only]

    def _items(self) -> list[Item]:
        content = self._content()
        if not isinstance(content, dict) or "resourceType" not in content:
            raise Unreadable("is not FHIR: no resourceType")
        if content["resourceType"] != "Bundle":
            return [Item(0, content)]
        entries = content.get("entry") or []
        if not isinstance(entries, list):
            raise Unreadable("is not a FHIR Bundle: its entries are no list")
        return [
            Item(index, entry["resource"], str(entry.get("fullUrl") or ""))
            for index, entry in enumerate(entries)
            # An entry without a resource is a deletion or a search parameter: nothing to take.
            if isinstance(entry, dict) and "resource" in entry
        ]

    def _content(self) -> Any:
        try:
            return parsed(self.path.read_bytes())
        except OSError as error:
            raise Unreadable(f"cannot be read: {error.strerror}") from None


def parsed(data: bytes) -> Any:
    """What some JSON says; raises Unreadable."""
    try:
        # With a byte-order mark, as some systems on Windows write it. Decimals stay exact.
        text = data.decode("utf-8-sig")
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise Unreadable("is not text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"is not JSON: {error.msg} at line {error.lineno}") from None
    except RecursionError:
        raise Unreadable("is nested too deeply") from None
    except (ValueError, ArithmeticError):
        # A number of more digits, or with a larger exponent, than Python reads.
        raise Unreadable("has a number that is too long") from None


def documents(paths: Iterable[Path]) -> Iterator[Document]:
    """The documents under some paths: files as they are, of folders every `.json` in order."""
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*.json")):
                yield Document(file, str(file.relative_to(path.parent)))
        else:
            yield Document(path, path.name)


def spooled(stream: BinaryIO) -> Document:
    """Standard input as a document: on disk, because it may be read more than once."""
    with tempfile.NamedTemporaryFile(prefix="vigil-import-", suffix=".json", delete=False) as file:
        shutil.copyfileobj(stream, file)
    return Document(Path(file.name), "standard input")


def _refuse_constant(name: str) -> None:
    raise Unreadable(f"is not JSON: {name} is no number")
