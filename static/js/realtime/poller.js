import { Cursor } from "realtime/cursor"

// A poll that takes longer says as much as one that fails.
const TIMEOUT_MS = 8_000

/** The server refused for a reason that trying again does not mend. */
export class Refused extends Error {
  constructor(status) {
    super(`The server refused the poll with ${status}`)
    this.status = status
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
  if (!response.ok) throw new Refused(response.status)
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
