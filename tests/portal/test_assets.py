"""What may be kept of static files, and for how long."""

import hashlib
import json
import re

import pytest
from asgiref.sync import sync_to_async

from portal.assets import ASK_AGAIN, FOR_EVER

pytestmark = pytest.mark.usefixtures("db")


def fetched(client, address, **headers) -> tuple[int, str, str, bytes]:
    """What is answered: status, Cache-Control, ETag and content."""
    answer = client.get(address, headers=headers)
    return answer.status_code, answer["Cache-Control"], answer["ETag"], answer.content


def addresses(client) -> list[str]:
    """Every static file that the first page leads to: linked, loaded, or in the import map."""
    page = client.get("/sign-in/").content.decode()
    imports = json.loads(re.search(r'<script type="importmap"[^>]*>(.*?)</script>', page)[1])
    return [*re.findall(r'(?:href|src)="(/static/[^"]+)"', page), *imports["imports"].values()]


def test_everything_a_page_leads_to_is_kept_under_the_digest_of_its_content(client):
    found = addresses(client)
    assert len(found) > 100
    for address in found:
        _, kept, _, content = fetched(client, address)
        digest = hashlib.sha256(content).hexdigest()
        letters = digest[:12].translate(str.maketrans("0123456789", "ghijklmnop"))
        assert address.endswith(f"?v={letters}")
        assert kept == FOR_EVER


def test_a_file_of_another_version_is_not_kept_under_this_address(client):
    """While an upgrade rolls, a page of the one version asks a process of the other."""
    address = addresses(client)[0].partition("?")[0]
    for query, kept in (("?v=0", ASK_AGAIN), ("?v=", ASK_AGAIN), ("", "max-age=60, public")):
        assert fetched(client, address + query)[1] == kept


def test_what_is_kept_and_asked_for_again_is_not_sent_again(client):
    address = addresses(client)[0]
    etag = fetched(client, address)[2]
    assert fetched(client, address, **{"If-None-Match": etag}) == (304, FOR_EVER, etag, b"")


async def test_a_file_is_served_without_a_warning(async_client, client):
    """Of a file that streams Django warns on an ASGI server, and warnings are errors here."""
    address = (await sync_to_async(addresses)(client))[0]
    answer = await async_client.get(address)
    assert (answer.status_code, answer.streaming) == (200, False)
    assert int(answer["Content-Length"]) == len(answer.content) > 0


def test_a_part_and_a_head_are_what_was_asked_for(client):
    address = addresses(client)[0]
    whole = client.get(address)
    head = client.head(address)
    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Length"] == whole["Content-Length"]
    part = client.get(address, headers={"Range": "bytes=2-11"})
    assert (part.status_code, part.content) == (206, whole.content[2:12])
