"""What a free time is called: nothing is stored of it, so its name says which one it is."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

_UUID, _MINUTES = 16, 4
_BYTES = 2 * _UUID + _MINUTES
# Minutes since 1970: after the year 4000 nobody books, and calendars end.
_LATEST = 2_000 * 366 * 24 * 60


@dataclass(frozen=True)
class SlotName:
    """A kind of visit, with whom, from when. As text it is an id as FHIR has them."""

    visit_type_id: UUID
    provider_id: UUID
    starts_at: datetime

    def __str__(self) -> str:
        minutes = int(self.starts_at.timestamp()) // 60
        parts = (self.visit_type_id.bytes, self.provider_id.bytes, minutes.to_bytes(_MINUTES))
        return base64.b32encode(b"".join(parts)).decode().rstrip("=")


def slot_named(text: str) -> SlotName:
    """The free time of that name; raises ValueError."""
    try:
        parts = base64.b32decode(text + "=" * (-len(text) % 8))
    except binascii.Error as error:
        raise ValueError("is no name of a slot") from error
    if len(parts) != _BYTES or int.from_bytes(parts[2 * _UUID :]) > _LATEST:
        raise ValueError("is no name of a slot")
    return SlotName(
        UUID(bytes=parts[:_UUID]),
        UUID(bytes=parts[_UUID : 2 * _UUID]),
        datetime.fromtimestamp(int.from_bytes(parts[2 * _UUID :]) * 60, UTC),
    )
