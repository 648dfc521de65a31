export const TABLES = ["a", "b", "c"]
// From a commit to its place in the log.
const MOVE_MS = 15

/**
 * What the clinic knows, and the log that tells of it. Every change of anything has a turn of its
 * own, whatever the log makes of it: content that was read at a turn holds what happened until then.
 */
export class Log {
  epoch = "e1"
  head = 10
  tail = 0 // the last position that is no longer kept
  turn = 0
  #events = []
  #inbox = []
  #world

  constructor(world) {
    this.#world = world
  }

  get position() {
    return `${this.epoch}:${this.head}`
  }

  /** kind: "change" of a table, "untold" change of one, or "rights", which change all. */
  commit(kind, table = null) {
    const tables = table === null ? TABLES : [table]
    this.#inbox.push({ kind, table, turn: this.#changed(tables) })
    this.#world.clock.after(MOVE_MS, () => this.move())
  }

  /** Give what waits its places in the log, if the relay does that. */
  move() {
    if (!this.#world.is.relay) return
    for (const event of this.#inbox.splice(0)) {
      event.seq = ++this.head
      this.#events.push(event)
      this.#world.tell("logged", this.epoch, event.seq, event.kind, event.table, event.turn)
    }
    this.#world.hub.ring()
  }

  /** Events after a position; null when the log cannot tell them. */
  after(seq) {
    if (seq > this.head || seq < this.tail) return null
    return this.#events.filter((event) => event.seq > seq)
  }

  prune(kept) {
    this.tail = Math.max(this.tail, this.head - kept)
    this.#events = this.#events.filter(({ seq }) => seq > this.tail)
  }

  /** Another log, with other positions: nothing is what it was. */
  restore(head) {
    this.epoch = `e${Number(this.epoch.slice(1)) + 1}`
    this.head = this.tail = head
    this.#events = []
    this.#inbox = []
    this.#world.tell("logged", this.epoch, head, "restored", null, this.#changed(TABLES))
  }

  #changed(tables) {
    this.turn += 1
    this.#world.tell("changed", this.turn, tables)
    return this.turn
  }
}

/** {epoch, seq} of "epoch:seq". */
export function parsed(position) {
  const [epoch, seq] = position.split(":")
  return { epoch, seq: Number(seq) }
}
