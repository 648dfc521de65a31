// Whoever is answered goes on in microtasks: so many in a row, and all of them had their turn.
const LONGEST_CHAIN = 16

/** The world's time in milliseconds. Nothing happens but what was set, in the order of its time. */
export class Clock {
  now = 0
  wall = 0 // what the page's own clock shows, compared with `now`: somebody may set it
  #timers = new Map()
  #numbers = 0
  #failed

  /** `failed` is called with what a timer's turn throws. */
  constructor(failed) {
    this.#failed = failed
  }

  /** Act in `wait` milliseconds, and again each `every`. Returns what `cancel` takes. */
  after(wait, act, { every = null, owner = "world" } = {}) {
    const number = ++this.#numbers
    this.#timers.set(number, { number, time: this.now + wait, act, every, owner })
    return number
  }

  cancel(number) {
    this.#timers.delete(number)
  }

  /** How many timers `owner` has set and not ended. */
  count(owner) {
    let count = 0
    for (const timer of this.#timers.values()) count += timer.owner === owner
    return count
  }

  /** Let everything happen that is due up to `time`; call `happened` after each. */
  async pass(milliseconds, happened) {
    const end = this.now + milliseconds
    for (let next = this.#next(); next && next.time <= end; next = this.#next()) {
      this.now = next.time
      if (next.every === null) this.#timers.delete(next.number)
      else next.time += next.every
      await this.turn(next.act)
      happened()
    }
    this.now = end
  }

  /** Do one thing, and all that follows from it at once. */
  async turn(act) {
    try {
      act()
    } catch (error) {
      this.#failed(error)
    }
    for (let each = 0; each < LONGEST_CHAIN; each++) await null
  }

  #next() {
    let next = null
    for (const timer of this.#timers.values()) {
      if (!next || timer.time < next.time || (timer.time === next.time && timer.number < next.number)) next = timer
    }
    return next
  }
}
