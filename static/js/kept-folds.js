/*
 * What somebody has unfolded in a part of the page stays unfolded when news fetch it anew, and what
 * they have folded stays so; it is known by its id. The answer to an act comes as the server says.
 */
const folds = new WeakMap() // by request: how each stood before its answer

document.addEventListener("htmx:beforeSwap", ({ detail: { target, xhr, requestConfig } }) => {
  if (requestConfig.triggeringEvent?.type !== "news") return
  folds.set(xhr, [...target.querySelectorAll("details[id]")].map(({ id, open }) => [id, open]))
})

document.addEventListener("htmx:afterSwap", ({ detail: { xhr } }) => {
  for (const [id, open] of folds.get(xhr) ?? []) {
    const now = document.getElementById(id)
    if (now) now.open = open
  }
})
