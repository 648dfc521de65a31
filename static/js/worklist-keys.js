import { ListKeys } from "keys/list-keys"

/** <worklist-keys> gives the worklist of alerts its keys: templates/alerts/_keys.html names them. */
export class WorklistKeys extends ListKeys {
  get list() {
    return document.getElementById("worklist")
  }

  get rows() {
    return [...this.list.querySelectorAll("a.worklist__row")]
  }

  // The one with the focus, else the one that is open.
  get row() {
    const focused = document.activeElement?.closest("#worklist a.worklist__row")
    return focused ?? this.list.querySelector("[aria-current=page]")
  }

  does(what) {
    if (what === "back") location.assign("/alerts/")
    else if (what === "show" || what === "pause") this.#control(what)?.click()
    else this.#withItem(what)
  }

  // What is done to an alert is done on its page: another row is opened first.
  #withItem(what) {
    const row = this.row
    if (!row) return
    if (what === "open" || row.getAttribute("aria-current") !== "page") {
      this.open(row)
      return
    }
    const item = document.getElementById("alert-item")
    const control = item?.querySelector(`[data-does=${what === "line" ? "claim" : what}]`)
    if (what === "line") control?.form.querySelector("input[type=text]").focus()
    else if (what === "escalate") control?.focus()
    else control?.click()
    if (control?.matches("summary")) control.parentElement.querySelector("select, input")?.focus()
  }

  // The dialog names what each key does in the same way: only what can be pressed is meant.
  #control(what) {
    return document.querySelector(`.panes__pane :is(a, button)[data-does=${what}]`)
  }
}

customElements.define("worklist-keys", WorklistKeys)
