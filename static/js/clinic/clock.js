/** The time of an instant as “14:03”, in the clinic's zone like every other time on the page. */
export function time(instant, more = {}) {
  const { timeZone } = document.body.dataset
  const digits = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone, ...more }
  return new Intl.DateTimeFormat("en-GB", digits).format(instant)
}
