import { SAID, remember, remembered } from "tab/memory"

const REMEMBERED = 200

/**
 * <alert-announcer> says each alert aloud once: an element with `data-announces="id:round"` in the
 * page becomes one line with `role=alert`, and no refresh and no other page of the reader's in this
 * tab says it again. An alert that is raised anew begins another round, and is said again.
 */
export class AlertAnnouncer extends HTMLElement {
  connectedCallback() {
    document.addEventListener("htmx:afterSettle", this.#look)
    // A live region speaks only of what comes into it after it was there.
    setTimeout(this.#look, 0)
  }

  disconnectedCallback() {
    document.removeEventListener("htmx:afterSettle", this.#look)
  }

  #look = () => {
    const said = remembered(SAID, [])
    for (const element of document.querySelectorAll("[data-announces]")) {
      const which = element.dataset.announces
      if (said.includes(which)) continue
      said.push(which)
      const line = document.createElement("p")
      line.setAttribute("role", "alert")
      line.dataset.of = which
      this.append(line)
      line.textContent = element.textContent
    }
    remember(SAID, said.slice(-REMEMBERED))
  }
}

customElements.define("alert-announcer", AlertAnnouncer)
