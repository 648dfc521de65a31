"""The access matrix: every address × every kind of person, with each wall down in turn.

Whoever may not have an address gets, to the byte, what they would get for an object that does not
exist. The object asked for is Ana's; its canaries may reach nobody else.
"""

import re
import uuid
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from portal import access
from portal.models import Membership, Session, User
from portal.sessions import digest_of
from portal.tenancy import acting_for
from tests.cast import signed_in
from tests.house.matrix import ADMINS, CLINICAL, MATRIX, MEMBERS, OUTSIDE, OWN_SIDE, PATIENTS, TEAM
from tests.house.record import CANARIES, IDENTITY, anas_record

# A patient, a clinician, an administrator and nobody.
ONE_OF_EACH = {"ana", "ada", "admin", "stranger"}

# An app each, so that they can run side by side.
AREAS = sorted({name.partition(":")[0] for name in MATRIX})
each_area = pytest.mark.parametrize("area", AREAS)
pytestmark = pytest.mark.timeout(600)

# What differs between two answers without telling anybody anything.
NOISE = [
    (re.compile(rb'nonce="[^"]*"'), b"nonce"),
    (re.compile(rb'data-(cursor|page)="[^"]*"'), b"page"),
    (re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"'), b"csrf"),
    (re.compile(rb'"X-CSRFToken": "[^"]*"'), b"csrf"),
    (re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), b"id"),
    (re.compile(rb"\d\d:\d\d(:\d\d)?"), b"time"),
]


@pytest.fixture(autouse=True)
def every_way_is_on(settings, tmp_path):
    """An address of a way that is off is missing for everybody, which would prove nothing."""
    settings.DEMO_MAIL_FILE = str(tmp_path / "mail")


def routes() -> set[str]:
    """The name of every address but Django admin's, which tests/portal/test_admin.py covers."""

    def walk(patterns, namespace=""):
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                yield namespace + (pattern.name or repr(pattern.pattern))
            elif pattern.namespace != "admin":
                yield from walk(
                    pattern.url_patterns,
                    f"{pattern.namespace}:" if pattern.namespace else namespace,
                )

    return set(walk(get_resolver().url_patterns))


def test_every_route_says_who_may_use_it():
    assert routes() == set(MATRIX)


def clients(cast) -> dict[str, Client]:
    """A browser for each of the cast, and for those who are no longer let in."""
    opened = {name: signed_in(getattr(cast, name)) for name in sorted(MEMBERS)}
    opened["stranger"] = Client()
    opened["expired"] = signed_in(cast.ada)
    silent = Session.objects.filter(pk=digest_of(opened["expired"].cookies["vigil_session"].value))
    assert silent.update(last_active_at=timezone.now() - timedelta(hours=2)) == 1
    with acting_for(cast.clinic.pk, system=True):
        for name, gone in (("former", "Fay Former"), ("deactivated", "Dee Active")):
            user = User.objects.create_user(f"{name}@harbour.example", None, name=gone)
            Membership.objects.create(organization=cast.clinic, user=user, role="clinician")
            person = type(cast.ada)(user, cast.clinic, cast.ada.role)
            opened[name] = signed_in(person)
            if name == "former":
                Membership.objects.filter(user=user).update(ended_at=timezone.now())
            else:
                User.objects.filter(pk=user.pk).update(is_active=False)
    for client in opened.values():
        client.raise_request_exception = False
    return opened


def session_of(client: Client) -> str | None:
    cookie = client.cookies.get("vigil_session")
    return cookie.value if cookie else None


def quiet(content: bytes) -> bytes:
    for pattern, word in NOISE:
        content = pattern.sub(word, content)
    return content


def told_to(name: str, content: bytes) -> list[str]:
    """The words of Ana's record in an answer to somebody who may not have them."""
    if name in OWN_SIDE | TEAM:
        return []
    forbidden = CANARIES if name == "admin" else CANARIES + IDENTITY
    return [word for word in forbidden if stands_in(word, content)]


def stands_in(word: str, content: bytes) -> bool:
    """Whether a word is there for itself: any four digits stand in a time or an identifier."""
    alone = rb"(?<![0-9a-f.-])%s(?![0-9a-f-])" if word.isdigit() else rb"%s"
    return re.search(alone % re.escape(word.encode()), content) is not None


