// Kept on the device: keys for the whole page, not only for the list.
const EVERYWHERE = "vigil.keys"
// Whoever opened an item by key goes on by key: the next page puts the focus into its list.
const BY_KEY = "vigil.by-key"
// After "g" the second letter must come soon.
const SECOND_MS = 1500
const TYPING = "input, textarea, select, [contenteditable]"

/**
 * What the keys of a list have in common. Which keys there are, and what each is called, stands in
 * the dialog inside the element and nowhere else; what they do stands in the class that extends this
 * one: `list`, `rows`, `row` say where one moves, `does(what)` acts.
 *
 * Single keys work only while the list has the focus, or on the whole page where somebody switched
 * that on (WCAG 2.1.4); never while something is typed, and never with Ctrl, Alt or Meta.
 */
export class ListKeys extends HTMLElement {
  #begun = ""
  #begunAt = 0

  connectedCallback() {
    document.addEventListener("keydown", this.#hear)
    this.addEventListener("click", this.#press)
    this.#everywhere.checked = localStorage.getItem(EVERYWHERE) === "everywhere"
    this.#everywhere.addEventListener("change", this.#choose)
    if (sessionStorage.getItem(BY_KEY)) {
      sessionStorage.removeItem(BY_KEY)
      this.row?.focus()
    }
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#hear)
  }

  get #everywhere() {
    return this.querySelector("[data-everywhere]")
  }

  /** Open a row; its page goes on by key. */
  open(row) {
    sessionStorage.setItem(BY_KEY, "1")
    row.click()
  }

  #choose = () => {
    localStorage.setItem(EVERYWHERE, this.#everywhere.checked ? "everywhere" : "list")
  }

  #press = ({ target }) => {
    const dialog = this.querySelector("dialog")
    if (target.closest("[data-close]") || target === dialog) dialog.close()
    else if (target.closest("[data-does=list]")) dialog.showModal()
  }

  #hear = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return
    if (event.target.closest(TYPING) || document.querySelector("dialog[open], [popover]:popover-open")) return
    if (!this.#everywhere.checked && !this.list?.contains(document.activeElement)) return
    const isSecond = this.#begun && event.timeStamp - this.#begunAt < SECOND_MS
    const pressed = isSecond ? `${this.#begun} ${event.key}` : event.key
    this.#begun = ""
    const does = this.querySelector(`[data-key="${CSS.escape(pressed)}"]`)?.dataset.does
    if (does) {
      event.preventDefault()
      this.#do(does)
    } else if (this.querySelector(`[data-key^="${CSS.escape(pressed)} "]`)) {
      this.#begun = pressed
      this.#begunAt = event.timeStamp
    }
  }

  #do(what) {
    const place = { inbox: "/messages/", patients: "/patients/" }[what]
    if (place) location.assign(place)
    else if (what === "next") this.#move(1)
    else if (what === "previous") this.#move(-1)
    else if (what === "list") this.querySelector("dialog").showModal()
    else if (what === "search") document.querySelector(".search input[type=search]")?.focus()
    else this.does(what)
  }

  #move(by) {
    const rows = this.rows
    const at = rows.indexOf(this.row)
    rows.at(at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1))?.focus()
  }
}
