/**
 * <read-marker> holds the form "I have read this". When the page is really in front of somebody, it
 * sends the form for them: a message that arrived in a hidden tab has not been seen. What is said
 * need not be said again: then the marker goes.
 */
class ReadMarker extends HTMLElement {
  #whenShown = () => {
    if (document.visibilityState === "visible") this.#send()
  }

  connectedCallback() {
    this.hidden = true
    document.addEventListener("visibilitychange", this.#whenShown)
    this.addEventListener("htmx:afterRequest", this.#answered)
    this.#whenShown()
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#whenShown)
    this.removeEventListener("htmx:afterRequest", this.#answered)
  }

  #answered = ({ detail }) => {
    if (detail.successful) this.remove()
  }

  #send() {
    document.removeEventListener("visibilitychange", this.#whenShown)
    const form = this.querySelector("form")
    // htmx may not have come to this form yet; without its care nothing would hear the event.
    window.htmx.process(form)
    form.dispatchEvent(new Event("shown"))
  }
}

customElements.define("read-marker", ReadMarker)
