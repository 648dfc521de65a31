import { client, csrfToken } from "realtime/page"

/*
 * Half-written text outlives the session: what is typed into a field marked `data-keep` is saved
 * on the server, sealed, a few seconds after the last key, and given back when the page is opened
 * again. Nothing of it is put into the browser's own storage, where the next person could find it
 * (ASVS 14.3.3): there goes only the mark that a form was on its way.
 *
 * The server keeps one text for each path and field. An empty text forgets it.
 */
const ADDRESS = "/account/kept-text/"
const SAVE_AFTER_MS = 5_000
const ON_ITS_WAY = "vigil.on-its-way"

const waiting = new Map() // field name to {timer, field}
let saving = Promise.resolve()

function save(field) {
  clearTimeout(waiting.get(field.name)?.timer)
  waiting.delete(field.name)
  saving = Promise.all([saving, send(field.name, field.value)])
}

// Only after what is on its way: a save that overtakes it would bring the text back.
function forget(names, path) {
  return saving.then(() => Promise.all(names.map((name) => send(name, "", path))))
}

function send(name, text, path = location.pathname) {
  return fetch(ADDRESS, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-CSRFToken": csrfToken(),
      // A page that is left by going to another organization belongs to the one before.
      "X-Vigil-Organization": document.body.dataset.organization ?? "",
    },
    body: JSON.stringify({ path, field: name, text }),
    keepalive: true, // the page may be on its way out
    redirect: "manual",
  }).catch(() => {}) // without network the text is still in the field, and the next key tries again
}

function saveAll() {
  for (const { field } of [...waiting.values()]) save(field)
}

function keptFields(root) {
  return [...root.querySelectorAll("[data-keep]")]
}

// Give back what was kept, into fields that are still empty: what the server or the person put
// there is newer.
async function giveBack() {
  const arrived = arrivedForm()
  await forget(arrived.names, arrived.path)
  const fields = keptFields(document)
  if (!fields.length) return
  const query = new URLSearchParams({ path: location.pathname })
  const response = await fetch(`${ADDRESS}?${query}`, { cache: "no-store", redirect: "manual" })
  if (!response.ok) return
  const { kept } = await response.json()
  for (const field of fields) {
    if (field.value || !kept[field.name]) continue
    field.value = kept[field.name]
    field.dataset.kept = ""
    field.dispatchEvent(new Event("input", { bubbles: true }))
  }
}

/*
 * The form that led to this page, as {path, names}, if its text arrived. A form that answers with
 * a redirect has done its work; one that a dead line or an ended session swallowed has not, and
 * then its text must come back.
 */
function arrivedForm() {
  const mark = sessionStorage.getItem(ON_ITS_WAY)
  sessionStorage.removeItem(ON_ITS_WAY)
  const [journey] = performance.getEntriesByType("navigation")
  const arrived = mark && journey?.redirectCount && journey.type !== "back_forward"
  return arrived ? JSON.parse(mark) : { path: "", names: [] }
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches?.("[data-keep]")) return
  clearTimeout(waiting.get(target.name)?.timer)
  const timer = setTimeout(() => save(target), SAVE_AFTER_MS)
  waiting.set(target.name, { timer, field: target })
})

document.addEventListener("submit", ({ target }) => {
  const fields = keptFields(target)
  if (!fields.length) return
  saveAll()
  const names = fields.map(({ name }) => name)
  sessionStorage.setItem(ON_ITS_WAY, JSON.stringify({ path: location.pathname, names }))
})

// A form that htmx sent stays on its page: its answer says whether it arrived.
document.addEventListener("htmx:afterRequest", ({ detail: { requestConfig, successful } }) => {
  if (requestConfig.verb === "get") return
  const fields = keptFields(requestConfig.elt)
  if (!fields.length) return
  sessionStorage.removeItem(ON_ITS_WAY)
  if (successful) forget(fields.map(({ name }) => name))
})

document.addEventListener("session-warning", saveAll)
addEventListener("pagehide", saveAll)

if (client) giveBack()
else sessionStorage.removeItem(ON_ITS_WAY)
