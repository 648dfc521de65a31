/**
 * A place in the event log: `epoch:seq`. Positions of different epochs cannot be compared;
 * whoever meets another epoch must read everything afresh.
 */
export class Cursor {
  constructor(epoch, seq) {
    this.epoch = epoch
    this.seq = seq
  }

  /** The cursor written as "epoch:seq", or null when it is not one. */
  static parse(text) {
    const split = String(text ?? "").lastIndexOf(":")
    if (split < 1) return null
    const seq = Number(text.slice(split + 1))
    return Number.isSafeInteger(seq) && seq >= 0 ? new Cursor(text.slice(0, split), seq) : null
  }

  sameEpoch(other) {
    return this.epoch === other.epoch
  }

  /** The later of the two. Another epoch is always later: the old one will not come back. */
  advancedTo(other) {
    return this.sameEpoch(other) && other.seq <= this.seq ? this : other
  }

  at(seq) {
    return new Cursor(this.epoch, seq)
  }

  toString() {
    return `${this.epoch}:${this.seq}`
  }
}
