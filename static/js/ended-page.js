import { client } from "realtime/page"

/*
 * What is left of a page whose session is over, or whose reader went to another organization in
 * another tab: a notice, and the way on. The content is taken out of the document, not covered:
 * whoever sits down at this screen next must not find it.
 */
client?.addEventListener("standing", () => {
  const notice = document.getElementById(`notice-${client.standing}`)
  if (notice) end(notice)
})

function end(notice) {
  const main = document.createElement("main")
  main.className = "page__main"
  main.tabIndex = -1
  main.append(notice.content.cloneNode(true))
  for (const link of main.querySelectorAll("a[data-next]")) link.search = next()

  const header = document.createElement("header")
  header.className = "page__header app-header app-header--plain"
  header.append(...document.querySelectorAll("header .brand, live-badge"))

  document.documentElement.dataset.frame = "plain"
  document.title = notice.dataset.title
  document.body.replaceChildren(header, main)
  main.focus()
}

function next() {
  return `?${new URLSearchParams({ next: location.pathname + location.search })}`
}
