/*
 * Shows what a push says and opens the list when it is pressed. It keeps nothing, fetches nothing
 * and answers no request: pages come from the server, always.
 */
const LIST = "/notifications/"
const OTHERWISE = "Vigil: there is something new for you."

self.addEventListener("push", (event) => {
  let told = {}
  try {
    told = event.data?.json() ?? {}
  } catch {
    // A push must show something, or the browser says so in words of its own.
  }
  // A repeat of one message takes its place: the tag is the message's own name.
  const shown = { tag: told.id, icon: "/static/icons/vigil-180.png" }
  event.waitUntil(self.registration.showNotification(told.line ?? OTHERWISE, shown))
})

self.addEventListener("notificationclick", (event) => {
  event.notification.close()
  event.waitUntil(open())
})

async function open() {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true })
  const list = pages.find((page) => new URL(page.url).pathname === LIST)
  // Another page may hold half a message: it is not led away.
  return list ? list.focus() : self.clients.openWindow(LIST)
}
