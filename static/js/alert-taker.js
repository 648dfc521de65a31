// Longer than a press that was on its way when another alert came under it.
const REST_MS = 1_000

// The alert that stands in the bar, and until when its button rests. What came with the page may be
// pressed at once.
let shown = document.querySelector("alert-taker")?.getAttribute("alert")
let restsUntil = 0

/**
 * <alert-taker alert="…"> holds the button that takes the alert of the bar. When another alert comes
 * into the bar, by news or after the one before was taken, the button is in the same place and
 * means another patient: it rests for a second, in which neither finger nor key takes anything.
 */
export class AlertTaker extends HTMLElement {
  #wake = null

  connectedCallback() {
    const alert = this.getAttribute("alert")
    if (alert !== shown) restsUntil = Date.now() + REST_MS
    shown = alert
    this.addEventListener("click", this.#refuse, { capture: true })
    this.addEventListener("submit", this.#refuse, { capture: true })
    this.#rest()
  }

  disconnectedCallback() {
    clearTimeout(this.#wake)
    if (!document.querySelector("alert-taker")) shown = undefined
  }

  #rest = () => {
    const left = restsUntil - Date.now()
    const button = this.querySelector("button")
    if (left > 0) {
      // Not `disabled`: the focus must be able to get there.
      button.setAttribute("aria-disabled", "true")
      this.#wake = setTimeout(this.#rest, left)
    } else button.removeAttribute("aria-disabled")
  }

  #refuse = (event) => {
    if (restsUntil <= Date.now()) return
    event.preventDefault()
    event.stopPropagation()
  }
}

customElements.define("alert-taker", AlertTaker)
