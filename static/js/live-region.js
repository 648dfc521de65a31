import { backoff } from "realtime/backoff"
import { Coalescer } from "realtime/coalescer"
import { client, moment, readAt, sentAt } from "realtime/page"

// How long news wait for the answer to an act of the reader's own.
const ACT_MS = 3_000

/**
 * <live-region table="client_portal_messages" filter="conversation_id=eq.…" hx-get="…"
 * hx-trigger="news"> tells the markup inside it that its tables have news. It fires `news` and
 * knows nothing else: what to fetch, and where it goes, is htmx's business and written in the
 * template. `table` may name several, `event` is INSERT, UPDATE, DELETE or * (the default); the
 * filter applies to each table, and one may have more of it behind a question mark:
 * table="client_portal_messages client_portal_message_receipts?user_id=neq.…".
 *
 * The first news refresh at once, and the rest of a burst once more; news during a refresh make
 * exactly one more after it; a region that is not shown (closed details, hidden panel) waits until
 * it is. While a form in it is being sent they wait for its answer, which would find its form gone,
 * and with it the way to what else it brings; so does a refresh that was asked for before. A refresh
 * that fails is tried again; meanwhile the
 * region keeps its content and carries `data-stale`, and the page is not live but "behind".
 */
export class LiveRegion extends HTMLElement {
  #leaves = []
  #burst = new Coalescer(() => this.#refresh())
  #told = 0 // when news last came,
  #asked = 0 // and when the content that is shown was asked for
  #running = 0
  #shown = null // watches for the moment when the region appears
  #failures = 0
  #rightUntil = 0 // when the server last spoke before the first of them was sent
  #retry = null
  #held = null // ends the wait for the answer to a form
  #isOverdue = false // it was in vain
  #isRetired = false

  connectedCallback() {
    if (!client) return
    this.#isRetired = false
    const since = readAt()
    this.#leaves = this.#bindings().map((binding) => client.watch(binding, since, this.#tell))
    this.addEventListener("htmx:beforeSend", this.#sent)
    this.addEventListener("htmx:beforeSwap", this.#arrived)
    this.addEventListener("htmx:afterSwap", this.#swapped)
    this.addEventListener("htmx:afterRequest", this.#answered)
  }

  disconnectedCallback() {
    this.retire()
    this.removeEventListener("htmx:beforeSend", this.#sent)
    this.removeEventListener("htmx:beforeSwap", this.#arrived)
    this.removeEventListener("htmx:afterSwap", this.#swapped)
    this.removeEventListener("htmx:afterRequest", this.#answered)
  }

  /** Wait for nothing any more: the region has gone, or its reader may not see it. */
  retire() {
    this.#isRetired = true
    this.#recover()
    for (const leave of this.#leaves.splice(0)) leave()
    this.#burst.cancel()
    this.#shown?.disconnect()
    clearTimeout(this.#held)
  }

  #bindings() {
    const event = this.getAttribute("event") ?? "*"
    const ofAll = this.getAttribute("filter") ?? ""
    const tables = (this.getAttribute("table") ?? "").split(/\s+/).filter(Boolean)
    return tables.map((each) => {
      const [table, own] = each.split("?")
      const filter = [ofAll, own].filter(Boolean).join(",")
      return { event, schema: "public", table, filter }
    })
  }

  #tell = () => {
    this.#told = moment()
    this.#burst.add()
  }

  #refresh(anyway = false) {
    if (this.#running) return // its answer will be found to be behind
    if (!anyway && this.#sends) return this.#waitForAnswer()
    this.#isOverdue = anyway
    if (this.checkVisibility()) this.dispatchEvent(new Event("news"))
    else this.#whenShown()
  }

  get #sends() {
    return this.querySelector("form.htmx-request") !== null
  }

  #waitForAnswer() {
    this.#held ??= setTimeout(() => {
      this.#held = null
      if (this.#told > this.#asked) this.#refresh(true)
    }, ACT_MS)
  }

  // Where nobody sees it, what is old misleads nobody.
  #whenShown() {
    client.isAbreast(this)
    this.#shown ??= new ResizeObserver(() => {
      if (!this.checkVisibility()) return
      this.#shown.disconnect()
      this.#shown = null
      this.#refresh()
    })
    this.#shown.observe(this)
  }

  // Also what the region fetches for other reasons, such as its first content.
  #sent = ({ detail }) => {
    if (!concerns(this, detail)) return
    this.#running += 1
    if (!this.#failures) this.#rightUntil = client.updatedAt
  }

  // A form was sent while this was on its way: what it brings is asked for again.
  #arrived = ({ detail }) => {
    if (!concerns(this, detail) || this.#isOverdue || !this.#sends) return
    detail.shouldSwap = false
    this.#told = moment()
  }

  // Any answer that lands here counts, such as that of a form: it may be older than the news.
  #swapped = ({ detail }) => {
    this.#asked = sentAt(detail.xhr)
    this.#catchUp()
  }

  #answered = ({ detail }) => {
    if (!concerns(this, detail)) return this.#catchUp()
    this.#running -= 1
    if (this.#isRetired) return
    if (failed(detail.xhr)) return this.#retryLater()
    this.#recover()
    this.#asked = sentAt(detail.xhr)
    this.#catchUp()
  }

  #catchUp() {
    if (this.#told > this.#asked && !this.#burst.isPending) this.#refresh()
  }

  #retryLater() {
    this.dataset.stale = ""
    client.fellBehind(this, this.#rightUntil)
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.#refresh(), backoff(this.#failures++))
  }

  #recover() {
    delete this.dataset.stale
    client?.isAbreast(this)
    clearTimeout(this.#retry)
    this.#failures = 0
  }
}

// Reading into this region: not the posts of a form in it, not a smaller region within.
function concerns(region, { requestConfig }) {
  const { verb, elt, triggeringEvent } = requestConfig
  if (verb !== "get") return false
  return elt === region || (triggeringEvent?.type === "news" && triggeringEvent.target === region)
}

// No answer, or none that brings content: the trouble of the server or of a proxy before it. What
// a refusal ends, page-refresh.js has ended by now.
function failed({ status }) {
  return status < 200 || status >= 300
}

customElements.define("live-region", LiveRegion)
