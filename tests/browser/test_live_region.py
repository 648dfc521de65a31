"""A live region: when it refreshes, how often, and what happens when it cannot."""

import pytest
from playwright.sync_api import expect

LIST = '<live-region table="messages" hx-get="/list/" hx-trigger="news">as loaded</live-region>'


@pytest.fixture
def region(stage):
    stage.open(LIST)
    stage.stands("live")
    return stage.page.locator("live-region")


def test_ten_quick_events_make_at_most_two_refreshes(stage, region):
    for _ in range(10):
        stage.change("messages")
    stage.heard_out()
    expect(region).to_have_text(f"/list/ {stage.fetched('/list/')}")
    # Nor does the answer make it ask once more.
    stage.heard_out()
    assert 1 <= stage.fetched("/list/") <= 2


def test_a_stream_without_a_pause_is_neither_held_back_nor_followed_change_by_change(stage, region):
    stage.page.clock.install()
    for _ in range(30):
        stage.change("messages")
        stage.page.clock.run_for(100)
    # How many depends on how the frames fall between the ticks; never one for each change.
    assert 2 <= stage.fetched("/list/") < 30


def test_an_event_of_another_table_refreshes_nothing(stage):
    stage.open(
        f'{LIST}<live-region table="notes plans" hx-get="/notes/" hx-trigger="news"></live-region>'
    )
    stage.stands("live")
    stage.change("plans")
    stage.until(lambda: stage.fetched("/notes/") == 1, "the region of plans refreshes")
    assert stage.fetched("/list/") == 0


def test_one_of_several_tables_may_ask_for_less(stage):
    stage.open(
        '<live-region table="notes plans?user_id=neq.7" filter="patient_id=eq.1"'
        ' hx-get="/notes/" hx-trigger="news"></live-region>'
    )
    stage.stands("live")
    (joined,) = stage.joins
    assert {each["table"]: each["filter"] for each in joined} == {
        "notes": "patient_id=eq.1",
        "plans": "patient_id=eq.1,user_id=neq.7",
    }


def test_news_during_a_refresh_make_exactly_one_more(stage, region):
    held = []
    stage.answers["/list/"] = held.append
    stage.change("messages")
    stage.until(lambda: len(held) == 1, "the first refresh begins")
    for _ in range(3):
        stage.change("messages")
        stage.heard_out()
    assert len(held) == 1
    held[0].fulfill(body="first")
    stage.until(lambda: len(held) == 2, "one more refresh follows")
    held[1].fulfill(body="second")
    expect(region).to_have_text("second")
    stage.heard_out()
    assert len(held) == 2


def test_news_during_a_refresh_that_replaces_the_region_are_not_lost(stage):
    """The old element hears of it, the new one has to act on it."""
    markup = LIST.replace("hx-trigger", 'hx-swap="outerHTML" hx-trigger')
    stage.open(markup)
    stage.stands("live")
    held = []
    stage.answers["/list/"] = held.append
    stage.change("messages")
    stage.until(lambda: len(held) == 1, "the first refresh begins")
    stage.change("messages")
    stage.heard_out()
    held[0].fulfill(body=markup)
    stage.until(lambda: len(held) == 2, "the new element refreshes")
    held[1].fulfill(body=markup.replace("as loaded", "the latest"))
    expect(stage.page.locator("live-region")).to_have_text("the latest")
    stage.heard_out()
    assert len(held) == 2


def test_an_answer_older_than_the_news_does_not_stay(stage):
    """A form was sent, somebody else wrote, the region refreshed; then the form's answer came."""
    region = stage.page.locator("live-region")
    stage.open(f'{LIST}<button hx-get="/form/" hx-target="live-region">Send</button>')
    stage.stands("live")
    held = []
    stage.answers["/form/"] = held.append
    stage.answers["/list/"] = lambda route: route.fulfill(
        body=f"mine and theirs, read {stage.fetched('/list/')}"
    )
    stage.page.click("button")
    stage.until(lambda: len(held) == 1, "the form is sent")
    stage.change("messages")
    expect(region).to_have_text("mine and theirs, read 1")
    held[0].fulfill(body="mine alone")
    expect(region).to_have_text("mine and theirs, read 2")
    stage.heard_out()
    assert stage.fetched("/list/") == 2


