import { CHANGED, choose, isOn } from "sound/choice"
import { player } from "sound/pulses"

const WORDS = { on: "Sound on", off: "Sound off", blocked: "Sound is blocked by your browser." }

/**
 * <sound-switch> turns the sound of this device on, by a click as browsers want it, and off; its
 * second button plays what a critical alert sounds like, whether it is on or not.
 */
export class SoundSwitch extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this.#press)
    document.addEventListener(CHANGED, this.#show)
    this.#show()
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#press)
    document.removeEventListener(CHANGED, this.#show)
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
    button.querySelector("span").textContent = isOn() ? WORDS.on : WORDS.off
  }

  get #said() {
    return this.querySelector("[role=status]").textContent
  }

  #say(words) {
    this.querySelector("[role=status]").textContent = words
  }
}

customElements.define("sound-switch", SoundSwitch)
