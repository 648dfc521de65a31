import { backoff } from "realtime/backoff"

/**
 * Whether the page hears from the server, and what to do when it does not: the state machine of
 * the line, without socket, clock or document. Every input takes the time in milliseconds and
 * returns what to do, in order: "open", "close", "poll". Call `tick` at `wakeAt`.
 *
 * Live means that the server said so within two of its intervals, never that a socket is open:
 * the far end of an open socket can have been gone for minutes.
 */

/** Defaults in milliseconds; `beat` is the interval in which the server tells its position. */
export const TIMING = {
  beat: 5_000,
  attempt: 8_000, // one try to open and join
  trouble: 4_000, // without a line for so long, or
  tries: 2, //         after so many failures in a row, polling begins
  poll: 5_000,
  steady: 5_000, // a line that lasts so long has earned a quick retry
}

// The session, or this page's place in it, is over. Other closes are accidents: try again.
const OVER = [4401, 4403]
const CROWDED = 4429

export class Connection {
  #timing
  #random
  #phase = "resting" // resting, opening, joined, waiting
  #phaseAt = 0
  #failures = 0
  #heardAt = null
  #retryAt = null
  #troubleAt = null
  #pollAt = null
  #pollFrom = 0 // before this the server does not want to be asked again
  #polled = null // how the last poll went: "answered", "failed"
  #polling = false
  #ended = null

  constructor(timing = {}, random = Math.random) {
    this.#timing = { ...TIMING, ...timing }
    this.#random = random
  }

  /** live, reconnecting, polling, offline, an ending; "resting" when nobody listens. */
  get standing() {
    if (this.#ended) return this.#ended
    if (this.#phase === "resting") return "resting"
    if (this.#phase === "joined" && this.#heardAt !== null) return "live"
    if (this.#polling && this.#polled === "answered") return "polling"
    if (this.#polling && this.#polled === "failed") return "offline"
    return "reconnecting"
  }

  get isPolling() {
    return this.#polling
  }

  /** When to call `tick` next, or null. */
  get wakeAt() {
    const times = []
    if (this.#phase === "opening") times.push(this.#phaseAt + this.#timing.attempt)
    if (this.#phase === "joined") times.push(this.#silentAt)
    if (this.#phase === "waiting") times.push(this.#retryAt)
    if (this.#polling) {
      if (this.#pollAt !== null) times.push(this.#pollAt)
    } else if (this.#troubleAt !== null) {
      times.push(this.#troubleAt + this.#timing.trouble)
    }
    return times.length ? Math.min(...times) : null
  }

  /** Somebody listens: connect. */
  start(now) {
    if (this.#ended || this.#phase !== "resting") return []
    this.#troubleAt = now
    return this.#open(now)
  }

  /** Nobody listens, or nobody looks: let go of everything. */
  rest() {
    if (this.#phase === "resting") return []
    this.#phase = "resting"
    this.#heardAt = this.#troubleAt = this.#pollAt = this.#polled = null
    this.#polling = false
    this.#failures = 0
    return ["close"]
  }

  joined(now) {
    if (this.#phase !== "opening") return []
    this.#enter("joined", now)
    this.#heardAt = null
    return []
  }

  /** The server told its position on the socket. */
  heard(now) {
    if (this.#phase !== "joined") return []
    this.#heardAt = now
    this.#troubleAt = this.#pollAt = this.#polled = null
    this.#polling = false
    if (now - this.#phaseAt >= this.#timing.steady) this.#failures = 0
    return []
  }

  /** The socket closed by itself, or the server refused the join (then without a code). */
  lost(now, code = null) {
    if (this.#phase !== "opening" && this.#phase !== "joined") return []
    if (OVER.includes(code)) return this.end("signed-out")
    // A page beyond the limits must not hammer at them.
    if (code === CROWDED) this.#failures = Math.max(this.#failures, 4)
    return this.#fail(now)
  }

  /** The machine has no network: what is open is as good as gone. */
  cut(now) {
    if (this.#phase !== "opening" && this.#phase !== "joined") return []
    return ["close", ...this.#fail(now)]
  }

  pollAnswered(now) {
    return this.#pollEnded(now, "answered")
  }

  /** `wait`: for so many milliseconds the server does not want to be asked again. */
  pollFailed(now, wait = 0) {
    // Jittered upwards, or all who were refused would come back as one.
    this.#pollFrom = now + wait * (1 + 0.2 * this.#random())
    return this.#pollEnded(now, "failed")
  }

  /** In front again, or the network is back: do not wait for the next try. */
  hurry(now) {
    if (this.#phase === "joined") return this.tick(now)
    const doing = []
    if (this.#polling && this.#pollAt !== null && now >= this.#pollFrom) {
      this.#pollAt = null
      doing.push("poll")
    }
    return this.#phase === "waiting" ? [...doing, ...this.#open(now)] : doing
  }

  /** For good: "signed-out", or "organization" when the session went on to another one. */
  end(how) {
    const doing = this.rest()
    this.#ended = how
    return doing
  }

  tick(now) {
    const doing = []
    const { attempt, trouble } = this.#timing
    if (this.#phase === "opening" && now >= this.#phaseAt + attempt) {
      doing.push("close", ...this.#fail(now))
    } else if (this.#phase === "joined" && now >= this.#silentAt) {
      doing.push("close", ...this.#fail(now))
    } else if (this.#phase === "waiting" && now >= this.#retryAt) {
      doing.push(...this.#open(now))
    }
    if (this.#polling && this.#pollAt !== null && now >= this.#pollAt) {
      this.#pollAt = null
      doing.push("poll")
    } else if (this.#troubleAt !== null && now >= this.#troubleAt + trouble) {
      doing.push(...this.#startPolling(now))
    }
    return doing
  }

  get #silentAt() {
    return (this.#heardAt ?? this.#phaseAt) + 2 * this.#timing.beat
  }

  #enter(phase, now) {
    this.#phase = phase
    this.#phaseAt = now
  }

  #open(now) {
    this.#enter("opening", now)
    return ["open"]
  }

  #fail(now) {
    this.#enter("waiting", now)
    this.#heardAt = null
    this.#retryAt = now + backoff(this.#failures, this.#random)
    this.#failures += 1
    this.#troubleAt ??= now
    return this.#failures >= this.#timing.tries ? this.#startPolling(now) : []
  }

  #startPolling(now) {
    if (this.#polling) return []
    this.#polling = true
    this.#pollAt = now < this.#pollFrom ? this.#pollFrom : null
    return this.#pollAt === null ? ["poll"] : []
  }

  #pollEnded(now, how) {
    if (!this.#polling) return []
    this.#polled = how
    // Jittered, or the pages of a whole clinic would ask in step.
    const next = now + this.#timing.poll * (0.8 + 0.4 * this.#random())
    this.#pollAt = Math.max(next, this.#pollFrom)
    return []
  }
}
