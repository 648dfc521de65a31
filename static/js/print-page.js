/** <print-page><button>Print</button></print-page>: the page as its style sheet has it on paper. */
export class PrintPage extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this.#print)
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#print)
  }

  #print = () => print()
}

customElements.define("print-page", PrintPage)
