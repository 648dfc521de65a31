/*
 * What an alarm sounds like, and playing it. Pulses as monitors give them: a burst of five, twice,
 * for what is critical; three for what is urgent (IEC 60601-1-8). Short, with soft edges, and never
 * louder than half: it is heard at four in the morning.
 */
const PULSE_SECONDS = 0.15
const EVERY_SECONDS = 0.28
const BETWEEN_BURSTS_SECONDS = 0.9
const EDGE_SECONDS = 0.015
const VOLUME = 0.5
// A browser that refuses lets `resume` wait for ever.
const PATIENCE_MS = 800
const SOUNDS = {
  critical: { hz: 880, bursts: [5, 5] },
  urgent: { hz: 660, bursts: [3] },
}

/** When each pulse of a sound begins, in seconds from its start. */
export function beginnings(level) {
  const times = []
  let at = 0
  for (const pulses of SOUNDS[level].bursts) {
    for (let pulse = 0; pulse < pulses; pulse += 1) {
      times.push(Number(at.toFixed(3)))
      at += EVERY_SECONDS
    }
    at += BETWEEN_BURSTS_SECONDS
  }
  return times
}

/** Plays pulses; one for a page. */
class Player {
  #context = null
  #playing = []

  /** Ask the browser; true when it lets the page be heard. */
  async mayPlay() {
    this.#context ??= new AudioContext()
    if (this.#context.state !== "running") {
      const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))
      await Promise.race([this.#context.resume().catch(() => {}), patience])
    }
    return this.#context.state === "running"
  }

  play(level) {
    this.stop()
    const start = this.#context.currentTime + 0.05
    for (const at of beginnings(level)) this.#pulse(SOUNDS[level].hz, start + at)
    document.dispatchEvent(new CustomEvent("pulses", { detail: { level } }))
  }

  /** Silence, at once. */
  stop() {
    for (const oscillator of this.#playing.splice(0)) oscillator.stop()
  }

  #pulse(hz, at) {
    const oscillator = new OscillatorNode(this.#context, { frequency: hz })
    const gain = new GainNode(this.#context, { gain: 0 })
    gain.gain.setValueAtTime(0, at)
    gain.gain.linearRampToValueAtTime(VOLUME, at + EDGE_SECONDS)
    gain.gain.setValueAtTime(VOLUME, at + PULSE_SECONDS - EDGE_SECONDS)
    gain.gain.linearRampToValueAtTime(0, at + PULSE_SECONDS)
    oscillator.connect(gain).connect(this.#context.destination)
    oscillator.start(at)
    oscillator.stop(at + PULSE_SECONDS)
    this.#playing.push(oscillator)
  }
}

export const player = new Player()
