import { client, csrfToken } from "realtime/page"

const LOOK_EVERY_MS = 1_000
// While the question stands, another tab may have answered it.
const ASK_EVERY_MS = 5_000

/**
 * <session-guard href="/session/" idle-seconds="900" warning-seconds="60"> asks a person who has
 * been quiet whether they are still there, and takes the page away when nobody answers.
 *
 * The server knows how long the session still has; asking it is no activity. It is asked when by
 * our own count the warning would be due, so what happens in other tabs counts. The dialog works
 * as a plain form too; it is markup of the template.
 */
export class SessionGuard extends HTMLElement {
  #endsAt = 0
  #askedAt = 0
  #asking = false
  #looking = null

  connectedCallback() {
    this.#endsAt = Date.now() + this.#seconds("idle-seconds", 0)
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS)
    document.addEventListener("visibilitychange", this.#returned)
    addEventListener("pageshow", this.#returned)
    this.#stay?.addEventListener("click", this.#extend)
    // Escape means "I am here" as much as the button does.
    this.#dialog.addEventListener("cancel", this.#extend)
  }

  disconnectedCallback() {
    clearInterval(this.#looking)
    document.removeEventListener("visibilitychange", this.#returned)
    removeEventListener("pageshow", this.#returned)
  }

  get #dialog() {
    return this.querySelector("dialog")
  }

  get #stay() {
    return this.querySelector("[data-stay]")
  }

  #seconds(attribute, otherwise) {
    return Number(this.getAttribute(attribute) || otherwise) * 1_000
  }

  // By the wall clock: timers stand still while a laptop sleeps, the session does not.
  #look() {
    const left = this.#endsAt - Date.now()
    if (left > this.#seconds("warning-seconds", 60)) return
    if (this.#dialog.open) this.#count(left)
    if (left <= 0 || !this.#dialog.open || Date.now() - this.#askedAt >= ASK_EVERY_MS) {
      this.#ask(left)
    }
  }

  #returned = ({ type, persisted }) => {
    if (document.hidden || (type === "pageshow" && !persisted)) return
    this.#ask(this.#endsAt - Date.now())
  }

  #extend = (event) => {
    event.preventDefault()
    this.#ask(this.#endsAt - Date.now(), "POST")
  }

  async #ask(left, method = "GET") {
    if (this.#asking && method === "GET") return
    this.#asking = true
    this.#askedAt = Date.now()
    try {
      const response = await fetch(this.getAttribute("href"), {
        method,
        headers: { Accept: "application/json", "X-CSRFToken": csrfToken() },
        cache: "no-store",
        redirect: "manual",
      })
      if (response.ok) this.#learned((await response.json()).seconds_left * 1_000)
      else if (response.status < 500) client?.end("signed-out")
    } catch {
      // No network: our own count stands, and at its end the page goes.
    } finally {
      this.#asking = false
    }
    if (left <= 0 && this.#endsAt <= Date.now()) client?.end("signed-out")
  }

  #learned(left) {
    this.#endsAt = Date.now() + left
    const dialog = this.#dialog
    const due = left <= this.#seconds("warning-seconds", 60)
    if (due && !dialog.open) {
      document.dispatchEvent(new Event("session-warning"))
      dialog.showModal()
    }
    if (!due && dialog.open) dialog.close()
    if (due) this.#count(left)
  }

  #count(left) {
    const seconds = String(Math.max(0, Math.ceil(left / 1_000)))
    this.querySelector("[data-seconds-left]").textContent = seconds
  }
}

customElements.define("session-guard", SessionGuard)
