const CONNECTING = 0, OPEN = 1, CLOSED = 3
const ACCIDENT = 1006
// The peer that says nothing for so long is gone, thinks the server.
const IDLE_MS = 60_000

/**
 * What lies between a page's socket and the server: frames arrive late and in order, or not at all.
 * Knows which end has let go; what frames say is the hub's business.
 */
export class Line {
  channel = null
  said = [] // the changes that were said here, for a server that says something twice
  isGone = false // at the server's end
  isDead = false // nothing arrives any more, and nobody is told
  #world
  #socket
  #number
  #upAt = 0
  #downAt = 0
  #idle = null

  constructor(world, socket) {
    this.#world = world
    this.#socket = socket
    this.#number = world.lines.push(this)
    world.tell("open", this.#number)
    this.#connect(world.is.sockets)
  }

  /** Whether the page holds on to it. One it has let go of while connecting has no ears. */
  get isHeld() {
    return this.#socket.readyState <= OPEN && this.#socket.onclose !== null
  }

  get #latency() {
    return this.#world.is.latency
  }

  #connect(how) {
    const { hub } = this.#world
    if (how === "hang") return
    this.#down(() => {
      if (how === "refuse") return this.#closed(ACCIDENT)
      this.#socket.readyState = OPEN
      hub.accept(this)
      this.#stayAwake()
      this.#socket.onopen?.()
    })
  }

  // The page's end --------------------------------------------------------------------------

  sent(frame) {
    this.#world.tell("sent", this.#number, frame)
    this.#up(() => {
      this.#stayAwake()
      this.#world.hub.receive(this, frame)
    })
  }

  hangUp() {
    if (this.#socket.readyState === CLOSED) return
    this.#socket.readyState = CLOSED
    this.#up(() => this.#leave())
  }

  #closed(code) {
    if (this.#socket.readyState === CLOSED) return
    this.#socket.readyState = CLOSED
    this.#world.tell("closed", this.#number, code, this.#socket.onclose !== null)
    this.#socket.onclose?.({ code })
  }

  // The server's end ------------------------------------------------------------------------

  say(frame, gap = 0) {
    this.#down(() => {
      if (!this.#socket.onmessage) return
      this.#world.tell("got", this.#number, frame)
      this.#socket.onmessage({ data: JSON.stringify(frame) })
    }, gap)
  }

  /** The server says goodbye; what it said before arrives before that. */
  close(code) {
    this.#leave()
    this.#down(() => this.#closed(code))
  }

  /** The network is gone, and both ends hear of it: what is under way is lost. */
  cut() {
    this.#leave()
    this.#closed(ACCIDENT)
    this.isDead = true
  }

  /** The network is gone, and nobody hears of it. */
  die() {
    this.isDead = true
  }

  /** Nothing arrives for a while, and then everything. */
  stall(milliseconds) {
    const until = this.#world.clock.now + milliseconds
    this.#upAt = Math.max(this.#upAt, until)
    this.#downAt = Math.max(this.#downAt, until)
  }

  #leave() {
    if (this.isGone) return
    this.isGone = true
    this.#world.clock.cancel(this.#idle)
    this.#world.hub.lose(this)
  }

  #stayAwake() {
    const { clock } = this.#world
    clock.cancel(this.#idle)
    this.#idle = clock.after(IDLE_MS, () => this.isGone || this.close(1001))
  }

  #up(act) {
    this.#upAt = Math.max(this.#upAt, this.#world.clock.now + this.#latency)
    this.#travel(this.#upAt, () => this.isGone || act())
  }

  #down(act, gap = 0) {
    this.#downAt = Math.max(this.#downAt, this.#world.clock.now + this.#latency) + gap
    this.#travel(this.#downAt, () => this.#socket.readyState === CLOSED || act())
  }

  #travel(time, act) {
    const { clock } = this.#world
    clock.after(time - clock.now, () => this.isDead || act())
  }
}
