const BASE_MS = 1_000
// Ten thousand pages that find their server dead are all back within half a minute; with waits of up
// to 30 s the last needed three quarters of one, long after there was room for them.
const CAP_MS = 10_000

/**
 * Milliseconds to wait after `failures` failures in a row: exponential with full jitter, so that
 * the pages of a restarted server do not come back as one wave.
 */
export function backoff(failures, random = Math.random) {
  return random() * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(failures, 16))
}
