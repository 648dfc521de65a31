import { Bindings } from "realtime/bindings"
import { Channel } from "realtime/channel"
import { Connection } from "realtime/connection"
import { poll, Refused } from "realtime/poller"
import { Socket } from "realtime/socket"

// htmx swaps many regions in one go; the server hears of them once.
const SETTLE_MS = 50
// The server tells its position by itself; but a peer that says nothing for 60 s it takes for gone.
const HEARTBEAT_MS = 25_000
// What a refused poll means for good; any other answer is worth another try.
const ENDINGS = { 401: "signed-out", 409: "organization" }

/**
 * The realtime client of one page: one socket, one channel, one cursor, and the poll that stands
 * in when there is no socket. The thinking is in Connection (when), Channel (what frames mean) and
 * Bindings (who is told); this only joins them to the browser.
 *
 * Fires `standing` when what the badge has to say may have changed.
 */
export class Client extends EventTarget {
  #bindings = new Bindings()
  #channel
  #connection
  #page
  #cursor
  #socket = null
  #poll = null
  #away = false
  #timer = null
  #settling = null
  #heartbeat = null
  #toldAt = 0
  #resyncing = false
  #resyncs = 0
  #asked = ""
  #behind = new Map() // each part that could not be fetched, and until when it was right
  #clock = steadyClock()

  /** `page`: {cursor, organization, token, csrf, timing} of the document that was rendered. */
  constructor(page) {
    super()
    this.#page = page
    this.#cursor = page.cursor
    // The same name on every page: frames for equal bindings are equal bytes, encoded once.
    this.#channel = new Channel("realtime:page", page.organization)
    this.#connection = new Connection(page.timing)
    this.updatedAt = performance.timeOrigin
  }

  /** The latest position that the page has been told everything up to. */
  get cursor() {
    return this.#cursor
  }

  /** How the line stands; "behind" when it brings news and a part of the page could not follow. */
  get standing() {
    const { standing } = this.#connection
    const bringsNews = standing === "live" || standing === "polling"
    return bringsNews && this.#behind.size ? "behind" : standing
  }

  /** Until when `part` was right, or, without one, all of the page; undefined if it still is. */
  behindSince(part = null) {
    if (part) return this.#behind.get(part)
    return this.#behind.size ? Math.min(...this.#behind.values()) : undefined
  }

  /** `part` of the page could not be fetched; what it shows was right until `since`. */
  fellBehind(part, since) {
    if (this.#behind.has(part)) return
    this.#behind.set(part, since)
    this.dispatchEvent(new Event("standing"))
  }

  /** `part` was fetched again, or nobody sees it any more. */
  isAbreast(part) {
    if (this.#behind.delete(part)) this.dispatchEvent(new Event("standing"))
  }

  /** How many bindings the server is asked for, and how many regions wait for them. */
  get load() {
    return { bindings: this.#bindings.list().length, regions: this.#bindings.waiting }
  }

  /** Call `tell` for news of `binding` after the cursor `since`. Returns a function that ends it. */
  watch(binding, since, tell) {
    const leave = this.#bindings.add(binding, since, tell)
    this.#settle()
    return () => {
      leave()
      this.#settle()
    }
  }

  /** Nobody looks at the page: let go of the line until `back`. */
  leave() {
    this.#away = true
    this.#do(this.#connection.rest())
  }

  /** In front again. What was missed follows from the cursor. */
  back() {
    const wasAway = this.#away
    this.#away = false
    if (wasAway) this.#settle()
    else this.hurry()
  }

  /** The network is back, or somebody looks again: try now. */
  hurry() {
    this.#do(this.#connection.hurry(this.#clock()))
  }

  /** The network is gone: do not wait for the silence to tell. */
  cut() {
    this.#do(this.#connection.cut(this.#clock()))
  }

  /** For good: "signed-out", or "organization" when the session went on to another one. */
  end(how) {
    this.#do(this.#connection.end(how))
  }

  // A change of the union is sent once it has settled.
  #settle() {
    this.#settling ??= setTimeout(() => {
      this.#settling = null
      this.#bindings.prune()
      const wanted = this.#bindings.list()
      if (!wanted.length) this.#do(this.#connection.rest())
      else if (this.#away) return
      else if (this.standing === "resting") this.#do(this.#connection.start(this.#clock()))
      else if (this.#channel.isJoined && this.#asked !== signature(wanted)) this.#join()
    }, SETTLE_MS)
  }

  #do(things) {
    for (const thing of things) {
      if (thing === "open") this.#open()
      if (thing === "close") this.#close()
      if (thing === "poll") this.#askOnce()
    }
    this.#tell()
  }

  #open() {
    this.#close()
    const socket = new Socket({
      opened: () => this.#join(),
      received: (frame) => this.#received(frame),
      closed: (code) => {
        this.#drop()
        this.#do(this.#connection.lost(this.#clock(), code))
      },
    })
    this.#socket = socket
    const beat = () => socket.send(this.#channel.heartbeat())
    this.#heartbeat = setInterval(beat, this.#page.timing.heartbeat ?? HEARTBEAT_MS)
  }

  #join() {
    const wanted = this.#bindings.list()
    this.#asked = signature(wanted)
    this.#socket.send(this.#channel.join(wanted))
  }

