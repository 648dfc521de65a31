/**
 * The union of what the regions of a page wait for, and how far each binding has been told.
 *
 * Regions come and go with every swap, and the same binding may be wanted by several; the server
 * hears of each once. A binding keeps its own position, because a region that htmx brings in was
 * read at another moment than the page. Pure: no socket, no clock, no document.
 */
export class Bindings {
  #entries = new Map()
  #count = 0

  /**
   * Wait for `binding` on behalf of content that was read at the cursor `since`; `tell` is called
   * for each event, and at once when one may have come between the reading and now. Returns a
   * function that ends the wait.
   */
  add(binding, since, tell) {
    const name = nameOf(binding)
    let entry = this.#entries.get(name)
    if (!entry) {
      // One that was forgotten and comes again has a key of its own: what the server was asked for
      // meanwhile, perhaps from a later position on, was asked for the other one.
      const key = `${++this.#count} ${name}`
      entry = { key, binding, at: since, from: since, joined: false, tells: new Set() }
      this.#entries.set(name, entry)
    }
    entry.tells.add(tell)
    if (missed(entry, since)) tell()
    return () => entry.tells.delete(tell)
  }

  /** Forget the bindings that nobody waits for any more. */
  prune() {
    for (const [name, entry] of this.#entries) if (!entry.tells.size) this.#entries.delete(name)
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
    for (const entry of this.#entries.values()) {
      if (!keys.includes(entry.key) || (cursor && has(entry, cursor))) continue
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
      entry.told = new Set(entry.tells)
      for (const tell of entry.told) tell()
    }
  }

  /**
   * Count from `cursor` on, wherever the bindings stood before. One that came since everybody was
   * told, with content of this log, keeps its place: what it lacks up to there it still has to hear.
   * Content that came since for one that moves may be older than what everybody was told: it is
   * told now.
   */
  restart(cursor) {
    for (const entry of this.#entries.values()) {
      const { told } = entry
      entry.told = null
      if (!told && entry.at.sameEpoch(cursor)) continue
      entry.at = entry.from = entry.heard = cursor
      for (const tell of [...entry.tells]) if (!told?.has(tell)) tell()
    }
  }

  /** How many regions wait, over all bindings. */
  get waiting() {
    let count = 0
    for (const entry of this.#entries.values()) count += entry.tells.size
    return count
  }
}

function nameOf({ event, schema, table, filter }) {
  return JSON.stringify([event, schema, table, filter])
}

// While all read afresh, the position of before says nothing: the log may have gone back behind it.
function has({ at, told }, cursor) {
  return !told && at.sameEpoch(cursor) && cursor.seq <= at.seq
}

// Content read at `since` lacks what this binding heard later, and what passed before it listened.
function missed(entry, since) {
  const { from, heard } = entry
  if (!since.sameEpoch(from)) return true
  return since.seq < from.seq || Boolean(heard && since.seq < heard.seq)
}
