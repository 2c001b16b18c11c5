import { type ChildProcess, fork } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import type { LoadJob, LoadResult } from './load-job.ts'

/** Other processes: the load generator, and what the kernel tells of those under test. */

/** Runs a load job. Errors: requests that failed. */
export async function load(job: LoadJob): Promise<LoadResult> {
  const result = await inOwnProcess<LoadJob, LoadResult>('load.js', job)
  if (result.failures > 0) {
    throw new Error(`${result.failures} requests failed; the first: ${result.firstFailure}`)
  }
  return result
}

/** Sends a job to a program of this folder, and takes its one answer. */
export async function inOwnProcess<Job extends object, Result>(
  program: string,
  job: Job,
  { nodeOptions = [] }: { readonly nodeOptions?: readonly string[] } = {},
): Promise<Result> {
  const child = fork(new URL(`./${program}`, import.meta.url), {
    serialization: 'advanced',
    execArgv: [...nodeOptions],
  })
  try {
    return await new Promise<Result>((resolve, reject) => {
      child.once('message', (message: Result) => resolve(message))
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`the load generator ended (${code})`)))
      child.send(job)
    })
  } finally {
    await ended(child)
  }
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise((resolve) => child.once('exit', resolve))
}

/** The kernel counts a process's time in hundredths of a second (proc(5), USER_HZ). */
const ticksPerSecond = 100

/** Seconds of CPU that a process and its descendants have used; undefined where there is no /proc. */
export function cpuSecondsOf(pid: number): number | undefined {
  try {
    return [pid, ...descendantsOf(pid)].reduce((sum, each) => sum + ownCpuSeconds(each), 0)
  } catch {
    return undefined
  }
}

function ownCpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may hold blanks; user and system time are the 14th and 15th fields.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)])
}

/** None of a process that has ended since it was named. */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
        .trim()
        .split(' ')
        .filter(Boolean)
        .map(Number),
    )
  } catch {
    return []
  }
}

/** The largest resident set so far of a process or one of its descendants, MiB; undefined where there is no /proc. */
export function peakResidentMib(pid: number): number | undefined {
  try {
    const peaks = [pid, ...descendantsOf(pid)].map((each) => {
      const status = readFileSync(`/proc/${each}/status`, 'utf8')
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024
    })
    return Math.max(...peaks)
  } catch {
    return undefined
  }
}
