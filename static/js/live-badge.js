import { time } from "clinic/clock"
import { client } from "realtime/page"

// A page that just loaded connects at once; a word about it would only flicker.
const QUIET_START_MS = 1_500

/**
 * <live-badge> says in words how fresh the page is: what the server last told (its position and
 * its clock), never that a socket is open.
 *
 * The words change every few seconds, which nobody wants read out: a status beside them, for
 * screen readers, speaks only when the kind of connection changes. That a part of the page is behind
 * is said by <behind-notice>, in more words.
 */
export class LiveBadge extends HTMLElement {
  #standing = null
  #quietUntil = performance.now() + QUIET_START_MS
  #timer = null

  connectedCallback() {
    if (!client) return
    this.#part("visually-hidden").setAttribute("role", "status")
    client.addEventListener("standing", this.#show)
    this.#timer = setTimeout(this.#show, QUIET_START_MS + 1)
    this.#show()
  }

  disconnectedCallback() {
    client?.removeEventListener("standing", this.#show)
    clearTimeout(this.#timer)
  }

  #show = () => {
    const { standing } = client
    const words = sentence(standing)
    const connecting = standing === "reconnecting" && this.#standing === null
    if (!words || (connecting && performance.now() < this.#quietUntil)) return
    const text = this.#part("live-badge__text")
    if (text.textContent !== words) text.textContent = words
    if (this.#standing !== null && this.#standing !== standing) {
      this.#part("visually-hidden").textContent = standing === "behind" ? "" : words
    }
    this.#standing = standing
  }

  #part(name) {
    let part = this.querySelector(`.${name}`)
    if (!part) {
      part = document.createElement("span")
      part.className = name
      this.append(part)
    }
    return part
  }
}

function sentence(standing) {
  const { updatedAt } = client
  switch (standing) {
    case "live":
      return `Live · updated ${time(updatedAt, { second: "2-digit" })}`
    case "behind":
      return `Not up to date since ${time(client.behindSince())}`
    case "reconnecting":
      return `Reconnecting… showing data from ${time(updatedAt)}`
    case "polling":
      return "Checking every 5 s"
    case "offline":
      return `Offline – data from ${time(updatedAt)}`
    case "signed-out":
      return "Signed out"
  }
  return ""
}

customElements.define("live-badge", LiveBadge)