  #received(frame) {
    const signal = this.#channel.receive(frame)
    switch (signal?.kind) {
      case "joined":
        this.#bindings.joined(signal.keys)
        this.#do(this.#connection.joined(this.#clock()))
        this.#settle() // the union may have changed while the server thought
        break
      case "event":
        this.#deliver(signal)
        break
      case "position":
        this.#positioned(signal)
        break
      case "resync":
        this.#resync()
        break
      case "refused":
        if (signal.reason.startsWith("OrganizationChanged")) return this.end("organization")
      // falls through: any other refusal is worth another try
      case "closed":
        this.#close()
        this.#do(this.#connection.lost(this.#clock()))
    }
  }

  // The regions first, the cursor after them: what the cursor has passed is never asked for again.
  #deliver({ keys, cursor }) {
    this.#bindings.deliver(cursor, keys)
    if (cursor) this.#cursor = this.#cursor.advancedTo(cursor)
  }

  #positioned({ cursor, at }) {
    this.#reached(cursor, at)
    // A server that says the same moment twice has lost its own source: that is not live.
    if (at === this.#toldAt) return
    this.#toldAt = at
    this.#do(this.#connection.heard(this.#clock()))
  }

  // Everything is read afresh, and the next position counts, whatever it is.
  #resync() {
    this.#bindings.tellAll()
    this.#resyncing = true
    this.#resyncs += 1
  }

  #reached(cursor, at, keys = null) {
    if (this.#resyncing || !cursor.sameEpoch(this.#cursor)) {
      if (!this.#resyncing) this.#bindings.tellAll()
      this.#bindings.restart(cursor)
      this.#cursor = cursor
      this.#resyncing = false
    }
    this.#bindings.caughtUp(cursor, keys)
    this.#cursor = this.#cursor.advancedTo(cursor)
    this.updatedAt = at
  }

  async #askOnce() {
    const asking = (this.#poll = new AbortController())
    const wanted = this.#bindings.list()
    const resyncs = this.#resyncs
    const { organization, csrf } = this.#page
    try {
      const answer = await poll({
        wanted, cursor: earliest(wanted, this.#cursor), organization, csrf, signal: asking.signal,
      })
      if (asking.signal.aborted) return
      // Read before the socket told everybody to read afresh: where they count from it cannot say.
      if (this.#resyncs !== resyncs) return this.#askOnce()
      if (answer.resync) this.#resync()
      for (const event of answer.events) this.#deliver(event)
      // A server that nothing new can reach has told what it has, but not how things stand now.
      const at = answer.fresh ? answer.at : this.updatedAt
      this.#reached(answer.cursor, at, wanted.map(({ key }) => key))
      if (answer.more) return this.#askOnce()
      if (answer.fresh) this.#do(this.#connection.pollAnswered(this.#clock()))
      else this.#do(this.#connection.pollFailed(this.#clock()))
    } catch (error) {
      if (asking.signal.aborted) return
      if (error instanceof Refused && error.status in ENDINGS) this.end(ENDINGS[error.status])
      else this.#do(this.#connection.pollFailed(this.#clock(), error.wait))
    }
  }

  #close() {
    this.#socket?.close()
    this.#drop()
  }

  // The socket is gone; the positions of the bindings stay.
  #drop() {
    this.#socket = null
    clearInterval(this.#heartbeat)
    this.#channel.reset()
    this.#bindings.joined([])
  }

  #tell() {
    if (!this.#connection.isPolling) this.#poll?.abort()
    clearTimeout(this.#timer)
    const wakeAt = this.#connection.wakeAt
    if (wakeAt !== null) {
      const wait = Math.max(0, wakeAt - this.#clock())
      this.#timer = setTimeout(() => this.#do(this.#connection.tick(this.#clock())), wait)
    }
    this.dispatchEvent(new Event("standing"))
  }
}

function signature(wanted) {
  return wanted.map(({ key }) => key).sort().join()
}

// One poll has one cursor: the earliest that any binding needs. What others have is not told twice.
function earliest(wanted, cursor) {
  return wanted.reduce((early, { at }) => {
    if (!at.sameEpoch(cursor)) return at
    return early.sameEpoch(cursor) && at.seq < early.seq ? at : early
  }, cursor)
}

// Wall time counts the hours a laptop sleeps, performance.now() may not; but it may be set back, and
// the seconds since it was looked at last have passed all the same.
function steadyClock() {
  let now = 0
  let wall = Date.now()
  let running = performance.now()
  return () => {
    const [wallBefore, runningBefore] = [wall, running]
    wall = Date.now()
    running = performance.now()
    return (now += Math.max(wall - wallBefore, running - runningBefore))
  }
}
