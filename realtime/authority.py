"""Who may read what: the one question the engine asks the product around it.

The engine knows sockets, topics and a log; it knows no users, no roles and no clinic. What it
must know about people it asks an *authority*, named by `settings.REALTIME_AUTHORITY` (a dotted
path to an object, or to a class that is called without arguments). Every method is ordinary
blocking code: the engine calls it in a worker thread that has its own database connections, so
it must not depend on the thread or request that called it last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, cast, runtime_checkable

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

# Topic to the moment the right to read it ends by the clock; None = until it is revoked.
Grants = Mapping[str, "datetime | None"]


@dataclass(frozen=True, slots=True)
class Identity:
    """One signed-in browser session, acting inside one organization.

    `session` is the SHA-256 (hex) of the session key: enough to find the session's sockets when
    it ends, worthless to whoever reads it in a log. `expires_at` is the latest moment the session
    can live whatever its user does (the absolute limit): the socket is closed then. `idle_at` is
    the moment at which it ends unless somebody touches it in the meantime, here or in another tab:
    then the hub asks `still_valid` again. `page` is the token of the page that opened the socket,
    for the audit.
    """

    user_id: str
    organization_id: str
    session: str
    expires_at: datetime | None = None
    idle_at: datetime | None = None
    page: str | None = None


class Authority(Protocol):
    """What the product answers. Each method may raise: the engine then refuses (fails closed)."""

    def identify(self, scope: Mapping[str, Any]) -> Identity | None:
        """Who is calling, from the cookies of an ASGI scope; None when nobody is signed in.

        The scope is that of a handshake or of a polling request; it always has `headers` (with the
        cookies), `path` and `query_string`. Must not count as activity of the session.
        """

    def grants(self, identity: Identity) -> Grants | None:
        """The topics this identity may read now; None when the identity is no longer valid.

        Must be read from the database, never from a cache: the engine calls it after each control
        event and relies on seeing everything committed before.
        """

    def reading(self, identity: Identity) -> AbstractContextManager[object]:
        """A transaction on the `default` connection, under this reader's row-level security."""

    def still_valid(self, identities: AbstractSet[Identity]) -> Mapping[Identity, datetime | None]:
        """Those of `identities` whose session, user and membership are alive.

        Each with the moment at which it ends unless somebody touches it (None = never). One query
        for an organization, however many are asked: the hub asks for all its sockets at once.
        """

    def joined(self, identity: Identity, bindings: Sequence[Mapping[str, str]]) -> None:
        """Told before a join is answered, to audit it; raising refuses the join.

        Each binding has the keys event, schema, table and filter ('' = every row).
        """


Join = tuple[Identity, Sequence[Mapping[str, str]]]


@runtime_checkable
class ManyAtOnce(Protocol):
    """An authority that also answers for many at once: what a herd that comes back needs.

    Each method answers as the one of `Authority` would for each, in the order of the questions.
    """

    def identify_all(self, scopes: Sequence[Mapping[str, Any]]) -> Sequence[Identity | None]:
        """Who is calling, for each scope."""

    def grants_of(self, identities: Sequence[Identity]) -> Sequence[Grants | None]:
        """The topics that each may read now."""

    def joined_all(self, joins: Sequence[Join]) -> None:
        """Told of joins before they are answered."""


def identify_all(
    authority: Authority, scopes: Sequence[Mapping[str, Any]]
) -> Sequence[Identity | None]:
    """Who is calling, for each scope; all at once where the authority can."""
    if isinstance(authority, ManyAtOnce):
        return authority.identify_all(scopes)
    return [authority.identify(scope) for scope in scopes]


def grants_of(authority: Authority, identities: Sequence[Identity]) -> Sequence[Grants | None]:
    """The topics that each may read now; all at once where the authority can."""
    if isinstance(authority, ManyAtOnce):
        return authority.grants_of(identities)
    return [authority.grants(identity) for identity in identities]


def joined_all(authority: Authority, joins: Sequence[Join]) -> Sequence[None]:
    """Tell of joins; all at once where the authority can."""
    if isinstance(authority, ManyAtOnce):
        authority.joined_all(joins)
    else:
        for identity, bindings in joins:
            authority.joined(identity, bindings)
    return [None] * len(joins)


@lru_cache(maxsize=1)
def _load(path: str) -> Authority:
    found = import_string(path)
    return cast(Authority, found() if isinstance(found, type) else found)


def configured() -> Authority:
    """The authority named by the settings. Raises ImproperlyConfigured when none is named."""
    path = getattr(settings, "REALTIME_AUTHORITY", None)
    if not path:
        raise ImproperlyConfigured(
            "REALTIME_AUTHORITY must name the object that says who may read."
        )
    return _load(path)
