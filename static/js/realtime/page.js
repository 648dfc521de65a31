import { Client } from "realtime/client"
import { Cursor } from "realtime/cursor"

/**
 * The page that was rendered, as its <body> says: which cursor its data was read at, for which
 * organization. One client serves it all; it rests until the first region waits.
 */
const { body } = document
const initial = Cursor.parse(body.dataset.cursor)

/** The realtime client of this page; null on pages for people who are not signed in. */
export const client =
  initial &&
  new Client({
    cursor: initial,
    organization: body.dataset.organization,
    csrf: csrfToken(),
    timing: JSON.parse(body.dataset.timing ?? "{}"),
  })

/** What Django wants to see on a POST of this page; htmx has it from the same place. */
export function csrfToken() {
  return JSON.parse(body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? ""
}

const sent = new WeakMap() // request to {cursor, moment}
let turn = 0
let swapped = null

/** A moment of this page: later than all that were asked for before. */
export function moment() {
  return ++turn
}

/** The moment when a request of htmx was sent. What the page was told before, its answer knows. */
export function sentAt(xhr) {
  return sent.get(xhr)?.moment ?? 0
}

/**
 * The cursor that content entering the page now was certainly read after: that of the moment its
 * request was sent. What htmx did not bring counts from the page's own cursor, which is always safe.
 */
export function readAt() {
  return swapped ?? initial
}

if (client) {
  client.addEventListener("standing", mark)
  document.addEventListener("htmx:beforeSend", ({ detail: { xhr } }) => {
    sent.set(xhr, { cursor: client.cursor, moment: moment() })
  })
  document.addEventListener("htmx:beforeSwap", ({ detail: { xhr } }) => {
    swapped = sent.get(xhr)?.cursor ?? null
    // The swap happens before this turn of the event loop ends, and elements connect within it.
    queueMicrotask(() => (swapped = null))
  })
  listenToTheBrowser()
}

// For styles and tests: how the page stands, and how far it has been told.
function mark() {
  const { standing, cursor } = client
  const { dataset } = document.documentElement
  if (standing === "resting") delete dataset.connection
  else dataset.connection = standing
  body.dataset.cursorNow = cursor
}

// A page that nobody looks at keeps its line for a grace, then lets go of it, unless it sounds alarms
// (alert-sound.js); what it missed is replayed when it is in front again.
function listenToTheBrowser() {
  let leaving = null

  const look = () => {
    clearTimeout(leaving)
    const grace = Number(body.dataset.backgroundSeconds ?? 30) * 1_000
    const leave = () => body.hasAttribute("data-keeps-line") || client.leave()
    if (document.hidden) leaving = setTimeout(leave, grace)
    else client.back()
  }
  look() // a page may be opened in the background
  document.addEventListener("visibilitychange", look)
  // Into the back-forward cache and out of it: an open socket would keep the page from going in.
  addEventListener("pagehide", () => client.leave())
  addEventListener("pageshow", ({ persisted }) => persisted && client.back())
  addEventListener("online", () => client.hurry())
  addEventListener("offline", () => client.cut())
}
