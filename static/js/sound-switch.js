import { client } from "realtime/page"
import { CHANGED, choose, isOn } from "sound/choice"
import { player } from "sound/pulses"

const WORDS = {
  on: "Sound on",
  off: "Sound off",
  late: "Sound on, but alerts are late",
  blocked: "Sound is blocked by your browser.",
}

/**
 * <sound-switch> turns the sound of this device on, by a click as browsers want it, and off; its
 * second button plays what a critical alert sounds like, whether it is on or not. While no new alert
 * reaches the page it does not say only that the sound is on.
 */
export class SoundSwitch extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this.#press)
    document.addEventListener(CHANGED, this.#show)
    client?.addEventListener("standing", this.#show)
    this.#show()
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#press)
    document.removeEventListener(CHANGED, this.#show)
    client?.removeEventListener("standing", this.#show)
  }

  #press = async ({ target }) => {
    const button = target.closest("button")
    if (!button) return
    if ("test" in button.dataset) {
      this.#say((await player.mayPlay()) ? "" : WORDS.blocked)
      if (!this.#said) player.play("critical")
      return
    }
    if (isOn()) {
      player.stop()
      choose(false)
      this.#say("")
      return
    }
    this.#say((await player.mayPlay()) ? "" : WORDS.blocked)
    choose(true)
  }

  #show = () => {
    const button = this.querySelector("[data-switch]")
    button.setAttribute("aria-pressed", String(isOn()))
    const words = isOn() ? (areLate() ? WORDS.late : WORDS.on) : WORDS.off
    const label = button.querySelector("span")
    if (label.textContent !== words) label.textContent = words
  }

  get #said() {
    return this.querySelector("[role=status]").textContent
  }

  #say(words) {
    this.querySelector("[role=status]").textContent = words
  }
}

function areLate() {
  const bar = document.getElementById("alert-bar")
  return client?.standing === "offline" || client?.behindSince(bar) !== undefined
}

customElements.define("sound-switch", SoundSwitch)
