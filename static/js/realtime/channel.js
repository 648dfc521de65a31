import { Cursor } from "realtime/cursor"

/**
 * One channel on one socket, as a translator: what to send, and what a frame means for the page.
 * Pure: frames in, signals out. A second join replaces the first; the reply marks the boundary
 * between the events of the old bindings and those of the new.
 */
export class Channel {
  #topic
  #organization
  #refs = 0
  #joinRef = null // of the join that stands
  #asked = null // the join that waits for its reply: {ref, keys}
  #keysById = new Map()

  constructor(topic, organization) {
    this.#topic = topic
    this.#organization = organization
  }

  get isJoined() {
    return this.#joinRef !== null
  }

  /** The frame that asks for `wanted`: [{key, binding, at}], each from its own cursor on. */
  join(wanted) {
    const ref = this.#nextRef()
    this.#asked = { ref, keys: wanted.map(({ key }) => key) }
    return this.#push("phx_join", ref, ref, {
      config: {
        organization: this.#organization,
        postgres_changes: wanted.map(({ binding, at }) => ({ ...binding, since: String(at) })),
      },
    })
  }

  leave() {
    const joinRef = this.#joinRef
    this.reset()
    return this.#push("phx_leave", joinRef, this.#nextRef(), {})
  }

  heartbeat() {
    return { topic: "phoenix", event: "heartbeat", ref: this.#nextRef(), payload: {} }
  }

  /** The socket is gone, and every join with it. */
  reset() {
    this.#joinRef = this.#asked = null
    this.#keysById.clear()
  }

  /**
   * What `frame` means, or null when it means nothing here:
   *
   *     joined {keys}          the server listens for these, and what was missed follows
   *     refused {reason}       it does not
   *     event {keys, cursor}   something changed
   *     position {cursor, at}  everything up to here has been told; known at `at`, server's time
   *     resync                 something cannot be told: read everything afresh
   *     closed {reason}        the server ended the channel
   */
  receive({ joinRef, ref, topic, event, payload }) {
    if (topic === "phoenix") return this.#beat(payload)
    if (topic !== this.#topic) return null
    switch (event) {
      case "phx_reply":
        return this.#replied(ref, payload)
      case "postgres_changes":
        return this.#changed(payload)
      case "system":
        return announced(payload)
      case "phx_error":
      case "phx_close":
        // The end of a join that was replaced is no news.
        if (ref !== this.#joinRef && joinRef !== this.#joinRef) return null
        this.reset()
        return { kind: "closed", reason: payload.reason ?? "" }
    }
    return null
  }

  #replied(ref, { status, response }) {
    if (ref !== this.#asked?.ref) return null
    const { keys } = this.#asked
    this.#asked = null
    if (status !== "ok") return { kind: "refused", reason: String(response?.reason ?? "") }
    this.#joinRef = ref
    this.#keysById.clear()
    response.postgres_changes.forEach(({ id }, index) => {
      // Equal bindings may share an id; ours never are equal, but the server may think so.
      const sharing = this.#keysById.get(id) ?? []
      this.#keysById.set(id, [...sharing, keys[index]])
    })
    return { kind: "joined", keys }
  }

  #changed({ ids = [], data = {} }) {
    const keys = ids.flatMap((id) => this.#keysById.get(id) ?? [])
    return { kind: "event", keys, cursor: Cursor.parse(data.position) }
  }

  // Until the reply to a join has come, the server's position says nothing about its bindings.
  #beat({ response }) {
    return this.isJoined && !this.#asked ? positioned(response?.position, response?.at) : null
  }

  #push(event, joinRef, ref, payload) {
    return { joinRef, ref, topic: this.#topic, event, payload }
  }

  #nextRef() {
    return String(++this.#refs)
  }
}

function announced({ extension, message, at }) {
  if (extension === "position") return positioned(message, at)
  // Other rights, other rows: both leave no way but to read again.
  return extension === "resync" || extension === "access" ? { kind: "resync" } : null
}

function positioned(position, at) {
  const cursor = Cursor.parse(position)
  return cursor && { kind: "position", cursor, at: Date.parse(at) || Date.now() }
}
