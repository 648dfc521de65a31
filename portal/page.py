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

SALT = "portal.page"
MAX_AGE_SECONDS = 12 * 60 * 60


@dataclass
class Page:
    """One page as it was rendered for one reader.

    `cursor` is the log's position from before the page's data was read: the page's socket starts
    there, so that nothing falls between page and socket. `patient_id` is set by `about` when the
    page is one patient's.
    """

    reader: Reader | None
    session_key: str
    cursor: str
    idle_seconds: int
    refreshes: dict[str, Any] | None = None
    patient_id: UUID | None = field(default=None)

    @classmethod
    def open(cls, request: HttpRequest) -> "Page":
        """Read the position and see whether the request is a refresh that an event caused."""
        reader: Reader | None = request.reader  # type: ignore[attr-defined]
        session_key = request.session.session_key or ""
        page = cls(
            reader=reader,
            session_key=session_key,
            cursor=realtime.position() if reader else "",
            idle_seconds=request.session.get(IDLE_KEY, 0),
        )
        page.refreshes = page._read(request.headers.get(REFRESH_HEADER, ""))
        return page

    def about(self, patient_id: UUID) -> None:
        """Say that the page is about one patient."""
        self.patient_id = patient_id

    def is_refresh_about(self, patient_id: UUID | None) -> bool:
        """Whether this request refreshes a page whose reading of that patient is on record."""
        if self.refreshes is None:
            return False
        return self.refreshes["patient"] == (str(patient_id) if patient_id else None)

    @property
    def token(self) -> str:
        """What a refresh of this page carries: signed, and good for this session only."""
        return signing.dumps(
            {
                "session": self.session_key,
                "patient": str(self.patient_id) if self.patient_id else None,
            },
            salt=SALT,
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

    def _read(self, token: str) -> dict[str, Any] | None:
        if not token:
            return None
        try:
            content = signing.loads(token, salt=SALT, max_age=MAX_AGE_SECONDS)
        except signing.BadSignature:
            return None
        return content if content["session"] == self.session_key else None


def page(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `page`, for `base.html` and whoever prints a time."""
    return {"page": getattr(request, "page", None)}