def test_a_refresh_that_was_on_its_way_leaves_a_form_that_is_sent_its_answer(stage):
    """Else the answer finds its form gone, and what it brings for other places nowhere to go."""
    stage.open(
        '<live-region table="messages" hx-get="/list/" hx-trigger="news"><form hx-post="/form/"'
        ' hx-swap="none"><button>Send</button></form></live-region><p id="said"></p>'
    )
    stage.stands("live")
    lists, forms = [], []
    stage.answers["/list/"], stage.answers["/form/"] = lists.append, forms.append
    stage.change("messages")
    stage.until(lambda: len(lists) == 1, "the refresh begins")
    stage.page.click("button")
    stage.until(lambda: len(forms) == 1, "the form is sent")
    lists[0].fulfill(body="as it was before the form")
    stage.heard_out()
    expect(stage.page.locator("live-region form")).to_have_count(1)
    forms[0].fulfill(body='<p id="said" hx-swap-oob="true">It is done.</p>')
    expect(stage.page.locator("#said")).to_have_text("It is done.")
    stage.until(lambda: len(lists) == 2, "what was kept back is asked for again")
    lists[1].fulfill(body="as it is")
    expect(stage.page.locator("live-region")).to_have_text("as it is")


def test_replacing_a_region_by_itself_asks_the_server_for_nothing(stage):
    markup = LIST.replace("hx-trigger", 'hx-swap="outerHTML" hx-trigger')
    stage.open(markup)
    stage.stands("live")
    stage.answers["/list/"] = lambda route: route.fulfill(
        body=markup.replace("as loaded", f"read {stage.fetched('/list/')}")
    )
    for count in range(1, 6):
        stage.change("messages")
        expect(stage.page.locator("live-region")).to_have_text(f"read {count}")
    stage.heard_out()
    assert len(stage.joins) == 1


def test_content_read_before_an_event_is_asked_for_from_there(stage):
    """A panel is on its way while its table changes, and nobody listens to that table yet."""
    stage.open(f'{LIST}<div id="panel" hx-get="/panel/" hx-trigger="click">open</div>')
    stage.stands("live")
    held = []
    stage.answers["/panel/"] = held.append
    stage.page.click("#panel")
    stage.until(lambda: len(held) == 1, "the panel is asked for")
    stage.change("messages", position=17)
    stage.until(lambda: stage.fetched("/list/") == 1, "the page moves on")
    held[0].fulfill(body='<live-region table="notes" hx-get="/notes/" hx-trigger="news">')
    stage.until(lambda: len(stage.joins) == 2, "the new table is asked for")
    since = {binding["table"]: binding["since"] for binding in stage.joins[1]}
    assert since == {"messages": "e:17", "notes": "e:10"}


def test_the_last_region_gone_the_page_hangs_up(stage, region):
    closed = []
    stage.socket.on_close(lambda code, reason: closed.append(code))
    stage.page.evaluate("document.querySelector('live-region').remove()")
    stage.until(lambda: bool(closed), "the socket closes")
    assert stage.page.locator("html").get_attribute("data-connection") is None


@pytest.mark.parametrize(
    ("before", "after", "show"),
    [
        ("<details>", "</details>", "document.querySelector('details').open = true"),
        ("<div hidden>", "</div>", "document.querySelector('div[hidden]').hidden = false"),
    ],
)
def test_a_region_that_is_not_shown_waits_until_it_is(stage, before, after, show):
    stage.open(f"{before}{LIST}{after}")
    stage.stands("live")
    stage.change("messages")
    stage.heard_out()
    assert stage.fetched("/list/") == 0
    stage.page.evaluate(show)
    stage.until(lambda: stage.fetched("/list/") == 1, "shown, it refreshes")


@pytest.mark.parametrize("failure", ["no network", "server error"])
def test_a_refresh_that_fails_keeps_the_content_and_is_tried_again(stage, region, failure):
    def fail(route):
        route.abort() if failure == "no network" else route.fulfill(status=503, body="broken")

    stage.answers["/list/"] = fail
    stage.change("messages")
    expect(region).to_have_attribute("data-stale", "")
    expect(region).to_have_text("as loaded")
    stage.until(lambda: stage.fetched("/list/") >= 2, "it is tried again")
    del stage.answers["/list/"]
    expect(region).not_to_have_attribute("data-stale", "")
    expect(region).to_contain_text("/list/")


def test_a_region_whose_reader_may_not_see_it_any_more_says_so_and_falls_silent(stage, region):
    stage.answers["/list/"] = lambda route: route.fulfill(status=404, body="<h1>Not found</h1>")
    stage.change("messages")
    expect(region).to_have_text("You can no longer see this")
    connection = stage.page.locator("html[data-connection]")
    expect(connection).to_have_count(0)


