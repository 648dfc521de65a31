// Long enough to read twice; errors stay until they are closed (WCAG 2.2.1).
const STAY_MS = 8000

/**
 * <toast-list> shows confirmations of the reader's own acts. An htmx answer adds one with the
 * header `HX-Trigger: {"toast": {"text": "Message sent.", "level": "success"}}`; or, where the words
 * name a patient and belong into no header, with `hx-swap-oob="beforeend:toast-list"`.
 * A toast under the pointer or the focus waits.
 */
export class ToastList extends HTMLElement {
  #arrivals = new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const each of addedNodes) if (each.matches?.(".toast")) this.#schedule(each)
    }
  })

  connectedCallback() {
    document.addEventListener("toast", this.#add)
    this.addEventListener("click", this.#close)
    for (const toast of this.querySelectorAll(".toast")) this.#schedule(toast)
    this.#arrivals.observe(this, { childList: true })
  }

  disconnectedCallback() {
    this.#arrivals.disconnect()
    document.removeEventListener("toast", this.#add)
    this.removeEventListener("click", this.#close)
  }

  #add = ({ detail: { text, level = "success" } }) => {
    const toast = this.querySelector("template").content.firstElementChild.cloneNode(true)
    toast.classList.add(`toast--${level}`)
    toast.querySelector(".toast__text").textContent = text
    this.append(toast)
  }

  #close = ({ target }) => {
    if (target.closest(".toast__close")) target.closest(".toast").remove()
  }

  #schedule(toast) {
    if (toast.matches(".toast--error, .toast--warning")) return
    setTimeout(() => {
      if (toast.matches(":hover, :focus-within")) this.#schedule(toast)
      else toast.remove()
    }, STAY_MS)
  }
}

customElements.define("toast-list", ToastList)
