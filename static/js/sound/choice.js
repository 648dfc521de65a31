/*
 * Whether this device sounds: off until somebody presses the switch, and then for all its tabs. It
 * is kept on the device, because the ward's screen must sound and the phone in a pocket need not.
 */
const KEY = "vigil.sound"

export const CHANGED = "sound-choice"

export function isOn() {
  return localStorage.getItem(KEY) === "on"
}

export function choose(on) {
  localStorage.setItem(KEY, on ? "on" : "off")
  document.dispatchEvent(new Event(CHANGED))
}

addEventListener("storage", ({ key }) => {
  if (key === KEY) document.dispatchEvent(new Event(CHANGED))
})
