"""Row identifiers: UUIDv7, made before the insert.

Made in Python and not by the database, because sealed text is bound to the identifier of its row
(`portal.sealing`) and so needs it first. Version 7 sorts by time, which keeps indexes compact.
"""

import uuid

import uuid6


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7 as a plain `uuid.UUID` (RFC 9562, section 5.7)."""
    return uuid.UUID(int=uuid6.uuid7().int)
