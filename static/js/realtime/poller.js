import { Cursor } from "realtime/cursor"

// A poll that takes longer says as much as one that fails.
const TIMEOUT_MS = 8_000

// Nobody is told to wait for longer than this: a page that is out of date must not stay so.
const LONGEST_WAIT_MS = 60_000

/** The server refused. `wait`: for so many milliseconds it is not to be asked again. */
export class Refused extends Error {
  constructor(response) {
    super(`The server refused the poll with ${response.status}`)
    this.status = response.status
    const seconds = Number(response.headers.get("Retry-After")) || 0
    this.wait = Math.min(Math.max(0, seconds * 1_000), LONGEST_WAIT_MS)
  }
}

/**
 * Ask once what happened to `wanted` ([{key, binding, at}]) since its earliest cursor.
 * Returns {cursor, at, resync, fresh, more, events: [{keys, cursor}]}; rejects without an answer.
 */
export async function poll({ wanted, cursor, organization, csrf, signal }) {
  const response = await fetch("/realtime/changes", {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-CSRFToken": csrf,
      "X-Vigil-Organization": organization,
    },
    body: JSON.stringify({ organization, cursor: String(cursor), bindings: wanted.map(({ binding }) => binding) }),
    cache: "no-store",
    redirect: "error",
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  })
  if (!response.ok) throw new Refused(response)
  const answer = await response.json()
  return {
    cursor: Cursor.parse(answer.cursor),
    at: Date.parse(answer.at) || Date.now(),
    resync: Boolean(answer.resync),
    fresh: answer.fresh !== false,
    more: Boolean(answer.more),
    events: answer.events.map(({ ids, data }) => ({
      keys: ids.map((index) => wanted[index]?.key).filter(Boolean),
      cursor: Cursor.parse(data?.position),
    })),
  }
}