def ask(client: Client, method: str, row, name: str, ids) -> object:
    kwargs = {key: ids[key] for key in row.takes} | row.fixed
    url = reverse(name, kwargs=kwargs)
    return client.get(url) if method == "get" else client.post(url, {})


def cells(cast, record, area, *, walls: bool):
    """Every (route of the area, method, person) with the answer for Ana's object.

    With a wall down, only those cells that come as far as the walls and may show a leak: those who
    are not signed in are refused before, and where her own side and team are let in, nothing of
    Ana's is kept from them.
    """
    hers = OWN_SIDE | TEAM
    ours = vars(record)
    for person, client in clients(cast).items():
        if not walls and person in OUTSIDE and person != "former":
            continue
        session = session_of(client)
        for name, row in MATRIX.items():
            if name.partition(":")[0] != area:
                continue
            # Two addresses end the session that asks: they are tried by their own tests.
            if name in {"portal:sign_out", "portal:sign_out_everywhere"} and person in MEMBERS:
                continue
            for method in ("get", "post"):
                if not walls and person in hers and person in getattr(row, method):
                    continue
                # A method that an address does not have is refused before anybody is looked at.
                if getattr(row, method) or (walls and person in ONE_OF_EACH):
                    yield person, client, name, row, method, ask(client, method, row, name, ours)
        assert session_of(client) == session or person in OUTSIDE, f"{person} was signed out"


def check(cast, record, area, *, walls: bool = True, strict: bool = True) -> int:
    """Ask everything of everybody; return the number of cells. `strict` asserts the status too."""
    number = 0
    nothing = {key: uuid.uuid4() for key in vars(record)}
    for person, client, name, row, method, answer in cells(cast, record, area, walls=walls):
        number += 1
        where = f"{method.upper()} {name} as {person}: {answer.status_code}"
        assert not told_to(person, answer.content), where
        if not strict:
            continue
        allowed = getattr(row, method)
        if not allowed:
            assert answer.status_code in {405, 404, 302, 401}, where
        elif person in OUTSIDE:
            if not row.open:
                assert answer.status_code in {302, 401}, where
        elif person in allowed:
            assert answer.status_code in {200, 204, 302, 400, 409, 410, 415, 422}, where
        else:
            assert answer.status_code == 404, where
            if row.takes:
                other = ask(client, method, row, name, nothing)
                assert other.status_code == 404
                assert quiet(other.content) == quiet(answer.content), where
    return number


@each_area
def test_both_walls_up(committed, cast, area):
    record = anas_record(cast)
    assert check(cast, record, area) >= len(MEMBERS) + len(OUTSIDE)


@contextmanager
def without_row_level_security(database_urls):
    with psycopg.connect(database_urls.owner, autocommit=True) as owner:
        tables = [
            name
            for (name,) in owner.execute(
                "SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'"
                " AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'realtime%'"
            )
        ]
        for name in tables:
            owner.execute(f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY")
        try:
            yield len(tables)
        finally:
            for name in tables:
                owner.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")


@each_area
def test_the_application_alone_leaks_nothing(committed, cast, database_urls, area):
    record = anas_record(cast)
    with without_row_level_security(database_urls) as tables:
        assert tables > 20
        check(cast, record, area, walls=False)


@each_area
def test_row_level_security_alone_leaks_nothing(committed, cast, monkeypatch, area):
    record = anas_record(cast)
    monkeypatch.setattr(access, "narrow", lambda queryset, *conditions, **filters: queryset)
    check(cast, record, area, walls=False, strict=False)


@pytest.mark.parametrize("area", ["alerts", "appointments", "care", "messaging", "portal"])
def test_with_both_walls_down_the_matrix_sees_the_leak(
    committed, cast, database_urls, monkeypatch, area
):
    record = anas_record(cast)
    monkeypatch.setattr(access, "narrow", lambda queryset, *conditions, **filters: queryset)
    with without_row_level_security(database_urls), pytest.raises(AssertionError, match="as "):
        check(cast, record, area, walls=False, strict=False)


def test_the_cast_covers_every_role():
    assert PATIENTS | CLINICAL | ADMINS == MEMBERS
