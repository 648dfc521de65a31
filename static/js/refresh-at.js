/**
 * <refresh-at datetime="2026-11-24T15:30:00Z" now="2026-11-24T15:21:04Z"> in a live region: at that
 * instant the region says something else though nobody did anything (a visit should have begun, a
 * held time is free again), so it asks. The server gives its own clock: a device's may be wrong.
 */
export class RefreshAt extends HTMLElement {
  #timer

  connectedCallback() {
    const wait = Date.parse(this.getAttribute("datetime")) - Date.parse(this.getAttribute("now"))
    if (!(wait >= 0)) return
    this.#timer = setTimeout(() => this.dispatchEvent(new Event("news", { bubbles: true })), wait)
  }

  disconnectedCallback() {
    clearTimeout(this.#timer)
  }
}

customElements.define("refresh-at", RefreshAt)
