// A burst (a ward round, a batch of results) becomes one refresh…
const QUIET_MS = 150
// …but a topic that never falls quiet must not hold its reader back for ever.
const CEILING_MS = 1_000

/** When to act on a burst that began at `first` and was last added to at `latest`. */
export function dueAt(first, latest) {
  return Math.min(latest + QUIET_MS, first + CEILING_MS)
}

/** Makes one call of `act` out of many calls of `add`. */
export class Coalescer {
  #act
  #first = null
  #timer = null

  constructor(act) {
    this.#act = act
  }

  add() {
    const now = performance.now()
    this.#first ??= now
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#fire(), dueAt(this.#first, now) - now)
  }

  get isPending() {
    return this.#first !== null
  }

  cancel() {
    clearTimeout(this.#timer)
    this.#first = null
  }

  #fire() {
    this.#first = null
    this.#act()
  }
}
