/**
 * The union of what the regions of a page wait for, and how far each binding has been told.
 *
 * Regions come and go with every swap, and the same binding may be wanted by several; the server
 * hears of each once. A binding keeps its own position, because a region that htmx brings in was
 * read at another moment than the page. Pure: no socket, no clock, no document.
 */
export class Bindings {
  #entries = new Map()

  /**
   * Wait for `binding` on behalf of content that was read at the cursor `since`; `tell` is called
   * for each event, and at once when one may have come between the reading and now. Returns a
   * function that ends the wait.
   */
  add(binding, since, tell) {
    const key = keyOf(binding)
    let entry = this.#entries.get(key)
    if (!entry) {
      entry = { key, binding, at: since, from: since, joined: false, tells: new Set() }
      this.#entries.set(key, entry)
    }
    entry.tells.add(tell)
    if (missed(entry, since)) tell()
    return () => entry.tells.delete(tell)
  }

  /** Forget the bindings that nobody waits for any more. */
  prune() {
    for (const [key, entry] of this.#entries) if (!entry.tells.size) this.#entries.delete(key)
  }

  /** What to ask the server for: each binding with its key and the cursor it stands at. */
  list() {
    return [...this.#entries.values()].map(({ key, binding, at }) => ({ key, binding, at }))
  }

  /** The server listens for these bindings now, and for no others. */
  joined(keys) {
    const listening = new Set(keys)
    for (const entry of this.#entries.values()) entry.joined = listening.has(entry.key)
  }

  /** Tell the regions of `keys` of the event at `cursor`, unless they have it already. */
  deliver(cursor, keys) {
    for (const key of keys) {
      const entry = this.#entries.get(key)
      if (!entry || (cursor && has(entry, cursor))) continue
      for (const tell of [...entry.tells]) tell()
      if (cursor) entry.at = entry.heard = cursor
    }
  }

  /** All events up to `cursor` have been told to the bindings of `keys` (default: those joined). */
  caughtUp(cursor, keys = null) {
    const told = keys && new Set(keys)
    for (const entry of this.#entries.values()) {
      if (told ? told.has(entry.key) : entry.joined) entry.at = entry.at.advancedTo(cursor)
    }
  }

  /** Something happened that cannot be told one by one: everybody reads afresh. */
  tellAll() {
    for (const entry of this.#entries.values()) {
      entry.told = true
      for (const tell of [...entry.tells]) tell()
    }
  }

  /**
   * Count from `cursor` on, wherever the bindings stood before. One that came since everybody was
   * told, with content of this log, keeps its place: what it lacks up to there it still has to hear.
   */
  restart(cursor) {
    for (const entry of this.#entries.values()) {
      if (entry.told || !entry.at.sameEpoch(cursor)) entry.at = entry.from = entry.heard = cursor
      entry.told = false
    }
  }

  /** How many regions wait, over all bindings. */
  get waiting() {
    let count = 0
    for (const entry of this.#entries.values()) count += entry.tells.size
    return count
  }
}

export function keyOf({ event, schema, table, filter }) {
  return JSON.stringify([event, schema, table, filter])
}

function has(entry, cursor) {
  return entry.at.sameEpoch(cursor) && cursor.seq <= entry.at.seq
}

// Content read at `since` lacks what this binding heard later, and what passed before it listened.
function missed(entry, since) {
  const { from, heard } = entry
  if (!since.sameEpoch(from)) return true
  return since.seq < from.seq || Boolean(heard && since.seq < heard.seq)
}