def test_a_refresh_says_that_nobody_pressed_a_key(stage, region):
    seen = []
    lazy = '<p hx-get="/lazy/" hx-trigger="load">…</p>'
    for path, body in {"/list/": lazy, "/lazy/": "loaded"}.items():
        stage.answers[path] = lambda route, body=body: (
            seen.append(route.request.headers.get("x-vigil-refresh")),
            route.fulfill(body=body),
        )
    stage.change("messages")
    expect(region).to_have_text("loaded")
    assert seen == ["token", "token"], "what a refresh brings in and loads is a refresh too"


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        (
            "text/plain",
            "Nothing was saved. Please try again.",
            "Nothing was saved. Please try again.",
        ),
        ("text/html", "<h1>503</h1>", "That did not work. Please try again."),
    ],
    ids=["the portal", "a proxy"],
)
def test_who_is_told_to_try_again_is_told_why_in_the_portals_own_words(stage, kind, body, told):
    stage.open(f'{LIST}<button hx-post="/act/">Act</button>')
    stage.stands("live")
    stage.page.evaluate(
        "document.addEventListener('toast', (toast) => document.body.title = toast.detail.text)"
    )
    stage.answers["/act/"] = lambda route: route.fulfill(
        status=503, headers={"Retry-After": "5"}, content_type=kind, body=body
    )
    stage.page.click("button[hx-post]")
    expect(stage.page.locator("body")).to_have_attribute("title", told)


def test_what_a_person_asks_for_does_not_say_so(stage):
    seen = []
    stage.open(f'{LIST}<button hx-get="/more/">More</button>')
    stage.stands("live")
    stage.answers["/more/"] = lambda route: (
        seen.append(route.request.headers.get("x-vigil-refresh")),
        route.fulfill(body="more"),
    )
    stage.page.click("button")
    stage.until(lambda: bool(seen), "it is fetched")
    assert seen == [None]


def test_focus_scroll_and_half_written_text_survive_a_refresh(stage):
    rows = "".join(f'<a id="row-{n}" href="#">row {n}</a><br>' for n in range(200))
    stage.open(
        f'<live-region table="messages" hx-get="/list/" hx-trigger="news">{rows}</live-region>'
        '<form><textarea id="reply"></textarea></form>'
    )
    stage.stands("live")
    stage.answers["/list/"] = lambda route: route.fulfill(body=f"<b>new</b>{rows}")
    page = stage.page
    page.fill("#reply", "I feel bet")
    page.focus("#row-150")
    page.evaluate("scrollTo(0, 1200)")
    top = page.evaluate("document.activeElement.getBoundingClientRect().top")
    stage.change("messages")
    expect(page.locator("live-region b")).to_have_text("new")
    assert page.evaluate("document.activeElement.id") == "row-150"
    assert abs(page.evaluate("document.activeElement.getBoundingClientRect().top") - top) < 40
    assert page.input_value("#reply") == "I feel bet"


def test_subscriptions_and_memory_are_flat_over_five_hundred_swaps(stage):
    markup = LIST.replace("hx-trigger", 'hx-swap="outerHTML" hx-trigger')
    stage.open(
        f'<section hx-get="/section/" hx-trigger="swap">{markup}</section>',
        timing={"heartbeat": 1_000},
    )
    stage.stands("live")
    stage.answers["/section/"] = lambda route: route.fulfill(body=markup * 3)
    page = stage.page
    session = stage.context.new_cdp_session(page)
    swap = """async (times) => {
      const section = document.querySelector("section")
      const { client } = await import("realtime/page")
      for (let n = 0; n < times; n++) {
        const settled = new Promise((resolve) => (
          section.addEventListener("htmx:afterSettle", resolve, { once: true })
        ))
        section.dispatchEvent(new Event("swap"))
        await settled
      }
      return client.load
    }"""

    def weigh():
        session.send("HeapProfiler.collectGarbage")
        metrics = session.send("Runtime.getHeapUsage")
        counters = session.send("Memory.getDOMCounters")
        return metrics["usedSize"], counters["nodes"], counters["jsEventListeners"]

    assert page.evaluate(swap, 50) == {"bindings": 1, "regions": 3}
    heap, nodes, listeners = weigh()
    assert page.evaluate(swap, 450) == {"bindings": 1, "regions": 3}
    grown_heap, grown_nodes, grown_listeners = weigh()
    assert grown_heap < heap + 500_000
    assert grown_nodes <= nodes + 50
    assert grown_listeners <= listeners + 20
    assert len(stage.joins) == 1
