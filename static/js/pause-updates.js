import { time } from "clinic/clock"
import { PAUSED_UNTIL, remember, remembered } from "tab/memory"

// A pause ends by itself: one that is forgotten would be a list that lies.
const LONGEST_MS = 15 * 60 * 1000

/**
 * <pause-updates> holds back what refreshes the regions marked `data-pausable` (WCAG 2.2.2), in
 * this tab and for a quarter of an hour at most. Critical alerts come all the same: of a held
 * answer the part marked `data-pins` still takes its place.
 */
export class PauseUpdates extends HTMLElement {
  #end = null

  connectedCallback() {
    this.addEventListener("click", this.#press)
    document.addEventListener("htmx:beforeSwap", this.#hold)
    this.#show()
  }

  disconnectedCallback() {
    clearTimeout(this.#end)
    this.removeEventListener("click", this.#press)
    document.removeEventListener("htmx:beforeSwap", this.#hold)
  }

  get #until() {
    return remembered(PAUSED_UNTIL, 0)
  }

  #press = ({ target }) => {
    if (!target.closest("button")) return
    if (this.#until > Date.now()) this.#resume()
    else {
      remember(PAUSED_UNTIL, Date.now() + LONGEST_MS)
      this.#show()
    }
  }

  #resume = () => {
    remember(PAUSED_UNTIL, 0)
    this.#show()
    for (const region of document.querySelectorAll("[data-pausable]")) {
      region.dispatchEvent(new Event("news"))
    }
  }

  #show() {
    const left = this.#until - Date.now()
    clearTimeout(this.#end)
    if (left > 0) this.#end = setTimeout(this.#resume, left)
    const button = this.querySelector("button")
    button.setAttribute("aria-pressed", String(left > 0))
    button.textContent = left > 0 ? "Updates paused" : "Pause updates"
    this.querySelector("[role=status]").textContent =
      left > 0 ? `Until ${time(this.#until)}. Critical alerts still come.` : ""
  }

  #hold = (event) => {
    const { target, xhr, requestConfig } = event.detail
    const isNews = requestConfig.triggeringEvent?.type === "news"
    if (!isNews || this.#until <= Date.now() || !target.matches("[data-pausable]")) return
    event.detail.shouldSwap = false
    if (xhr.status === 200) pin(target, xhr.responseText)
  }
}

// The critical part of what came, in the place of the one that is shown.
function pin(region, html) {
  const came = new DOMParser().parseFromString(html, "text/html").querySelector("[data-pins]")
  const shown = region.querySelector("[data-pins]")
  if (came?.outerHTML === shown?.outerHTML) return
  if (!came) return shown.remove()
  const focused = document.activeElement?.id
  if (shown) shown.replaceWith(came)
  else region.prepend(came)
  window.htmx.process(came)
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus()
}

customElements.define("pause-updates", PauseUpdates)
