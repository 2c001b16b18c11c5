const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** `4m 12s`, `3h 5m`, `2d 4h`: two units at most. */
export function durationText(ms: number): string {
  const rounded = Math.max(0, Math.round(ms / 1000) * 1000)
  if (rounded < minuteMs) return `${rounded / 1000}s`
  if (rounded < hourMs) return pair(rounded, [minuteMs, 'm'], [1000, 's'])
  if (rounded < dayMs) return pair(rounded, [hourMs, 'h'], [minuteMs, 'm'])
  return pair(rounded, [dayMs, 'd'], [hourMs, 'h'])
}

/** `25m ago (21:04:11Z)`. */
export function momentText(atMs: number, nowMs: number): string {
  return `${durationText(nowMs - atMs)} ago (${clockText(atMs)})`
}

/** Time of day in UTC; operators compare it with logs. */
export function clockText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(11, 19)}Z`
}

function pair(ms: number, [large, largeName]: Unit, [small, smallName]: Unit): string {
  const count = Math.floor(ms / large)
  const rest = Math.floor((ms % large) / small)
  return rest === 0 ? `${count}${largeName}` : `${count}${largeName} ${rest}${smallName}`
}

type Unit = readonly [ms: number, name: string]
