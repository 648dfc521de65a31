// What one change writes (a message, its receipts, a notification) arrives in a few milliseconds.
const GATHER_MS = 10
// A burst (a ward round, a batch of results) is a first refresh at once, and then one more…
const QUIET_MS = 150
// …but a topic that never falls quiet must not hold its reader back for ever.
const CEILING_MS = 1_000

/**
 * When to act on news that began at `first` and were last added to at `latest`, after acting at
 * `acted`: the first after a pause at once, whatever follows it closely when it falls quiet.
 */
export function dueAt(first, latest, acted) {
  if (first - acted >= QUIET_MS) return first + GATHER_MS
  return Math.min(latest + QUIET_MS, first + CEILING_MS)
}

/** Makes few calls of `act` out of many calls of `add`. */
export class Coalescer {
  #act
  #first = null
  // Whoever makes one has just been fetched; and htmx takes 20 ms to know an element it brought in.
  #acted = performance.now()
  #timer = null

  constructor(act) {
    this.#act = act
  }

  add() {
    const now = performance.now()
    this.#first ??= now
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#fire(), dueAt(this.#first, now, this.#acted) - now)
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
    this.#acted = performance.now()
    this.#act()
  }
}
