const MINUTE = 60 * 1000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const WEEK = 7 * DAY

// "2026-11-24": the day it is in the clinic, like every other date on the page.
const { timeZone } = document.body.dataset
const dates = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeZone })
// Clinicians scan columns of ages: "3 hr. ago" there, "3 hours ago" for patients.
const { lang, dataset } = document.documentElement
const style = dataset.frame === "staff" ? "short" : "long"
const words = new Intl.RelativeTimeFormat(lang || "en", { numeric: "auto", style })
const elements = new Set()
let timer

/** Say how long ago (or ahead) an instant is, in the largest unit that is not nought. */
export function describe(at, now) {
  const distance = at - now
  const size = Math.abs(distance)
  if (size < MINUTE) return distance > 0 ? "in less than a minute" : "just now"
  if (size < HOUR) return words.format(Math.trunc(distance / MINUTE), "minute")
  if (size < DAY) return words.format(Math.trunc(distance / HOUR), "hour")
  // By the calendar: 46 hours ago may be two days ago, and then it was not yesterday.
  return words.format((midnight(at) - midnight(now)) / DAY, "day")
}

function midnight(instant) {
  return Date.parse(dates.format(instant))
}

function refresh() {
  for (const element of elements) element.show()
}

/**
 * <relative-time datetime="2026-11-24T14:03:00Z">Tue 24 Nov, 14:03</relative-time>
 *
 * The server writes the exact time in the clinic's zone. This shows its age instead and keeps the
 * exact time as the title and for screen readers; with `beside` it shows both, "14:03 · 2 min ago".
 * Older than a week, the exact time says more and stays.
 */
export class RelativeTime extends HTMLElement {
  #exact

  connectedCallback() {
    this.#exact ??= this.textContent.trim()
    elements.add(this)
    timer ??= setInterval(refresh, MINUTE / 2)
    this.show()
  }

  disconnectedCallback() {
    elements.delete(this)
    if (elements.size === 0) timer = clearInterval(timer)
  }

  show() {
    const at = Date.parse(this.getAttribute("datetime"))
    if (Number.isNaN(at)) return
    const now = Date.now()
    if (Math.abs(at - now) > WEEK) {
      this.textContent = this.#exact
      return
    }
    const age = describe(at, now)
    this.title = this.#exact
    const text = this.hasAttribute("beside") ? `${this.#exact} · ${age}` : age
    // Writing the same text again would wake every observer of the page for nothing.
    if (this.textContent !== text) this.textContent = text
  }
}

customElements.define("relative-time", RelativeTime)
