import { Cursor } from "realtime/cursor"

const GATHER_MS = 10
const AGAIN_MS = 700
const SEPARATE = { event: "*", schema: "public", filter: "" }

/**
 * The regions of a page, as live-region.js and realtime/page.js drive the client: told, a region
 * asks for its content, which is what the server knows when it answers; its `since` is the client's
 * cursor when it asked. A region that is swapped whole comes in anew with each answer.
 */
export class Page {
  isAway = false
  #world
  #client
  #initial
  #places = new Map() // where regions are: each holds one at most
  #count = 0
  #moment = 0

  constructor(world, client) {
    this.#world = world
    this.#client = client
    this.#initial = client.cursor
    client.addEventListener("standing", () => {
      if (["signed-out", "organization"].includes(client.standing)) this.#clear()
    })
  }

  get regions() {
    return [...this.#places.values()]
  }

  /** A region of the document as it was rendered, also when a script shows it later. */
  show(place, tables, isWhole) {
    this.#enter(place, { tables, isWhole, since: this.#initial, turn: 0 })
  }

  /** Fetch a region for a place, where it takes the place of what is there; see `#ask`. */
  bring(place, tables, isWhole, think, late) {
    const since = this.#client.cursor
    const arrived = (turn) => this.#enter(place, { tables, isWhole, since, turn })
    this.#ask({ think, late }, arrived, () => {})
  }

  remove(place) {
    const region = this.#places.get(place)
    if (!region) return
    this.#places.delete(place)
    this.#leave(region)
  }

  leave() {
    this.isAway = true
    this.#world.tell("leave")
    this.#client.leave()
  }

  back() {
    this.isAway = false
    this.#world.tell("back")
    this.#client.back()
  }

  #clear() {
    for (const place of [...this.#places.keys()]) this.remove(place)
  }

  #enter(place, content) {
    if (["signed-out", "organization"].includes(this.#client.standing)) return
    const before = this.#places.get(place)
    const region = { ...content, id: ++this.#count, place, told: 0, asked: 0, isAsking: false, gather: null }
    this.#places.set(place, region)
    this.#world.tell("enter", region.id, region.tables, String(region.since), region.turn)
    region.leaves = region.tables.map((table) => (
      this.#client.watch({ ...SEPARATE, table }, region.since, () => this.#told(region))
    ))
    // htmx puts in the new one before it takes out the old one.
    if (before) this.#leave(before)
  }

  #leave(region) {
    this.#world.tell("exit", region.id)
    region.isGone = true
    for (const leave of region.leaves) leave()
    this.#world.clock.cancel(region.gather)
    this.#client.isAbreast(region)
  }

  #told(region) {
    this.#world.tell("told", region.id)
    region.told = ++this.#moment
    region.gather ??= this.#world.clock.after(GATHER_MS, () => {
      region.gather = null
      this.#refresh(region)
    })
  }

  #refresh(region) {
    if (region.isAsking || region.isGone) return
    region.isAsking = true
    const moment = ++this.#moment
    const since = this.#client.cursor
    this.#ask(this.#world.is, (turn) => {
      region.isAsking = false
      if (region.isGone) return
      this.#client.isAbreast(region)
      if (region.isWhole) return this.#enter(region.place, { ...region, since, turn })
      region.turn = turn
      region.asked = moment
      this.#world.tell("content", region.id, turn)
      if (region.told > region.asked && region.gather === null) this.#refresh(region)
    }, () => {
      region.isAsking = false
      if (region.isGone) return
      this.#client.fellBehind(region, this.#client.updatedAt)
      this.#world.clock.after(AGAIN_MS, () => this.#refresh(region))
    })
  }

  // The server thinks, reads, and takes a while to say it: the content is that of the reading.
  #ask({ think, late }, arrived, failed) {
    const { clock, log } = this.#world
    const { latency } = this.#world.is
    clock.after(latency + think, () => {
      if (!this.#world.is.answers) return clock.after(latency, failed)
      const { turn } = log
      clock.after(late + latency, () => arrived(turn))
    })
  }
}

export function initialCursor(log) {
  return Cursor.parse(log.position)
}
