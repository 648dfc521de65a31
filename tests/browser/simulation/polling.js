import { parsed } from "./log.js"

const PAGE = 3 // events of one answer: more of them are more answers

/** The server's side of /realtime/changes. */
export class Polling {
  #world
  #count = 0

  constructor(world) {
    this.#world = world
  }

  /** What `fetch` does: a response, or none. */
  ask({ cursor, bindings }, signal) {
    const world = this.#world
    const number = ++this.#count
    const tables = bindings.map(({ table }) => table)
    world.tell("asked", number, cursor, tables)
    return new Promise((resolve, reject) => {
      let isOver = false
      const end = (act) => () => {
        if (!isOver) act()
        isOver = true
      }
      signal.addEventListener("abort", end(() => {
        world.tell("given up", number)
        reject(signal.reason)
      }))
      const fail = end(() => {
        world.tell("failed", number)
        reject(new TypeError("Failed to fetch"))
      })
      world.clock.after(world.is.latency + world.is.think, () => {
        const { polls: how, retryAfter: wait, late, latency } = world.is
        if (how === "hang") return
        if (how === "fail") return fail()
        const body = how === "ok" ? this.#read(parsed(cursor), tables) : null
        const answer = () => {
          world.tell("answered", number, how, body, wait)
          resolve(response(how, wait, body, signal))
        }
        const begin = () => isOver || resolve(response(how, wait, body, signal))
        world.clock.after(late + latency, how === "hang within" ? begin : end(answer))
      })
    })
  }

  // As realtime/polling.py: what is in the log now.
  #read(since, tables) {
    const { log, clock, began, is } = this.#world
    const history = since.epoch === log.epoch ? log.after(since.seq) : null
    const at = new Date(began + clock.now).toISOString()
    const answer = { at, fresh: is.relay, events: [], more: false, resync: false }
    if (history === null) return { ...answer, cursor: log.position, resync: true }
    const page = history.slice(0, PAGE)
    const more = history.length > PAGE
    for (const { kind, table, seq } of page) {
      if (kind !== "change") answer.resync = true
      const ids = tables.flatMap((each, index) => (each === table ? [index] : []))
      if (kind === "change" && ids.length) {
        answer.events.push({ ids, data: { table, position: `${log.epoch}:${seq}` } })
      }
    }
    const upto = more ? page.at(-1).seq : log.head
    return { ...answer, cursor: `${log.epoch}:${upto}`, more }
  }
}

function response(how, wait, body, signal) {
  const status = typeof how === "number" ? how : 200
  return {
    ok: status === 200,
    status,
    headers: new Headers(wait === null ? {} : { "Retry-After": wait }),
    json: async () => {
      if (how === "nonsense") throw new SyntaxError("<!doctype html>")
      if (how !== "hang within") return body
      await new Promise((_, reject) => (
        signal.addEventListener("abort", () => reject(signal.reason))
      ))
    },
  }
}
