import { time } from "clinic/clock"
import { client } from "realtime/page"

/**
 * <behind-notice role="status"> stands in the place of the alert bar, and says in words that a part
 * of the page could not be brought up to date, for as long as that is so. Of all parts the bar
 * counts most: without a new alert it looks as calm as it should when there is none.
 *
 * The words change when another part is named, never with each try: a status is heard once.
 */
export class BehindNotice extends HTMLElement {
  connectedCallback() {
    client?.addEventListener("standing", this.#show)
  }

  disconnectedCallback() {
    client?.removeEventListener("standing", this.#show)
  }

  #show = () => {
    const words = sentence()
    if (this.textContent !== words) this.textContent = words
  }
}

function sentence() {
  const bar = document.getElementById("alert-bar")
  const ofBar = bar && client.behindSince(bar)
  const since = ofBar ?? client.behindSince()
  if (since === undefined) return ""
  const what = ofBar ? "Alerts" : "Part of this page"
  return `${what} could not be brought up to date since ${time(since)}. Trying again…`
}

customElements.define("behind-notice", BehindNotice)
