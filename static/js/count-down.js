const SECOND = 1000
const HOUR = 3600
// With reduced motion the digits change twice a minute, not every second.
const CALM_SECONDS = 30

const isCalm = matchMedia("(prefers-reduced-motion: reduce)")
const elements = new Set()
let timer

/** The time left in words of digits: 03:12, 2:03:12 from an hour on, "now" when it is over. */
export function describe(seconds) {
  if (seconds <= 0) return "now"
  const two = (number) => String(number).padStart(2, "0")
  const minutes = Math.floor((seconds % HOUR) / 60)
  const rest = `${two(minutes)}:${two(seconds % 60)}`
  return seconds < HOUR ? rest : `${Math.floor(seconds / HOUR)}:${rest}`
}

function tick() {
  for (const element of elements) element.show()
}

/**
 * <count-down datetime="2026-11-21T14:08:00Z" now="2026-11-21T14:04:48Z">03:12</count-down>
 *
 * The server gives the instant and its own clock, so that a device whose clock is wrong counts
 * right. It is hidden from who listens (`_countdown.html` says the time of day beside it): nothing
 * is announced every second.
 */
export class CountDown extends HTMLElement {
  #skew = 0

  connectedCallback() {
    const server = Date.parse(this.getAttribute("now"))
    this.#skew = Number.isNaN(server) ? 0 : server - Date.now()
    elements.add(this)
    timer ??= setInterval(tick, SECOND)
    this.show()
  }

  disconnectedCallback() {
    elements.delete(this)
    if (elements.size === 0) timer = clearInterval(timer)
  }

  show() {
    const due = Date.parse(this.getAttribute("datetime"))
    if (Number.isNaN(due)) return
    let left = Math.round((due - Date.now() - this.#skew) / SECOND)
    if (isCalm.matches && left > CALM_SECONDS) left = Math.ceil(left / CALM_SECONDS) * CALM_SECONDS
    const text = describe(left)
    if (this.textContent !== text) this.textContent = text
    this.classList.toggle("countdown--soon", left > 0 && left < 60)
    this.classList.toggle("countdown--over", left <= 0)
  }
}

customElements.define("count-down", CountDown)
