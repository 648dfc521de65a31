"""A page whose server is the test itself: it answers every fetch and speaks every frame.

For what a real server does only by accident: silence on an open socket, a refusal at the wrong
moment, an answer that overtakes an event. What the two do together is tested with the real one
(test_two_people.py and its neighbours).
"""

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import django_htmx
from playwright.sync_api import Browser, Page, Route, WebSocketRoute

SCRIPTS = Path(__file__).resolve().parent.parent.parent / "static" / "js"
HTMX = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.js"
HOST = "http://stage.test"
CONFIG = {"allowEval": False, "includeIndicatorStyles": False, "historyCacheSize": 0}
WANTED = [
    *("live-region", "live-badge", "behind-notice"),
    *("page-refresh", "ended-page", "session-guard"),
]

# Than QUIET_MS of realtime/coalescer.js, and than SETTLE_MS of realtime/client.js.
LONGER_THAN_A_REGION_WAITS_MS = 200
AFTERWARDS = """async (wait) => {
  await new Promise((resolve) => setTimeout(resolve, wait))
  await (await fetch("/afterwards/")).text()
}"""

# As templates/parts/session-guard.html has it.
GUARD = (
    '<session-guard href="/session/" sign-in="/sign-in/" idle-seconds="900"><dialog>'
    "<strong data-seconds-left>60</strong><form><button data-stay>Stay signed in</button></form>"
    "</dialog></session-guard>"
)

Answer = Callable[[Route], None]


