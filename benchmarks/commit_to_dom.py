"""How long from a commit until the words stand on the other person's open page.

    make bench            (MESSAGES=100; or: .venv/bin/python -m benchmarks.commit_to_dom 100)

A nurse writes through the same action as the page does; Ana's thread is open in Chromium. From the
moment the commit returned to the writer until a MutationObserver sees the message in the document:
trigger, relay, hub, socket, coalescing, htmx, the fragment under her rights, the swap. One machine,
so one clock. Prints p50, p95, p99 and says whether any message was lost, doubled or out of order;
then what R47 asks for besides: how long the action took that wrote each (checks, encryption and
commit), and how long a page took from being asked for until it was live.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import NamedTuple

from portal.embedded.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent
MESSAGES = 500
OPENINGS = 10
PACE_SECONDS = 0.25  # far enough apart that two rarely share one refresh

LIVE = "html[data-connection=live]"
WATCH = """() => {
  window.seen = []
  const known = new Set([...document.querySelectorAll("[id^=message-]")].map((each) => each.id))
  new MutationObserver(() => {
    const at = performance.timeOrigin + performance.now()
    for (const each of document.querySelectorAll("[id^=message-]")) {
      if (!known.has(each.id)) { known.add(each.id); window.seen.push([each.id, at]) }
    }
  }).observe(document.querySelector("main"), { childList: true, subtree: true })
}"""


class Written(NamedTuple):
    """When the commit of a message returned, and how long its action took: milliseconds."""

    at: float
    took: float


def main() -> None:
    """Set a clinic up, run, print one line of figures."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES
    folder = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
    # Durable, as in production: the fsync of the commit before is part of the waiting line.
    database = EmbeddedPostgres(folder / "postgres")
    database.start()
    os.environ |= database.provision("vigil").environment() | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DEMO": "1",
        "SECRET_KEY": uuid.uuid4().hex * 2,
        "ENCRYPTION_KEYS": "bench:" + "A" * 43 + "=",
    }
    web = None
    try:
        for command in (["migrate", "-v0"], ["demo_clinic"]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, check=True)
        from tests.browser.server import Server

        web = Server(folder / "web.log")
        web.start()
        report(*measure(web.url, number))
    finally:
        if web is not None:
            web.stop()
        database.discard()
        shutil.rmtree(folder, ignore_errors=True)


def measure(
    url: str, number: int
) -> tuple[dict[str, Written], list[tuple[str, float]], list[float]]:
    """Return how each message was written, the messages as the page showed them, and how long the
    page took to open, each time, in milliseconds.
    """
    from playwright.sync_api import sync_playwright

    from tests.browser.chromium import executable

    written: dict[str, Written] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(),
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        page = browser.new_page()
        page.goto(f"{url}/sign-in/")
        page.fill("input[name=username]", "patient@demo.example")
        page.fill("input[name=password]", "vigil-demo")
        page.press("input[name=password]", "Enter")
        page.wait_for_url("**/home/")
        page.goto(f"{url}/messages/")
        page.click("main .list-row >> nth=0")
        page.wait_for_selector(LIVE)
        openings = []
        for _ in range(OPENINGS):
            began = time.monotonic()
            page.goto(page.url)
            page.wait_for_selector(LIVE)
            openings.append((time.monotonic() - began) * 1000)
        conversation_id = page.url.rstrip("/").split("/")[-1]
        page.evaluate(WATCH)
        writer = threading.Thread(target=write, args=(conversation_id, number, written))
        writer.start()
        while writer.is_alive():
            page.wait_for_timeout(500)
        # A function: a bare expression would be looked at by eval, which the page forbids.
        page.wait_for_function("wanted => window.seen.length >= wanted", arg=number)
        seen = [(name.removeprefix("message-"), at) for name, at in page.evaluate("window.seen")]
        browser.close()
    return written, seen, openings


def write(conversation_id: str, number: int, written: dict[str, Written]) -> None:
    """Reply as the nurse, again and again, noting when each commit returned."""
    import django

    django.setup()
    from messaging.actions import reply
    from portal.access import Reader
    from portal.models import Organization, Role, User
    from portal.tenancy import acting_for

    clinic = Organization.objects.get(slug="demo")
    with acting_for(clinic.pk, system=True):
        nurse = User.objects.get(email="nurse@demo.example")
    by = Reader(nurse.pk, clinic.pk, Role.NURSE)
    for index in range(number):
        began = time.monotonic()
        with acting_for(clinic.pk, nurse.pk):
            message = reply(uuid.UUID(conversation_id), body=f"{index}", key=uuid.uuid4(), by=by)
        took = (time.monotonic() - began) * 1000
        written[str(message.pk)] = Written(time.time() * 1000, took)
        time.sleep(PACE_SECONDS)


def report(
    written: dict[str, Written], seen: list[tuple[str, float]], openings: list[float]
) -> None:
    """Print the figures, and what was not as it must be."""
    waits = sorted(at - written[name].at for name, at in seen if name in written)
    cuts = statistics.quantiles(waits, n=100)
    names = [name for name, _at in seen]
    print(
        json.dumps(
            {
                "messages": len(written),
                "p50_ms": round(cuts[49], 1),
                "p95_ms": round(cuts[94], 1),
                "p99_ms": round(cuts[98], 1),
                "max_ms": round(waits[-1], 1),
                "write_mean_ms": round(statistics.fmean(each.took for each in written.values()), 1),
                "page_live_median_ms": round(statistics.median(openings)),
                "page_live_max_ms": round(max(openings)),
                "lost": len(set(written) - set(names)),
                "doubled": len(names) - len(set(names)),
                "in_order": names == [name for name in written if name in set(names)],
            }
        )
    )


if __name__ == "__main__":
    main()
