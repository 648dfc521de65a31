import { backoff } from "realtime/backoff"
import { client } from "realtime/page"

/*
 * A part that its page loads by itself (templates/portal/_slot.html, the bell) and that does not
 * come: its grey lines must not promise it for ever. It says that it could not be loaded, counts as
 * a part that is behind, so that the page says so once and aloud, and is asked for again, by itself
 * or when somebody presses the button.
 */
const PARTS = ".slot, .bell-slot"
const TIMEOUT_MS = 10_000
const REFUSALS = new Set([401, 403, 404, 409])

const come = new WeakSet()
const failures = new WeakMap() // how often each part did not come

document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (isAwaited(detail.elt)) detail.timeout ||= TIMEOUT_MS
})

document.addEventListener("htmx:afterRequest", ({ detail: { elt, xhr, successful } }) => {
  if (!isAwaited(elt)) return
  if (successful) {
    come.add(elt)
    return client?.isAbreast(elt)
  }
  client?.fellBehind(elt, client.updatedAt)
  say(elt)
  if (!REFUSALS.has(xhr.status)) return setTimeout(ask, wait(elt), elt)
  // It stays one, however often it is asked for; the button is there all the same.
  elt.querySelector("[data-keeps-trying]")?.remove()
})

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-load-again]")
  if (button) ask(button.closest(PARTS))
})

function isAwaited(element) {
  return element.matches(PARTS) && !come.has(element)
}

function say(part) {
  const notice = document.getElementById("notice-failed")
  part.querySelector(".skeleton")?.replaceWith(notice?.content.cloneNode(true) ?? "")
}

function wait(part) {
  const times = failures.get(part) ?? 0
  failures.set(part, times + 1)
  return backoff(times)
}

function ask(part) {
  if (!part.isConnected) return client?.isAbreast(part)
  if (part.classList.contains("htmx-request") || !isAwaited(part)) return
  const asked = { source: part, swap: "innerHTML" }
  // That it failed again is heard above, like the first time.
  window.htmx.ajax("GET", part.getAttribute("hx-get"), asked).catch(() => {})
}
