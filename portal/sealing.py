"""Sealed text: encrypted at rest, and bound to the row it was written in.

AES-256-GCM with a random 96-bit nonce. The associated data names table, row, organization and key,
so that a ciphertext moved to another row, patient or clinic does not open. Keys come from
ENCRYPTION_KEYS, the first seals; the others open until `manage.py rotate_keys` has resealed all.
Nothing here knows a model: the model's own methods say which row they are.
"""

import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12
VERSION = b"\x01"


class CannotOpen(Exception):
    """A sealed text does not open: wrong row, wrong key, or changed bytes."""


@dataclass(frozen=True)
class Place:
    """The row in which a sealed text stands."""

    table: str
    row_id: UUID
    organization_id: UUID
    column: str

    def associated_data(self, key_id: str) -> bytes:
        """What the ciphertext is bound to."""
        parts = (self.table, self.column, str(self.row_id), str(self.organization_id), key_id)
        return "|".join(parts).encode()


def primary_key_id() -> str:
    """The identifier of the key that seals now."""
    return next(iter(settings.ENCRYPTION_KEYS))


def seal(text: str, place: Place) -> bytes:
    """Return `text` encrypted for one place: version, key id, nonce, ciphertext with its tag."""
    key_id = primary_key_id()
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(settings.ENCRYPTION_KEYS[key_id]).encrypt(
        nonce, text.encode(), place.associated_data(key_id)
    )
    return head(key_id) + nonce + sealed


def head(key_id: str) -> bytes:
    """How every text begins that one key has sealed: version and key id."""
    name = key_id.encode()
    return VERSION + bytes([len(name)]) + name


def unseal(sealed: bytes | memoryview, place: Place) -> str:
    """Return the text. Raises CannotOpen when it was not sealed for this place or was changed."""
    content = bytes(sealed)
    key_id = key_id_of(content)
    rest = content[2 + len(key_id.encode()) :]
    key = settings.ENCRYPTION_KEYS.get(key_id)
    if key is None:
        raise CannotOpen(f"no key “{key_id}” in ENCRYPTION_KEYS")
    try:
        opened = AESGCM(key).decrypt(
            rest[:NONCE_BYTES], rest[NONCE_BYTES:], place.associated_data(key_id)
        )
    except (InvalidTag, ValueError):
        # ValueError: too short to hold a nonce and a tag, or not text.
        raise CannotOpen(f"{place.table}.{place.column} of row {place.row_id}") from None
    return opened.decode()


def key_id_of(sealed: bytes | memoryview) -> str:
    """The identifier of the key that sealed a text."""
    content = bytes(sealed)
    if len(content) < 2 or content[:1] != VERSION:
        raise CannotOpen("not a sealed text of a version we know")
    return content[2 : 2 + content[1]].decode(errors="replace")
