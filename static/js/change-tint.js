/*
 * Values that changed under the reader's eyes fade a tint for two seconds. An element takes part
 * by naming what it shows: data-watch="blood-pressure:<patient id>". Before a swap the texts in the
 * target are remembered by that name; after it, those that differ are marked. A first load marks
 * nothing, because everything would be new, whatever its neighbours on the page show already.
 */
const FADE_MS = 2000

const before = new WeakMap()

function watched(root) {
  const elements = root?.querySelectorAll?.("[data-watch]") ?? []
  return new Map(Array.from(elements, (element) => [element.dataset.watch, element]))
}

function remember({ detail: { target } }) {
  if (!target?.parentElement || watched(target).size === 0) return
  // The parent's, because the target itself may be replaced.
  const texts = new Map()
  for (const [name, element] of watched(target.parentElement)) {
    texts.set(name, element.textContent.trim())
  }
  before.set(target.parentElement, texts)
}

function mark({ target }) {
  const parent = before.has(target) ? target : target?.parentElement
  const texts = before.get(parent)
  if (!texts) return
  before.delete(parent)
  for (const [name, element] of watched(parent)) {
    if (texts.get(name) === element.textContent.trim()) continue
    element.dataset.changed = ""
    setTimeout(() => delete element.dataset.changed, FADE_MS)
  }
}

document.addEventListener("htmx:beforeSwap", remember)
document.addEventListener("htmx:afterSettle", mark)
