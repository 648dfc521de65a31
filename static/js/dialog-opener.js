/**
 * <dialog-opener for="id"><a class="button" href="/fallback/">…</a></dialog-opener> opens the
 * <dialog> with that id instead of following the link; a button works the same. Inside the dialog
 * a button with `data-close` closes it. Focus returns to the opener by itself: the browser does it.
 */
export class DialogOpener extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this.#open)
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.#open)
  }

  #open = (event) => {
    const dialog = document.getElementById(this.getAttribute("for"))
    if (!dialog || !event.target.closest("a, button")) return
    event.preventDefault()
    dialog.addEventListener("click", close)
    dialog.showModal()
  }
}

function close({ target, currentTarget: dialog }) {
  // A click on the dialog itself is one on its backdrop: its content fills it.
  if (target === dialog || target.closest("[data-close]")) dialog.close()
}

customElements.define("dialog-opener", DialogOpener)
