import { Client } from "realtime/client"
import { replaced } from "./borders.js"
import { Clock } from "./clock.js"
import { Hub } from "./hub.js"
import { Log } from "./log.js"
import { initialCursor, Page } from "./page.js"
import { Polling } from "./polling.js"

const BEGAN = Date.UTC(2026, 0, 1, 14, 0)
// For a socket the longest wait for the next try, silence, and a few tries more; for polls the
// longest Retry-After with its jitter.
const SETTLE_MS = { live: 45_000, polling: 110_000 }
const QUIET_MS = 8_000

// In milliseconds, where it is a time.
const WELL = {
  latency: 20, // from here to there
  gap: 0, // between the frames of a history
  think: 15, // before the server reads what it is asked for,
  late: 5, // and after it
  sockets: "ok", // or "refuse", "hang"
  joins: "ok", // or "refuse", "hang", "crash", "move"
  joining: 5, // before a join begins
  polls: "ok", // or a status, or "fail", "hang", "hang within", "nonsense"
  retryAfter: null,
  answers: true, // regions are
  relay: true, // moves what was committed into the log
  hub: true, // takes what the bus brings
  moment: null, // that a server repeats which has lost its source
}

/** One page and its server, from the document on; `trace` is all that happened, in order. */
class World {
  #troubles = new Set()

  began = BEGAN
  trace = []
  lines = []
  clock = new Clock((error) => this.failed(error))
  #wasSeen = ""

  constructor() {
    this.log = new Log(this)
    this.hub = new Hub(this)
    this.polling = new Polling(this)
  }

  /** How things are: as they should be, but for the troubles of the moment. */
  get is() {
    return Object.assign({}, WELL, ...this.#troubles)
  }

  /** Something is otherwise for a time in milliseconds, or for good. */
  trouble(time, how) {
    this.#troubles.add(how)
    this.hub.note()
    if (time !== null) this.clock.after(time, () => this.#end(how))
  }

  /** Whatever was wrong with server and network is so no more. */
  well() {
    for (const how of this.#troubles) this.#end(how)
  }

  #end(how) {
    this.hub.note()
    this.#troubles.delete(how)
    this.log.move()
    this.hub.ring()
  }

  tell(what, ...rest) {
    this.trace.push([this.clock.now, what, ...rest])
  }

  failed(error) {
    this.tell("error", String(error?.stack ?? error))
  }

  load() {
    const page = { cursor: initialCursor(this.log), organization: "org", csrf: "", timing: {} }
    this.client = new Client(page)
    this.page = new Page(this, this.client)
  }

  /** Note how the page stands, when that is something new. */
  look() {
    const { standing, cursor } = this.client
    const held = this.lines.flatMap((line, index) => (line.isHeld ? [index + 1] : []))
    const seen = JSON.stringify([standing, String(cursor), held])
    if (seen === this.#wasSeen) return
    this.#wasSeen = seen
    this.tell("stands", standing, String(cursor), held)
  }

  pass(milliseconds) {
    return this.clock.pass(milliseconds, () => this.look())
  }

  async act([wait, what, ...rest]) {
    await this.pass(wait)
    await this.clock.turn(() => ACTS[what](this, ...rest))
    this.look()
  }

  /** All is well from here on; with `polls` alone first, if so. */
  async settle(polls) {
    this.tell("well")
    this.well()
    if (polls) {
      this.trouble(null, { sockets: polls })
      for (const line of this.lines) line.die()
    }
    if (this.page.isAway) await this.clock.turn(() => this.page.back())
    for (const how of polls ? ["polling", "live"] : ["live"]) {
      if (how === "live") this.well()
      await this.pass(SETTLE_MS[how])
      this.#settled(how)
    }
    for (const table of ["a", "b", "c"]) await this.act([0, "commit", table, 1])
    await this.pass(QUIET_MS)
    this.#settled("live")
  }

  #settled(how) {
    const regions = this.page.regions.map(({ id, tables, turn }) => [id, tables, turn])
    const { client, clock, hub } = this
    this.tell("settled", how, {
      regions,
      standing: client.standing,
      joined: hub.joined,
      timers: clock.count("page"),
    })
  }
}

// What happens, and what goes wrong for a while and then is as it was.
const ACTS = {
  commit(world, table, times) {
    for (let each = 0; each < times; each++) world.log.commit("change", table)
  },
  untold: ({ log }, table) => log.commit("untold", table),
  rights: ({ log }) => log.commit("rights"),
  prune: ({ log }, kept) => log.prune(kept),
  restore({ log, hub }, head, how) {
    log.restore(head)
    hub.restart(how)
  },

  close: ({ hub }, code) => hub.closeAll(code),
  break: ({ hub }, event) => hub.breakAll(event),
  repeat: ({ hub }) => hub.repeat(),
  cut: ({ lines }) => lines.filter((line) => !line.isGone).forEach((line) => line.cut()),
  die: ({ lines }) => lines.forEach((line) => line.die()),
  stall: ({ lines }, milliseconds) => lines.forEach((line) => line.stall(milliseconds)),

  sockets: (world, time, how) => world.trouble(time, { sockets: how }),
  joins: (world, time, how, delay) => world.trouble(time, { joins: how, joining: delay }),
  polls: (world, time, how, wait) => world.trouble(time, { polls: how, retryAfter: wait }),
  outage(world, time, how, wait) {
    world.trouble(time, { sockets: "refuse", polls: how, retryAfter: wait })
    world.lines.forEach((line) => line.cut())
  },
  answers: (world, time) => world.trouble(time, { answers: false }),
  network: (world, time, latency, gap) => world.trouble(time, { latency, gap }),
  haste: (world, time, think, late) => world.trouble(time, { think, late }),
  relay: (world, time) => world.trouble(time, { relay: false }),
  hub: (world, time) => world.trouble(time, { hub: false }),
  freeze: (world, time) => world.trouble(time, { moment: world.hub.freshMoment }),
  end(world, how) {
    if (how > 4000) return world.hub.closeAll(how)
    world.trouble(null, how === "move" ? { joins: how } : { polls: how, sockets: "refuse" })
    world.lines.forEach((line) => line.cut())
  },

  show: ({ page }, ...what) => page.show(...what),
  bring: ({ page }, ...what) => page.bring(...what),
  remove: ({ page }, place) => page.remove(place),
  leave: ({ page }) => page.leave(),
  back: ({ page }) => page.back(),
  hurry(world) {
    world.tell("hurry")
    world.client.hurry()
  },
  offline(world) {
    world.tell("cut")
    world.client.cut()
  },
  clock(world, milliseconds) {
    world.tell("clock", milliseconds)
    world.clock.wall += milliseconds
  },
}

/** Live through `steps`: [wait in milliseconds, what, …]. Returns the trace as JSON. */
export async function lived({ seed, steps, polls }) {
  const world = new World()
  const restore = replaced(world, seed)
  const failed = ({ reason, error }) => world.failed(reason ?? error)
  addEventListener("unhandledrejection", failed)
  addEventListener("error", failed)
  try {
    world.load()
    for (const step of steps) await world.act(step)
    await world.settle(polls)
  } catch (error) {
    world.failed(error)
  } finally {
    restore()
    // What nobody took is told in a turn of its own.
    await new Promise((resolve) => setTimeout(resolve))
    removeEventListener("unhandledrejection", failed)
    removeEventListener("error", failed)
  }
  return JSON.stringify(world.trace)
}
