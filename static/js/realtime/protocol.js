/**
 * Frames of the wire, as docs/protocol.md has them: version 2.0.0, text only,
 * `[join_ref, ref, topic, event, payload]`. Pure: no socket, no clock, no document.
 */
export const VERSION = "2.0.0"

export function encode({ joinRef = null, ref = null, topic, event, payload = {} }) {
  return JSON.stringify([joinRef, ref, topic, event, payload])
}

/** The frame in `text`, or null: a frame that cannot be read is dropped and ends nothing. */
export function decode(text) {
  let parts
  try {
    parts = JSON.parse(text)
  } catch {
    return null
  }
  if (!Array.isArray(parts) || parts.length < 5) return null
  const [joinRef, ref, topic, event, payload] = parts
  if (typeof topic !== "string" || typeof event !== "string") return null
  return { joinRef, ref, topic, event, payload: payload ?? {} }
}