class Stage:
    """One page, the fetches it made, the frames it sent, and the lines to prompt it with."""

    def __init__(self, browser: Browser) -> None:
        self.context = browser.new_context()
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.frames: list[list] = []
        self.sockets: list[WebSocketRoute] = []
        self.fetches: list[str] = []
        self.polls: list[dict] = []
        self.epoch, self.position = "e", 10
        self.speaks = True  # answers joins and heartbeats by itself
        self.answers: dict[str, Answer] = {}
        self.poll_answer: Answer | None = None
        self._clock = itertools.count()
        self._ids: dict[str, int] = {}
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.route("**/*", self._serve)
        self.page.route_web_socket("**/websocket**", self._accept)

    def open(self, body: str, *, frame: str = "", timing: dict | None = None, **data: str) -> None:
        """Show `body` below `frame` on a signed-in page whose data was read at position 10."""
        names = {
            str(path.relative_to(SCRIPTS).with_suffix("")): f"/js/{path.relative_to(SCRIPTS)}"
            for path in SCRIPTS.rglob("*.js")
        }
        known = {"cursor": "e:10", "organization": "org", "page": "token", **data}
        known["timing"] = json.dumps(timing or {})
        attributes = " ".join(f"data-{name}='{value}'" for name, value in known.items())
        scripts = "".join(f'<script type="module" src="/js/{name}.js"></script>' for name in WANTED)
        self.document = (
            "<style>live-region { display: block }</style>"
            f"<meta name=\"htmx-config\" content='{json.dumps(CONFIG)}'>"
            f'<script type="importmap">{json.dumps({"imports": names})}</script>'
            f'<script src="/htmx.js"></script>{scripts}'
            f"<body {attributes}><header><live-badge></live-badge></header>"
            f'<behind-notice role="status"></behind-notice>{frame}'
            f'<template id="notice-signed-out" data-title="Signed out"><h1>You are signed out</h1>'
            f'<a data-next href="/sign-in/">Sign in</a></template>'
            f'<template id="notice-organization" data-title="Moved"><h1>You moved</h1></template>'
            f'<template id="notice-withdrawn"><p>You can no longer see this</p></template>'
            f"<main>{body}</main>{GUARD}"
        )
        self.page.goto(f"{HOST}/page/")

    # What the server says ------------------------------------------------------------------

    @property
    def socket(self) -> WebSocketRoute:
        return self.sockets[-1]

    def say(self, topic: str, event: str, payload: dict, join_ref=None, ref=None) -> None:
        self.socket.send(json.dumps([join_ref, ref, topic, event, payload]))

    def change(self, table: str, *, position: int | None = None, filter: str = "") -> None:
        """Something happened in a table: the next position, or the given one."""
        self.position = position or self.position + 1
        name = f"{table}?{filter}"
        ids = [number for key, number in self._ids.items() if key == name]
        data = {"table": table, "position": self.head}
        self.say(self.topic, "postgres_changes", {"ids": ids, "data": data})

    def system(self, extension: str, message: str = "") -> None:
        payload = {"extension": extension, "message": message, "at": self.now()}
        self.say(self.topic, "system", payload)

    @property
    def head(self) -> str:
        return f"{self.epoch}:{self.position}"

    def told(self) -> None:
        """Everything up to the position has been told."""
        self.system("position", self.head)

    def now(self) -> str:
        moment = datetime(2026, 1, 1, 14, 3, tzinfo=UTC) + timedelta(seconds=next(self._clock))
        return moment.isoformat()

    @property
    def topic(self) -> str:
        return next(frame[2] for frame in reversed(self.frames) if frame[3] == "phx_join")

    @property
    def joins(self) -> list[list[dict]]:
        """The bindings of each join, in order."""
        return [
            frame[4]["config"]["postgres_changes"]
            for frame in self.frames
            if frame[3] == "phx_join"
        ]

    # What is seen --------------------------------------------------------------------------

    def stands(self, standing: str, timeout: float = 60_000) -> None:
        """Wait until the page says how it stands."""
        self.page.wait_for_selector(
            f"html[data-connection={standing}]", state="attached", timeout=timeout
        )

    def hurry(self) -> None:
        """The network is back: the next try need not wait, which may be for half a minute."""
        self.page.evaluate("dispatchEvent(new Event('online'))")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Let the page run until `condition` holds."""
        for _ in range(3_000):
            if condition():
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"This did not come to pass: {what}")

    def heard_out(self) -> None:
        """Return when the page has heard all that was said, and has acted on it.

        For what must not happen: a later frame has come by the same socket, so what the page has
        not done by then about an earlier one it does not do.
        """
        self.position += 1
        self.told()
        self.until(lambda: self.cursor == self.head, "the page hears a later frame")
        self.acted()

    def acted(self) -> None:
        """Return when the page has done what it waited to do, and what it asked for has come here.

        A timer that is set now and due after any region's goes off after theirs; a fetch that is
        sent then comes after theirs.
        """
        self.page.evaluate(AFTERWARDS, LONGER_THAN_A_REGION_WAITS_MS)

    @property
    def cursor(self) -> str | None:
        """How far the page says that it was told."""
        return self.page.locator("body").get_attribute("data-cursor-now")

    def fetched(self, path: str) -> int:
        return self.fetches.count(path)

    # How it works --------------------------------------------------------------------------

    def _accept(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        socket.on_message(lambda text: self._hear(socket, json.loads(text)))

    def _hear(self, socket: WebSocketRoute, frame: list) -> None:
        self.frames.append(frame)
        join_ref, _, topic, event, payload = frame
        if not self.speaks:
            return
        if event == "phx_join":
            changes = payload["config"]["postgres_changes"]
            echo = [{**each, "id": self._id(each)} for each in changes]
            self._reply(socket, frame, {"postgres_changes": echo})
            told = {"extension": "position", "message": self.head, "at": self.now()}
            socket.send(json.dumps([join_ref, None, topic, "system", told]))
        elif event == "heartbeat":
            self._reply(socket, frame, {"position": self.head, "at": self.now()})

    def _id(self, binding: dict) -> int:
        key = f"{binding['table']}?{binding.get('filter', '')}"
        return self._ids.setdefault(key, len(self._ids) + 1)

    def _reply(self, socket: WebSocketRoute, frame: list, response: dict) -> None:
        join_ref, ref, topic, *_ = frame
        payload = {"status": "ok", "response": response}
        socket.send(json.dumps([join_ref, ref, topic, "phx_reply", payload]))

    def _serve(self, route: Route) -> None:
        path = route.request.url.removeprefix(HOST)
        if path == "/page/":
            route.fulfill(body=self.document, content_type="text/html")
        elif path == "/htmx.js":
            route.fulfill(path=HTMX, content_type="text/javascript")
        elif path.startswith("/js/"):
            route.fulfill(path=SCRIPTS / path[4:], content_type="text/javascript")
        elif path == "/realtime/changes":
            self.polls.append(json.loads(route.request.post_data))
            if self.poll_answer:
                self.poll_answer(route)
            else:
                quiet = {"cursor": self.head, "at": self.now(), "events": []}
                route.fulfill(json=quiet)
        else:
            self.fetches.append(path)
            answer = self.answers.get(path)
            if answer:
                answer(route)
            else:
                route.fulfill(body=f"{path} {self.fetched(path)}", content_type="text/html")
