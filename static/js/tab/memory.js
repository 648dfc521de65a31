/*
 * What this tab remembers of its reader, from page to page: identifiers and times only. A tab
 * outlives who sits at it, and an idle sign-out clears no storage: when somebody else has signed
 * in, nothing of what the one before stopped, paused or heard holds for them.
 */
const NAMES = ["vigil.silenced", "vigil.heard", "vigil.said", "vigil.paused-until"]
const WHOSE = "vigil.whose"

const { user } = document.body.dataset
if (user && sessionStorage.getItem(WHOSE) !== user) {
  for (const name of NAMES) sessionStorage.removeItem(name)
  sessionStorage.setItem(WHOSE, user)
}

export const [SILENCED, HEARD, SAID, PAUSED_UNTIL] = NAMES

export function remembered(name, otherwise) {
  return JSON.parse(sessionStorage.getItem(name)) ?? otherwise
}

export function remember(name, value) {
  sessionStorage.setItem(name, JSON.stringify(value))
}
