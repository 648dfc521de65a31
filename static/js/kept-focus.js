/*
 * Whoever stands in a part of the page that is fetched anew is not thrown back to its beginning.
 *
 * htmx gives the focus back to what has the same id. Where that is gone (the button that was
 * pressed, the alert that somebody took) it goes to the first element of the new part with
 * `tabindex="-1"`, its heading; without one to what the region names in `data-next-focus`.
 */
let stood = null // what had the focus, and the region that is being fetched anew

document.addEventListener("htmx:beforeSwap", ({ detail: { target, shouldSwap } }) => {
  const { activeElement } = document
  if (shouldSwap && target.contains(activeElement)) stood = { element: activeElement, region: target }
})

document.addEventListener("htmx:afterSettle", () => {
  if (!stood) return
  const { element, region } = stood
  stood = null
  if (document.activeElement !== document.body) return
  // An element that stayed (`hx-preserve`) has lost the focus only by being moved.
  if (element.isConnected) element.focus({ preventScroll: true })
  if (document.activeElement !== document.body) return
  const now = region.isConnected ? region : document.getElementById(region.id)
  const next = document.getElementById(now?.dataset.nextFocus)
  const heading = now?.querySelector('[tabindex="-1"]') ?? next
  heading?.focus({ preventScroll: true })
})
