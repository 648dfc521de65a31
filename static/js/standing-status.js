/**
 * <standing-status for="worklist" role="status"> says what the part with that id has to say: the
 * words of its `data-says`. The part is fetched anew all the time, and a status that comes together
 * with its words is not heard; this one stands, and changes only when the words do.
 */
export class StandingStatus extends HTMLElement {
  connectedCallback() {
    document.addEventListener("htmx:afterSettle", this.#look)
    // A live region speaks only of what comes into it after it was there.
    setTimeout(this.#look, 0)
  }

  disconnectedCallback() {
    document.removeEventListener("htmx:afterSettle", this.#look)
  }

  #look = () => {
    const says = document.getElementById(this.getAttribute("for"))?.dataset.says ?? ""
    if (this.textContent !== says) this.textContent = says
  }
}

customElements.define("standing-status", StandingStatus)
