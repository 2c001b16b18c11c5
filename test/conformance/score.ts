import { readFileSync } from 'node:fs'
import { SaxesParser } from 'saxes'

/** A test of the suite and how it went. */
export interface Result {
  readonly name: string
  readonly markers: readonly string[]
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** The first line of what a failed test said. */
  readonly reason: string
}

const reasonSizeMax = 160

/** Reads pytest's report (JUnit XML). */
export function readResults(path: string): Result[] {
  const results: Result[] = []
  let current: { name: string; markers: string[]; outcome: Result['outcome']; reason: string } | undefined
  const parser = new SaxesParser()
  parser.on('opentag', ({ name, attributes }) => {
    const attribute = (key: string) => String(attributes[key] ?? '')
    if (name === 'testcase') {
      current = { name: attribute('name'), markers: [], outcome: 'passed', reason: '' }
      results.push(current)
    }
    if (current === undefined) return
    if (name === 'property' && attribute('name') === 'markers') {
      current.markers = attribute('value')
        .split(' ')
        .filter((marker) => marker !== '')
    }
    if (name === 'skipped') current.outcome = 'skipped'
    if (name === 'failure' || name === 'error') {
      current.outcome = 'failed'
      current.reason ||= attribute('message').split('\n')[0]?.slice(0, reasonSizeMax) ?? ''
    }
  })
  parser.write(readFileSync(path, 'utf8')).close()
  return merged(results)
}

/** A test that fails and whose clean-up fails, too, has two entries. */
function merged(results: readonly Result[]): Result[] {
  const byName = new Map<string, Result>()
  for (const result of results) {
    const before = byName.get(result.name)
    if (before === undefined || before.outcome !== 'failed') byName.set(result.name, result)
  }
  return [...byName.values()]
}

/** Prints the score by marker and the failures; resolves to how many tests failed. */
export function printScore(results: readonly Result[]): number {
  const failures = results.filter(({ outcome }) => outcome === 'failed')
  const markers = [...new Set(results.flatMap((result) => result.markers))].sort()
  console.log('\nmarker                         passed  failed  skipped')
  for (const marker of markers) {
    printLine(
      marker,
      results.filter((result) => result.markers.includes(marker)),
    )
  }
  printLine(
    '(none)',
    results.filter((result) => result.markers.length === 0),
  )
  printLine('all', results)
  console.log('\nfailures')
  for (const { name, reason } of failures) console.log(`${name}: ${reason}`)
  return failures.length
}

function printLine(title: string, results: readonly Result[]): void {
  const count = (outcome: Result['outcome']) =>
    String(results.filter((result) => result.outcome === outcome).length).padStart(8)
  console.log(`${title.padEnd(29)}${count('passed')}${count('failed')}${count('skipped')}`)
}
