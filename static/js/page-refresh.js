import { client } from "realtime/page"

/*
 * What htmx says to the server for the page, and what the page does with the server's refusals.
 *
 * A fetch that news caused says so, with the page's token: it is not a sign of a person at the
 * keyboard, and its reading is on record already. The same goes for what such a fetch brings in
 * and loads in turn.
 */
const TIMEOUT_MS = 10_000
const REFRESH = "X-Vigil-Refresh"
const ENDINGS = { 401: "signed-out", 409: "organization" }

const refreshed = new WeakSet()

document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (!client || !causedByNews(detail)) return
  detail.headers[REFRESH] = document.body.dataset.page
  detail.timeout ||= TIMEOUT_MS
})

document.addEventListener("htmx:afterSwap", ({ target, detail }) => {
  if (isRefresh(detail)) refreshed.add(target)
})

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target } = event.detail
  const ending = leadsToSignIn(xhr) ? "signed-out" : ENDINGS[xhr.status]
  if (ending && client) {
    event.preventDefault()
    client.end(ending)
  } else if (isRefresh(event.detail) && (xhr.status === 404 || xhr.status === 403)) {
    event.preventDefault()
    if (target.closest("main")) withdraw(target)
    // The frame (alert bar, counts) is for every reader of its kind: a proxy has refused, or this
    // one has another role now. The region goes on asking, and the page says so.
    else target.replaceChildren()
  }
})

// What a person asked for and did not get; a region tries again by itself, and so does what the page
// loads by itself, which no event triggers (first-load.js).
document.addEventListener("htmx:responseError", ({ detail }) => {
  if (!isRefresh(detail) && detail.requestConfig.triggeringEvent) tell(reasonOf(detail.xhr))
})
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, ({ detail }) => {
    if (!isRefresh(detail) && detail.requestConfig.verb !== "get") {
      tell("We could not reach the server. Please try again.")
    }
  })
}

function reasonOf(xhr) {
  if (xhr.status === 404 || xhr.status === 403) return "That is not here any more."
  // Ours says why not now (portal/operations/not_now.py); a proxy's is a page.
  const isOurs = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain")
  if (xhr.status === 503 && isOurs) return xhr.responseText
  return "That did not work. Please try again."
}

function causedByNews({ triggeringEvent, elt }) {
  if (triggeringEvent) return triggeringEvent.type === "news"
  for (let at = elt; at; at = at.parentElement) if (refreshed.has(at)) return true
  return false
}

function isRefresh({ requestConfig }) {
  return REFRESH in (requestConfig?.headers ?? {})
}

// A session that has ended answers a fetch with the way to the sign-in page.
function leadsToSignIn({ responseURL }) {
  const path = document.querySelector("session-guard")?.getAttribute("sign-in")
  return Boolean(path && responseURL && new URL(responseURL).pathname === path)
}

// The reader may not see this any more: what they had is taken away, and the page says why. On a
// page about one patient that is all of it; the template marks it with `data-withdraw`.
function withdraw(target) {
  const notice = document.getElementById("notice-withdrawn")
  const region = target.closest("live-region") ?? target
  region.retire?.()
  const place = region.closest("[data-withdraw]") ?? region
  place.replaceChildren(notice?.content.cloneNode(true) ?? "You can no longer see this.")
}

function tell(text) {
  document.dispatchEvent(new CustomEvent("toast", { detail: { text, level: "error" } }))
}
