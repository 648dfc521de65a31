import { parsed } from "./log.js"

const BEAT_MS = 5_000
const BUS_MS = 5 // from the log to the hub
const READ_MS = 8 // a join's history
const RIGHTS_MS = 12 // until new rights are known; nothing is told meanwhile
const FRESH_MS = 2_000 // what the hub knew so long ago is no news of now
const PAGE = "realtime:page"
const REFUSALS = {
  refuse: "UnableToConnectToProject: Please try again",
  move: "OrganizationChanged: This page belongs to another organization: reload it",
}

/** The server's side of the sockets: one process, as docs/architecture.md and protocol.md have it. */
export class Hub {
  #world
  #epoch
  #seq
  #lines = new Set()
  #wellUntil = 0

  constructor(world) {
    this.#world = world
    this.#begin()
  }

  #begin() {
    this.#epoch = this.#world.log.epoch
    this.#seq = this.#world.log.head
  }

  /** What is listened for on the lines that the page holds on to. */
  get joined() {
    const lines = [...this.#lines].filter(({ isHeld, channel }) => isHeld && channel?.isLive)
    return lines.map(({ channel }) => channel.tables)
  }

  // Lines -----------------------------------------------------------------------------------

  accept(line) {
    this.#lines.add(line)
    const { clock } = this.#world
    line.beat = clock.after(BEAT_MS, () => this.#tellPosition(line), { every: BEAT_MS })
  }

  lose(line) {
    this.#lines.delete(line)
    this.#world.clock.cancel(line.beat)
    if (line.channel) line.channel.isOver = true
  }

  receive(line, [joinRef, ref, topic, event, payload]) {
    if (event === "heartbeat") line.say([null, ref, topic, "phx_reply", this.#pulse(line)])
    if (event === "phx_join") this.#join(line, joinRef, payload.config)
  }

  closeAll(code) {
    for (const line of this.#lines) line.close(code)
  }

  /** phx_error or phx_close: the channel is lost, the socket is not. */
  breakAll(event) {
    for (const line of this.#lines) {
      const { channel } = line
      if (!channel) continue
      line.channel = null
      channel.isOver = true
      line.say([channel.ref, channel.ref, PAGE, event, { reason: "channel_crash" }])
    }
  }

  /** Say once more what was said last: delivery is at least once. */
  repeat() {
    for (const line of this.#lines) {
      if (line.channel?.isLive) for (const frame of line.said.slice(-3)) line.say(frame)
    }
  }

  /** The log is another one: a restore. */
  restart(how) {
    this.#begin()
    if (how === "close") return this.closeAll(4009)
    for (const line of this.#lines) {
      if (!line.channel) continue
      const { isLive, isHeld, isAfresh } = line.channel
      // Whoever cannot be told at once how things stand now has to begin anew; and who is reading
      // everything afresh already would not see in the next position that it has to once more.
      if (!isLive || isHeld || isAfresh || !this.freshMoment) {
        line.close(4009)
        continue
      }
      line.channel.position = this.#seq
      if (how === "resync") this.#system(line, "resync", "another log")
      this.#tellPosition(line)
    }
  }

  // The stream ------------------------------------------------------------------------------

  /** The log has something new. */
  ring() {
    this.#world.clock.after(BUS_MS, () => this.take())
  }

  take() {
    const { log } = this.#world
    if (!this.#world.is.hub || this.#epoch !== log.epoch) return
    const news = log.after(this.#seq)
    // Nothing leads from here to there.
    if (news === null) return this.restart("close")
    for (const event of news) {
      this.#seq = event.seq
      for (const line of this.#lines) if (line.channel) this.#offer(line, event)
    }
  }

  #offer(line, event) {
    const { channel } = line
    if (channel.isLive && !channel.isHeld) this.#send(line, event)
    else if (channel.isRegistered) channel.waiting.push(event)
  }

  #send(line, event) {
    const { channel } = line
    if (event.seq <= channel.position) return
    channel.position = event.seq
    if (event.kind === "rights") this.#hold(line)
    if (event.kind === "untold") this.#system(line, "resync", "the change could not be told")
    if (event.kind === "change") this.#change(line, event)
  }

  #change(line, event, since = () => -1, gap = 0) {
    const met = line.channel.bindings.filter(
      (each) => each.table === event.table && since(each) < event.seq,
    )
    if (!met.length) return
    const data = { table: event.table, position: `${this.#epoch}:${event.seq}` }
    const ids = met.map(({ table }) => idOf(table))
    const frame = [null, null, PAGE, "postgres_changes", { ids, data }]
    line.said.push(frame)
    line.say(frame, gap)
  }

  #hold(line) {
    const { channel } = line
    channel.isHeld = true
    this.#world.clock.after(RIGHTS_MS, () => {
      if (channel.isOver || channel !== line.channel) return
      channel.isHeld = false
      this.#system(line, "access", "your access changed")
      this.#drain(line)
    })
  }

  #drain(line) {
    const { channel } = line
    while (channel.waiting.length && !channel.isHeld) this.#send(line, channel.waiting.shift())
  }

  // Positions -------------------------------------------------------------------------------

  /** When the hub had everything, if that is no longer ago than a moment. */
  get freshMoment() {
    const { clock, began, is } = this.#world
    if (is.moment) return is.moment
    this.note()
    if (clock.now - this.#wellUntil > FRESH_MS) return null
    return new Date(began + this.#wellUntil).toISOString()
  }

  /** The hub has everything there is, if it has. To be called before that changes, too. */
  note() {
    const { clock, is } = this.#world
    if (is.hub && is.relay) this.#wellUntil = clock.now
  }

  #positionOf({ position }) {
    return `${this.#epoch}:${Math.max(position, this.#seq)}`
  }

  #tellPosition(line) {
    const { channel } = line
    const at = this.freshMoment
    if (!at || !channel?.isLive || channel.isHeld) return
    this.#system(line, "position", this.#positionOf(channel), at)
  }

  #pulse({ channel }) {
    const at = this.freshMoment
    const isUpToDate = !channel?.isRegistered || (channel.isLive && !channel.isHeld)
    if (!at || !isUpToDate) return { status: "ok", response: {} }
    const position = channel?.isRegistered ? this.#positionOf(channel) : `${this.#epoch}:${this.#seq}`
    return { status: "ok", response: { position, at } }
  }

  #system(line, extension, message, at = undefined) {
    const payload = { extension, message, at, status: "ok", channel: "page" }
    if (extension === "position") line.channel.isAfresh = false
    if (extension === "resync" || extension === "access") line.channel.isAfresh = true
    line.say([line.channel.ref, null, PAGE, "system", payload])
  }

  // Joins -----------------------------------------------------------------------------------

  #join(line, ref, { postgres_changes: asked }) {
    const { clock, is } = this.#world
    if (line.channel) line.channel.isOver = true
    const channel = (line.channel = {
      ref,
      bindings: asked.map(({ table, since }) => ({ table, ...parsed(since) })),
      tables: asked.map(({ table }) => table).sort(),
      position: 0,
      waiting: [],
      isRegistered: false,
      isLive: false,
      isHeld: false,
      isAfresh: false, // it was told to read everything, and not yet where it stands
      isOver: false,
    })
    const how = is.joins
    if (how === "hang") return
    const then = (act) => () => channel.isOver || channel !== line.channel || act()
    clock.after(is.joining, then(() => {
      if (how in REFUSALS || !this.#world.is.hub) {
        line.channel = null
        const reason = REFUSALS[how] ?? REFUSALS.refuse
        return line.say([ref, ref, PAGE, "phx_reply", { status: "error", response: { reason } }])
      }
      channel.isRegistered = true
      channel.position = this.#seq
      clock.after(READ_MS, then(() => this.#goLive(line, asked, how)))
    }))
  }

  #goLive(line, asked, how) {
    const { log } = this.#world
    const { channel } = line
    const changes = asked.map((each) => ({ ...each, id: idOf(each.table) }))
    line.say([channel.ref, channel.ref, PAGE, "phx_reply", { status: "ok", response: { postgres_changes: changes } }])
    if (how === "crash") return this.breakAll("phx_error")
    const since = Math.min(...channel.bindings.map(({ seq }) => seq))
    const isOther = channel.bindings.some(({ epoch }) => epoch !== log.epoch)
    const history = isOther ? null : log.after(since)
    if (history === null) this.#system(line, "resync", "the history is no longer kept")
    else this.#replay(line, history)
    for (const event of channel.waiting.splice(0)) {
      // The reader is told below that rights changed.
      if (event.kind !== "rights") this.#send(line, event)
      else channel.position = Math.max(channel.position, event.seq)
    }
    channel.isLive = true
    if ((log.after(Math.max(since, log.tail)) ?? []).some(({ kind }) => kind === "rights")) {
      this.#system(line, "access", "your access changed")
    }
    this.#system(line, "postgres_changes", "Subscribed to PostgreSQL")
    this.#tellPosition(line)
  }

  #replay(line, history) {
    const { gap } = this.#world.is
    for (const event of history) {
      if (event.kind === "change") this.#change(line, event, ({ seq }) => seq, gap)
      if (event.kind === "untold") this.#system(line, "resync", "the change could not be told")
    }
    line.channel.position = this.#world.log.head
  }
}

export function idOf(table) {
  return 1_000 + table.charCodeAt(0)
}
