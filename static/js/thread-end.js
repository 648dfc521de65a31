// How far from its end a reader still counts as following the conversation, in pixels.
const NEAR = 160

/**
 * <thread-end> holds the messages of a conversation. A page opens at the first new message, or at
 * the end. A reader who is at the end stays there when something is added; one who has scrolled
 * back stays where they are. What was unfolded stays unfolded when the messages are read again.
 */
class ThreadEnd extends HTMLElement {
  #observer
  #follows = true
  #unfolded = new Set()

  connectedCallback() {
    this.#scroller().addEventListener("scroll", this.#look, { passive: true })
    this.addEventListener("toggle", this.#remember, { capture: true })
    this.#observer = new MutationObserver(this.#changed)
    this.#observer.observe(this, { childList: true, subtree: true })
    this.#open()
  }

  disconnectedCallback() {
    this.#observer.disconnect()
    this.removeEventListener("toggle", this.#remember, { capture: true })
    this.#scroller().removeEventListener("scroll", this.#look)
  }

  #look = () => {
    const { scrollHeight, clientHeight, scrollTop } = this.#box()
    this.#follows = scrollHeight - clientHeight - scrollTop < NEAR + this.#below()
  }

  #remember = ({ target }) => {
    if (!target.id) return
    if (target.open) this.#unfolded.add(target.id)
    else this.#unfolded.delete(target.id)
  }

  #changed = () => {
    for (const id of this.#unfolded) {
      const details = document.getElementById(id)
      if (details && !details.open) details.open = true
    }
    if (this.#follows) this.#toEnd()
  }

  #open() {
    if (location.hash && location.hash !== "#end") return
    this.#toEnd()
    const firstNew = this.querySelector(".thread__new")
    if (firstNew?.getBoundingClientRect().top < this.#top()) {
      firstNew.scrollIntoView({ block: "start", behavior: "instant" })
    }
    this.#look()
  }

  #toEnd() {
    this.querySelector(".thread")?.lastElementChild?.scrollIntoView({
      block: "nearest",
      behavior: "instant",
    })
  }

  #top() {
    const box = this.#box()
    return box === document.scrollingElement ? 0 : box.getBoundingClientRect().top
  }

  // The pane scrolls on a wide screen, the page on a narrow one.
  #box() {
    for (let at = this.parentElement; at; at = at.parentElement) {
      if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at
    }
    return document.scrollingElement
  }

  #scroller() {
    const box = this.#box()
    return box === document.scrollingElement ? window : box
  }

  // What stands under the conversation on the same page is not part of its end.
  #below() {
    const box = this.#box()
    if (box !== document.scrollingElement) return 0
    return box.scrollHeight - box.scrollTop - this.getBoundingClientRect().bottom
  }
}

customElements.define("thread-end", ThreadEnd)
