"""An authority with one of its two walls down."""

import contextlib

from portal.authority import PortalAuthority


class WithoutGrants(PortalAuthority):
    """The application's checks are down: it grants what it is told to."""

    def __init__(self, topics):
        self._topics = topics

    def grants(self, identity):
        return dict.fromkeys(self._topics)


class WithoutPolicies(PortalAuthority):
    """Row-level security is down: the reader sees the log as its owner does."""

    def reading(self, identity):
        return contextlib.nullcontext()

    def grants(self, identity):
        return PortalAuthority().grants(identity)
