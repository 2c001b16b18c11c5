import { median } from '../support/rounds.ts'
import type { Counts } from './tally.ts'
import type { ProcessSample, Role } from './watch.ts'

/** What the whole run says. */

export interface Run {
  readonly counts: Counts
  /** In the order of time, each with all processes. */
  readonly samples: readonly (readonly ProcessSample[])[]
  /** Event loop delay p99 of each look, seconds; NaN for those that got no answer in time. */
  readonly delays: readonly number[]
  /** Files that neither an object nor the trash names, in the end. */
  readonly lostFiles: number
  /** Open files of the front-ends before and after, when no client is there. */
  readonly descriptors: { readonly before: number; readonly after: number }
}

export interface Finding {
  readonly what: string
  readonly good: boolean
}

/** Memory that grows by less is flat: what V8 and the allocator keep moves by so much. */
const growthShareMax = 0.15
const growthMibMin = 32
const descriptorsMax = 8
const delayMaxSeconds = 0.02

export function judge({ counts, samples, delays, lostFiles, descriptors }: Run): readonly Finding[] {
  const { wrong, unexpected } = counts
  return [
    { what: `wrong bytes, sizes or listings: ${told(wrong)}`, good: wrong.length === 0 },
    { what: `unexpected errors: ${told(unexpected)}`, good: unexpected.length === 0 },
    ...(['front-end', 'supervisor'] as const).map((role) => memory(role, samples)),
    {
      what: `open files of the front-ends: ${descriptors.before} before, ${descriptors.after} after`,
      good: descriptors.after - descriptors.before <= descriptorsMax,
    },
    { what: `files that nothing names: ${lostFiles}`, good: lostFiles === 0 },
    delay(delays),
  ]
}

function delay(delays: Run['delays']): Finding {
  const told = delays.filter(Number.isFinite)
  const silent = delays.length - told.length
  return {
    what: `event loop delay p99: median of the looks ${ms(median(told))}, at most ${ms(Math.max(...told))}; ${silent} looks without an answer`,
    good: median(told) <= delayMaxSeconds && silent === 0,
  }
}

/** The second quarter beside the last: the first one warms up. */
function memory(role: Role, samples: Run['samples']): Finding {
  const quarter = Math.floor(samples.length / 4)
  const of = (part: Run['samples']) =>
    median(
      part.map((processes) => Math.max(0, ...processes.filter((each) => each.role === role).map(residentOf))),
    )
  const early = of(samples.slice(quarter, 2 * quarter))
  const late = of(samples.slice(-quarter))
  const growthMax = Math.max(growthMibMin, early * growthShareMax)
  return {
    what: `resident set of the largest ${role}: ${early.toFixed(0)} MiB in the second quarter, ${late.toFixed(0)} MiB in the last`,
    good: late - early <= growthMax,
  }
}

const residentOf = ({ residentMib }: ProcessSample): number => residentMib
const ms = (seconds: number): string => `${(seconds * 1000).toFixed(1)} ms`

function told(list: readonly string[]): string {
  return list.length === 0 ? 'none' : `${list.length}\n    ${list.join('\n    ')}`
}
