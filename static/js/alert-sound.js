import { client } from "realtime/page"
import { CHANGED, isOn } from "sound/choice"
import { player } from "sound/pulses"
import { HEARD, SILENCED, remember, remembered } from "tab/memory"

const REPEAT_MS = 30_000
// A connection, or a bar, that comes back by itself within seconds need not wake anybody.
const STALE_AFTER_MS = 15_000
// Who stops the sound gets up and goes there; an alert that nobody has by then sounds again.
const SILENCE_MS = 2 * 60_000
const REMEMBERED = 200
const STALE = "stale"

/**
 * <alert-sound> makes waiting alerts heard on every staff page: critical ones every 30 s until
 * somebody has them, urgent ones once; and a lost connection, or a bar that cannot be brought up to
 * date, like a critical alert, because a page that shows old data looks calm. One tab sounds for the
 * whole browser. It shows itself only while it sounds, to be stopped, and when the browser does not
 * let it. Stopped is what waits now, for two minutes or until the next step of its escalation
 * (`data-step`), whichever is first.
 */
export class AlertSound extends HTMLElement {
  #leads = false
  #timer = null
  #staleTimer = null
  #silenceEnds = null
  #isStale = false
  #gone = new AbortController()

  connectedCallback() {
    this.#gone = new AbortController()
    const { signal } = this.#gone
    document.addEventListener("htmx:afterSettle", this.#look, { signal })
    document.addEventListener(CHANGED, this.#look, { signal })
    this.addEventListener("click", this.#press, { signal })
    client?.addEventListener("standing", this.#watch, { signal })
    this.#lead(signal)
  }

  disconnectedCallback() {
    this.#gone.abort()
    clearTimeout(this.#silenceEnds)
    this.#quiet()
  }

  // The first tab sounds; when it is closed, the next one does.
  #lead(signal) {
    const begin = () => {
      this.#leads = true
      this.#look()
    }
    if (!navigator.locks) return begin()
    const held = new Promise((resolve) => signal.addEventListener("abort", resolve))
    navigator.locks
      .request("vigil.sound", { signal }, () => {
        begin()
        return held
      })
      .catch(() => {}) // the page went away before its turn came
  }

  #watch = () => {
    if (!isLost() && !isBehind()) {
      clearTimeout(this.#staleTimer)
      this.#staleTimer = null
      this.#isStale = false
      remember(SILENCED, { ...remembered(SILENCED, {}), [STALE]: 0 })
      this.#look()
    } else if (this.#staleTimer === null) {
      const wait = Number(document.body.dataset.staleSoundMs ?? STALE_AFTER_MS)
      this.#staleTimer = setTimeout(() => {
        this.#isStale = true
        this.#look()
      }, wait)
    }
  }

  #look = () => {
    this.#lookWhenSilenceEnds()
    // Who sounds keeps its line in the background: an alarm that a hidden tab does not hear is none.
    document.body.toggleAttribute("data-keeps-line", isOn())
    if (!isOn() || !this.#leads) return this.#quiet()
    const isUnheard = this.#fresh.length > 0
    if (this.#waiting.length > 0) this.#repeat()
    else if (!isUnheard || this.#timer !== null) this.#quiet()
    if (isUnheard) this.#once()
  }

  // Urgent alerts that this tab has not sounded for.
  get #fresh() {
    const heard = remembered(HEARD, [])
    return announced("urgent").filter((which) => !heard.includes(which))
  }

  // What sounds again and again: critical alerts and a page that is old, unless silenced.
  get #waiting() {
    const silenced = remembered(SILENCED, {})
    const now = [...announced("critical"), ...(this.#isStale ? [STALE] : [])]
    return now.filter((which) => !(silenced[which] > Date.now()))
  }

  get #why() {
    if (!this.#isStale) return "critical"
    return isLost() ? "stale" : "behind"
  }

  #lookWhenSilenceEnds() {
    clearTimeout(this.#silenceEnds)
    const ends = Object.values(remembered(SILENCED, {})).filter((until) => until > Date.now())
    if (ends.length) this.#silenceEnds = setTimeout(this.#look, Math.min(...ends) - Date.now())
  }

  #repeat() {
    if (this.#timer === null) {
      this.#timer = setInterval(() => this.#sound("critical"), REPEAT_MS)
      this.#sound("critical")
    } else if (this.dataset.state && this.dataset.state !== "blocked") {
      // Only one that was let sound may say that it does.
      this.#show(this.#why, "stop")
    }
  }

  async #once() {
    const may = await player.mayPlay()
    // While the browser was asked, another look may have sounded, or somebody switched it off.
    const fresh = this.#fresh
    if (fresh.length === 0 || !isOn() || !this.isConnected) return
    if (!may) return this.#show("blocked", "allow")
    remember(HEARD, [...remembered(HEARD, []), ...fresh].slice(-REMEMBERED))
    // A critical alert that sounds already is not to be drowned.
    if (this.#timer !== null) return
    this.#quiet()
    player.play("urgent")
  }

  async #sound(level) {
    const may = await player.mayPlay()
    if (this.#timer === null) return // silenced while the browser was asked
    if (!may) return this.#show("blocked", "allow")
    player.play(level)
    this.#show(this.#why, "stop")
  }

  #press = async ({ target }) => {
    if (!target.closest("button")) return
    if (this.dataset.state === "blocked") {
      if (!(await player.mayPlay())) return
      if (this.#timer !== null) this.#sound("critical")
      this.#look()
      return
    }
    this.#silence()
    this.#quiet()
  }

  #silence() {
    const now = Date.now()
    const standing = Object.entries(remembered(SILENCED, {})).filter(([, until]) => until > now)
    const stopped = this.#waiting.map((which) => [which, now + SILENCE_MS])
    remember(SILENCED, Object.fromEntries([...standing, ...stopped]))
    this.#lookWhenSilenceEnds()
  }

  #quiet() {
    clearInterval(this.#timer)
    this.#timer = null
    player.stop()
    this.hidden = true
    delete this.dataset.state
    this.querySelector(".alert-sound__words").textContent = ""
  }

  #show(state, button) {
    if (this.dataset.state === state) return
    const words = (name) =>
      this.querySelector("template").content.querySelector(`[data-words=${name}]`).textContent
    this.dataset.state = state
    this.hidden = false
    this.querySelector("button").textContent = words(button)
    this.querySelector(".alert-sound__words").textContent = words(state)
  }
}

function isLost() {
  return ["offline", "reconnecting"].includes(client.standing)
}

function isBehind() {
  return client.behindSince(document.getElementById("alert-bar")) !== undefined
}

// Each step of an escalation makes it another thing to be heard.
function announced(level) {
  const found = document.querySelectorAll(`[data-announces][data-level=${level}]`)
  return Array.from(found, ({ dataset: { announces, step } }) => [announces, step].join(" "))
}

customElements.define("alert-sound", AlertSound)
