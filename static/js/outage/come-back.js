/*
 * The page of a database that is away asks every few seconds whether it is back, and then opens
 * what the reader wanted. Nothing flickers meanwhile, and a form is never sent a second time.
 */
const EVERY_MS = 5_000

async function look() {
  try {
    const response = await fetch(location.href, { method: "HEAD", cache: "no-store" })
    if (response.status !== 503) return location.replace(location.href)
  } catch {
    // The server itself is away too: keep asking.
  }
  setTimeout(look, EVERY_MS)
}

setTimeout(look, EVERY_MS)
