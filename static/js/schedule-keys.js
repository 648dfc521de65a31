import { ListKeys } from "keys/list-keys"

/**
 * <schedule-keys> gives the day's list its keys: templates/appointments/staff/_keys.html names them.
 * What has a button in the line is done at once; the rest is done on the page of the visit.
 */
export class ScheduleKeys extends ListKeys {
  connectedCallback() {
    super.connectedCallback()
    // A key in the list has led here: to the form that it means. An address alone does nothing.
    const asked = location.hash.match(/^#do-(\w+)$/)?.[1]
    if (asked) this.#goTo(this.#control(asked))
  }

  get list() {
    return document.getElementById("schedule")
  }

  get rows() {
    return [...this.list.querySelectorAll("a.schedule__link")]
  }

  // The one with the focus, also in its buttons, else the one that is open.
  get row() {
    const focused = document.activeElement?.closest("#schedule .schedule__row")
    return (focused ?? this.list).querySelector(focused ? "a.schedule__link" : "[aria-current=page]")
  }

  does(what) {
    const place = document.querySelector(`a[data-place=${what}]`)
    if (place) place.click()
    else this.#withVisit(what)
  }

  #withVisit(what) {
    const row = this.row
    if (!row) return
    if (what === "open") return this.open(row)
    const button = row.closest(".schedule__row").querySelector(`button[data-does=${what}]`)
    if (row.getAttribute("aria-current") === "page") this.#press(this.#control(what))
    else if (button) button.click()
    else if (row.id.startsWith("open-")) location.assign(`${row.href}#do-${what}`)
  }

  #control(what) {
    return document.querySelector(`#visit-item [data-does=${what}]`)
  }

  #press(control) {
    if (control?.matches("button")) control.click()
    else this.#goTo(control)
  }

  // A form is opened and its first field has the focus.
  #goTo(control) {
    const folded = control?.matches("summary") ? control.parentElement : null
    if (folded) folded.open = true
    const place = folded?.querySelector("select, input:not([type=hidden])") ?? control
    place?.focus()
  }
}

customElements.define("schedule-keys", ScheduleKeys)
