import { client } from "realtime/page"

/*
 * What is left of a page whose session is over, or whose reader went to another organization in
 * another tab: a notice, and the way on. The content is taken out of the document, not covered:
 * whoever sits down at this screen next must not find it.
 */
const ASK_AFTER_MS = [0, 1_000, 4_000]
let shown = null

client?.addEventListener("standing", () => {
  const notice = notices.get(client.standing)
  if (!notice || notice === shown) return
  shown = notice
  const session = document.querySelector("session-guard")?.getAttribute("href")
  clear()
  show(notice)
  if (session) tellApart(session)
})

// Kept here, because clearing the page takes them away too.
const notices = new Map(
  ["signed-out", "organization"].map((name) => [name, document.getElementById(`notice-${name}`)]),
)

function clear() {
  const header = document.createElement("header")
  header.className = "page__header app-header app-header--plain"
  header.append(...document.querySelectorAll("header .brand, live-badge"))
  const main = document.createElement("main")
  main.className = "page__main"
  main.tabIndex = -1
  document.documentElement.dataset.frame = "plain"
  document.body.replaceChildren(header, main)
}

function show(notice) {
  const main = document.querySelector("main")
  main.replaceChildren(notice.content.cloneNode(true))
  for (const link of main.querySelectorAll("a[data-next]")) link.search = next()
  document.title = notice.dataset.title
  main.focus()
}

// A socket closes the same way whether its session ended or went on in another organization. In
// the second case the other tab may not have its new cookie yet: ask again a little later.
async function tellApart(session) {
  const headers = { "X-Vigil-Organization": document.body.dataset.organization }
  for (const wait of ASK_AFTER_MS) {
    await new Promise((resolve) => setTimeout(resolve, wait))
    try {
      const response = await fetch(session, { headers, cache: "no-store", redirect: "manual" })
      if (response.status === 409) return client.end("organization")
    } catch {
      // Without an answer the plainer notice stands.
    }
  }
}

function next() {
  return `?${new URLSearchParams({ next: location.pathname + location.search })}`
}
