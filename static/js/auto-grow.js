const GROWS_BY_ITSELF = CSS.supports("field-sizing", "content")

/** <auto-grow> lets the textarea inside grow with its text, where CSS alone cannot. */
export class AutoGrow extends HTMLElement {
  connectedCallback() {
    if (GROWS_BY_ITSELF) return
    this.addEventListener("input", this.#grow)
    this.#grow()
  }

  disconnectedCallback() {
    this.removeEventListener("input", this.#grow)
  }

  #grow = () => {
    const textarea = this.querySelector("textarea")
    if (!textarea) return
    textarea.style.blockSize = "auto"
    textarea.style.blockSize = `${textarea.scrollHeight + 2}px`
  }
}

customElements.define("auto-grow", AutoGrow)
