// "Tue 24 Nov, 10:30 a.m." on the clinic's clock: the same instant where this device is.
const { timeZone: clinic } = document.body.dataset
const here = new Intl.DateTimeFormat().resolvedOptions().timeZone

function clock(at, timeZone, rest = {}) {
  const shape = { hour: "numeric", minute: "2-digit", weekday: "short", ...rest, timeZone }
  const parts = new Intl.DateTimeFormat("en-US", shape).formatToParts(at)
  return Object.fromEntries(parts.map(({ type, value }) => [type, value]))
}

/**
 * "Tue 4:30 p.m. Central European Time" where the device's clock differs from the clinic's, or "".
 * In short "4:30 p.m.", with the day only where that is another.
 */
export function describe(at, clinicZone, ownZone, isShort = false) {
  const [there, own] = [clock(at, clinicZone), clock(at, ownZone, { timeZoneName: "longGeneric" })]
  const isSame = ["weekday", "hour", "minute", "dayPeriod"].every((part) => there[part] === own[part])
  if (isSame) return ""
  const minutes = own.minute === "00" ? "" : `:${own.minute}`
  const half = own.dayPeriod === "AM" ? "a.m." : "p.m."
  const time = `${own.hour}${minutes} ${half}`
  if (isShort) return own.weekday === there.weekday ? time : `${own.weekday} ${time}`
  return `${own.weekday} ${time} ${own.timeZoneName}`
}

/**
 * <own-time datetime="2026-11-24T10:30:00-05:00"></own-time> says a time on the reader's own clock
 * too, so that nobody who travels comes at the wrong hour. What the server wrote, for somebody who
 * has told it where they live, stays.
 */
export class OwnTime extends HTMLElement {
  connectedCallback() {
    const at = new Date(this.getAttribute("datetime"))
    if (this.textContent.trim() || Number.isNaN(at.valueOf()) || !clinic || clinic === here) return
    const own = describe(at, clinic, here, this.hasAttribute("short"))
    if (own) this.textContent = `${own} for you`
  }
}

customElements.define("own-time", OwnTime)
