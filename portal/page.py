"""What a rendered page knows about itself: its reader, its organization, its place in the log."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from django.core import signing
from django.http import HttpRequest

import realtime
from portal.access import Reader
from portal.middleware.sessions import IDLE_KEY, REFRESH_HEADER
from portal.models import Membership, Organization
from portal.sessions import name_of

SALT = "portal.page"
MAX_AGE_SECONDS = 12 * 60 * 60


@dataclass
class Page:
    """One page as it was rendered for one reader.

    `cursor` is the log's position from before the page's data was read: the page's socket starts
    there, so that nothing falls between page and socket. `patient_id` is set when the page shows
    one patient's record. `recorded` names the readings that are on record for this page, by its own
    request or, in a refresh, by the page that is refreshed.
    """

    reader: Reader | None
    session: str
    cursor: str
    idle_seconds: int
    patient_id: UUID | None = None
    recorded: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, request: HttpRequest) -> "Page":
        """Read the position and see whether the request is a refresh that an event caused."""
        reader: Reader | None = request.reader  # type: ignore[attr-defined]
        page = cls(
            reader=reader,
            session=name_of(request),
            cursor=realtime.position() if reader else "",
            idle_seconds=request.session.get(IDLE_KEY, 0),
        )
        page.recorded = page._read(request.headers.get(REFRESH_HEADER, ""))
        return page

    def must_record(self, reading: str) -> bool:
        """Whether a reading is not on record yet; whoever asks puts it there.

        So a page's token excuses its refreshes from what the page itself has recorded, and from
        nothing else.
        """
        is_new = reading not in self.recorded
        self.recorded.add(reading)
        return is_new

    @property
    def token(self) -> str:
        """What a refresh of this page carries: signed, and good for this session only.

        Signed is not sealed: everybody who sees the page can read it, so of the session's key,
        which opens the session, it holds the digest.
        """
        return signing.dumps(
            {"session": self.session, "recorded": sorted(self.recorded)}, salt=SALT
        )

    @property
    def role(self) -> str:
        return self.reader.role if self.reader else ""

    @property
    def layout(self) -> str:
        """The template of the frame around pages that staff and patients both have."""
        if self.reader is None:
            return "layouts/plain.html"
        return "layouts/staff.html" if self.reader.is_staff else "layouts/patient.html"

    @property
    def organization_id(self) -> str:
        return str(self.reader.organization_id) if self.reader else ""

    @cached_property
    def organization(self) -> Organization | None:
        """The organization that the page is rendered for."""
        if self.reader is None:
            return None
        return Organization.objects.filter(pk=self.reader.organization_id).first()

    @cached_property
    def organizations(self) -> list[Organization]:
        """Every organization the reader may switch to, this one included."""
        if self.reader is None:
            return []
        return list(
            Organization.objects.filter(
                pk__in=Membership.objects.active()
                .filter(user_id=self.reader.user_id)
                .values("organization_id")
            )
        )

    def _read(self, token: str) -> set[str]:
        try:
            content = signing.loads(token, salt=SALT, max_age=MAX_AGE_SECONDS) if token else {}
        except signing.BadSignature:
            return set()
        is_ours = content.get("session") == self.session
        return set(content["recorded"]) if is_ours else set()


def page(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `page`, for `base.html` and whoever prints a time."""
    return {"page": getattr(request, "page", None)}
