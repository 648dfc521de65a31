/*
 * Whoever stands in a part of the page that is fetched anew is not thrown back to its beginning.
 *
 * htmx gives the focus back to what has the same id; what has none is known by where it leads and
 * what it says. Where it is gone (the button that was pressed, the alert that somebody took) the
 * focus goes to what its line names in `data-next-focus`; without one to the first element of the
 * new part with `tabindex="-1"`, its heading; without that to what the region names so.
 */
let stood = null // what had the focus, which of those like it, and the region that is fetched anew

document.addEventListener("htmx:beforeSwap", ({ detail: { target, shouldSwap } }) => {
  const { activeElement: element } = document
  if (!shouldSwap || !target.contains(element)) return
  stood = { element, number: alike(element, target).indexOf(element), region: target }
})

document.addEventListener("htmx:afterSettle", () => {
  if (!stood) return
  const { element, number, region } = stood
  stood = null
  if (document.activeElement !== document.body) return
  // An element that stayed (`hx-preserve`) has lost the focus only by being moved.
  if (element.isConnected) element.focus({ preventScroll: true })
  if (document.activeElement !== document.body) return
  const now = region.isConnected ? region : document.getElementById(region.id)
  const next =
    (!element.id && now && alike(element, now)[number]) ||
    named(element.closest("[data-next-focus]")) ||
    now?.querySelector('[tabindex="-1"]') ||
    named(now)
  next?.focus({ preventScroll: true })
})

function alike(element, region) {
  const known = sign(element)
  return [...region.querySelectorAll(element.localName)].filter((each) => sign(each) === known)
}

function sign(element) {
  return `${element.getAttribute("href")} ${element.getAttribute("aria-label") ?? element.textContent}`
}

function named(part) {
  return document.getElementById(part?.dataset.nextFocus)
}
