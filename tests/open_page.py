"""A page that stays open: what a browser shows of it after hearing events, without a browser.

It finds the live regions of the HTML that the server rendered, asks the engine's own matcher which
of them an event concerns, fetches what they would fetch and swaps it in as htmx would. For the
test that matters most: a page that received its events equals a page freshly loaded.
"""

import re
from datetime import UTC, datetime

import psycopg
from django.test.html import Element, parse_html

from portal import access
from portal.tenancy import acting_for
from realtime import bindings
from realtime.event import Event
from realtime.triggers import published

HTMX = {"HX-Request": "true"}
# What differs between two renderings of the same thing: tokens, keys, positions, the clock.
PASSING = re.compile(
    r"csrfmiddlewaretoken|nonce|data-cursor|data-page|hx-headers|hx-vals|content|datetime"
)


class OpenPage:
    """One address as one person has it open: its main part, or the `whole` page with its frame."""

    def __init__(self, client, person, address: str, *, whole: bool = False) -> None:
        self.client, self.person, self.address, self.whole = client, person, address, whole
        response = client.get(address, headers=HTMX if _is_fragment(address) else {})
        assert response.status_code == 200, (address, response.status_code)
        self.token = response.context["page"].token
        self.tree = parse_html(f"<div>{_part(response, 'body' if whole else 'main')}</div>")
        self._load(self.tree)

    def afresh(self) -> "OpenPage":
        """The same address, opened now."""
        return OpenPage(self.client, self.person, self.address, whole=self.whole)

    def hear(self, events: list[Event]) -> None:
        """Refresh the regions that these events concern, the outer ones first."""
        with acting_for(self.person.organization.pk, self.person.user.pk):
            topics = set(access.topics(self.person.reader))
        heard = [
            event
            for event in events
            if topics & set(event.topics)
            and event.organization_id == str(self.person.organization.pk)
        ]
        for region in [node for node in walk(self.tree) if node.name == "live-region"]:
            if any(concerns(region, event) for event in heard):
                self._refresh(region)

    def shown(self) -> str:
        """What the page shows, without what differs between any two renderings."""
        return "\n".join(_told(self.tree))

    def _refresh(self, region: Element) -> None:
        found = attributes(region)
        fragment = self._fetch(found["hx-get"])
        target = region
        if "hx-target" in found:
            target = by_id(self.tree, found["hx-target"].removeprefix("#"))
        if found.get("hx-swap") == "outerHTML":
            replacement = next(node for node in fragment.children if isinstance(node, Element))
            target.name, target.attributes = replacement.name, replacement.attributes
            target.children = replacement.children
        else:
            target.children = fragment.children
        self._load(target)

    def _load(self, within: Element) -> None:
        """What htmx fetches on its own: places that fill themselves when they appear."""
        for node in [*walk(within)]:
            found = attributes(node)
            if "hx-get" in found and "load" in found.get("hx-trigger", "").split(", "):
                node.children = self._fetch(found["hx-get"]).children

    def _fetch(self, address: str) -> Element:
        response = self.client.get(address, headers=HTMX | {"X-Vigil-Refresh": self.token})
        assert response.status_code == 200, (address, response.status_code)
        return parse_html(f"<div>{_part(response, 'body')}</div>")


def concerns(region: Element, event: Event) -> bool:
    """Whether the region has asked for this event; the engine's matcher says so."""
    found = attributes(region)
    named = [each.partition("?") for each in found["table"].split()]
    asked = [
        {
            "event": found.get("event", "*"),
            "schema": "public",
            "table": table,
            "filter": ",".join(filter(None, [found.get("filter"), own])),
        }
        for table, _, own in named
    ]
    return bool(bindings.parse(asked, published()).match(event))


class Ear:
    """Hears what the triggers wrote since it was made, in the order of the inbox."""

    def __init__(self, superuser_url: str) -> None:
        self.url = superuser_url
        self.position = 0
        self.news()

    def news(self) -> list[Event]:
        """The events since the last time."""
        with psycopg.connect(self.url) as connection:
            rows = connection.execute(
                "SELECT id, organization_id::text, topics, table_name, row_id, operation, record,"
                " old_record FROM realtime_inbox WHERE kind = 'change' AND id > %s ORDER BY id",
                [self.position],
            ).fetchall()
        if rows:
            self.position = rows[-1][0]
        return [
            Event(
                seq=number,
                organization_id=organization,
                topics=tuple(topics),
                table=table,
                row_id=row_id,
                operation=operation,
                record=record,
                old_record=old_record,
                created_at=datetime.now(UTC),
            )
            for number, organization, topics, table, row_id, operation, record, old_record in rows
        ]


def walk(element: Element):
    """Every element below, the outer before the inner."""
    for child in element.children:
        if isinstance(child, Element):
            yield child
            yield from walk(child)


def attributes(element: Element) -> dict[str, str]:
    """The attributes of an element; one without a value has an empty one."""
    return {name: value if value is not None else "" for name, value in element.attributes}


def by_id(tree: Element, name: str) -> Element:
    """The element that is called so."""
    return next(node for node in walk(tree) if attributes(node).get("id") == name)


def _is_fragment(address: str) -> bool:
    return address.startswith(("/home/", "/dashboard/")) and address.count("/") > 2


def _part(response, name: str) -> str:
    html = response.content.decode()
    found = re.search(rf"<{name}[^>]*>(.*)</{name}>", html, re.DOTALL)
    # Django's parser is for well-formed pieces: without scripts and templates there is only that.
    return re.sub(r"<template.*?</template>", "", found.group(1) if found else html, flags=re.S)


def _told(node: Element, depth: int = 0):
    for child in node.children:
        if not isinstance(child, Element):
            yield " " * depth + re.sub(r"\s+", " ", str(child)).strip()
            continue
        found = attributes(child)
        # What no browser shows, or fills by itself.
        if found.get("type") == "hidden" or child.name in ("svg", "live-badge", "read-marker"):
            continue
        kept = {name: value for name, value in sorted(found.items()) if not PASSING.fullmatch(name)}
        yield " " * depth + f"<{child.name} {kept}>"
        yield from _told(child, depth + 1)
