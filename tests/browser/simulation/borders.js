import { Line } from "./line.js"

// Of a wait that is drawn, no less than a quarter: so that what is too often can be told.
const LEAST = 0.25

/**
 * Where the client meets the browser, replaced by the world: time, chance, sockets and fetches.
 * Our own modules are the real ones. Returns a function that puts everything back.
 */
export function replaced(world, seed) {
  const { clock } = world
  const undo = []
  const place = (owner, name, value) => {
    const before = Object.getOwnPropertyDescriptor(owner, name)
    Object.defineProperty(owner, name, { value, configurable: true, writable: true })
    undo.push(() => Object.defineProperty(owner, name, before))
  }
  const page = { owner: "page" }
  // A browser's timers count whole milliseconds, and take at least a little while.
  const whole = (wait) => Math.max(1, Math.trunc(wait) || 0)
  place(globalThis, "setTimeout", (act, wait) => clock.after(whole(wait), act, page))
  place(globalThis, "setInterval", (act, wait) => (
    clock.after(whole(wait), act, { ...page, every: whole(wait) })
  ))
  place(globalThis, "clearTimeout", (number) => clock.cancel(number))
  place(globalThis, "clearInterval", (number) => clock.cancel(number))
  place(globalThis, "performance", { timeOrigin: world.began, now: () => clock.now })
  place(globalThis, "Date", dateOf(world))
  place(globalThis, "WebSocket", socketOf(world))
  place(globalThis, "fetch", (url, { body, signal }) => world.polling.ask(JSON.parse(body), signal))
  place(AbortSignal, "timeout", (wait) => {
    const over = new AbortController()
    clock.after(wait, () => over.abort(new DOMException("It took too long", "TimeoutError")))
    return over.signal
  })
  place(Math, "random", drawn(seed))
  return () => undo.reverse().forEach((each) => each())
}

function dateOf({ clock, began }) {
  return class extends Date {
    static now() {
      return began + Math.trunc(clock.now + clock.wall)
    }
  }
}

// The page's end of a line.
function socketOf(world) {
  return class WebSocket {
    static CONNECTING = 0
    static OPEN = 1
    static CLOSING = 2
    static CLOSED = 3
    readyState = WebSocket.CONNECTING
    onopen = null
    onmessage = null
    onclose = null
    #line

    constructor() {
      this.#line = new Line(world, this)
    }

    send(text) {
      this.#line.sent(JSON.parse(text))
    }

    close() {
      this.#line.hangUp()
    }
  }
}

// Mulberry32: small, and the same everywhere.
function drawn(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return LEAST + ((1 - LEAST) * ((mixed ^ (mixed >>> 14)) >>> 0)) / 2 ** 32
  }
}
