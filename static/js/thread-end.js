// How far from its end a reader still counts as following the conversation, in pixels.
const NEAR = 160

/**
 * <thread-end> keeps a reader who is at the end of a conversation at its end when something is
 * added, and leaves one who has scrolled back where they are.
 */
class ThreadEnd extends HTMLElement {
  #observer
  #follows = true

  #look = () => {
    const { scrollHeight, clientHeight, scrollTop } = document.scrollingElement
    this.#follows = scrollHeight - clientHeight - scrollTop < NEAR
  }

  connectedCallback() {
    this.#toEnd()
    this.#observer = new MutationObserver(() => this.#follows && this.#toEnd())
    this.#observer.observe(this, { childList: true, subtree: true })
    addEventListener("scroll", this.#look, { passive: true })
  }

  disconnectedCallback() {
    this.#observer.disconnect()
    removeEventListener("scroll", this.#look)
  }

  #toEnd() {
    this.querySelector(".thread")?.lastElementChild?.scrollIntoView({ block: "center" })
  }
}

customElements.define("thread-end", ThreadEnd)
