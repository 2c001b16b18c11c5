import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Backend } from '../../../s3api/backends/backend.ts'
import { openDiskStore } from '../../support/disk-store.ts'
import { readStored } from '../../support/stored.ts'

/** Real processes on one store, killed without warning. */

const test = suite('s3api/backends/disk-crash')

const program = fileURLToPath(new URL('../../support/writer-process.js', import.meta.url))
const rounds = process.env.SLOW === '1' ? 40 : 6

/** `ready`, `begin` and `done` of one object. */
const linesOfOneWrite = 3

interface Writer {
  readonly child: ChildProcess
  readonly lines: string[]
  ready: Promise<void>
}

function startWriter(directory: string, seed: string): Writer {
  const child = spawn(process.execPath, [program, directory, seed], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  let rest = ''
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop() ?? ''
      lines.push(...parts)
      if (lines.includes('ready')) resolve()
    })
    child.once('exit', (status) => reject(new Error(`the writer ended with ${status}`)))
  })
  ready.catch(() => {})
  return { child, lines, ready }
}

async function hasSaid({ child, lines }: Writer, count: number): Promise<void> {
  while (lines.length < count) {
    if (child.exitCode !== null) throw new Error(`the writer ended with ${child.exitCode}`)
    await sleep(5)
  }
}

async function kill({ child }: Writer): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** The ETag of what is there, once its data was found to be the one it belongs to. */
async function etagAt(backend: Backend, key: string): Promise<string> {
  const object = await backend.getObject('bucket', key)
  const [bytes] = await readStored(backend, object, [{ index: 0, offset: 0, size: object.record.size }])
  assert.is(
    createHash('md5')
      .update(bytes ?? '')
      .digest('hex'),
    object.record.etag,
    key,
  )
  return object.record.etag
}

/** For each key: what was answered last, and what was begun after that. */
function possible(lines: readonly string[]): Map<string, Set<string>> {
  const etags = new Map<string, Set<string>>()
  for (const line of lines) {
    const [verb, key = '', etag = ''] = line.split(' ')
    if (verb === 'done') etags.set(key, new Set([etag]))
    if (verb === 'begin') etags.set(key, (etags.get(key) ?? new Set()).add(etag))
  }
  return etags
}

test('a writer killed at any moment leaves every object as it was answered last, or as it was written next', async () => {
  const store = await openDiskStore()
  try {
    await store.backend.createBucket('bucket')
    const lines: string[] = []
    for (let round = 0; round < rounds; round++) {
      const writer = startWriter(store.directory, String(round))
      await writer.ready
      // Some writes at least, however slow the machine is; then anywhere in one.
      await hasSaid(writer, linesOfOneWrite + Math.random() * 20)
      await sleep(Math.random() * 30)
      await kill(writer)
      lines.push(...writer.lines)
      for (const [key, etags] of possible(lines)) {
        if (!lines.some((line) => line.startsWith(`done ${key} `))) continue
        const etag = await etagAt(store.backend, key)
        assert.ok(etags.has(etag), `${key} is ${etag}, which was replaced before`)
        // What is there now is what the next round starts from.
        lines.push(`done ${key} ${etag}`)
      }
    }
    assert.ok(lines.filter((line) => line.startsWith('done')).length > rounds)
    await store.sweep()
    assert.equal(await store.garbage(), [])
    for (const key of possible(lines).keys()) await etagAt(store.backend, key)
  } finally {
    await store.close()
  }
})

test('two writers and a reader share a store, and one that is killed does not hold the others up', async () => {
  const store = await openDiskStore()
  const writers: Writer[] = []
  try {
    await store.backend.createBucket('bucket')
    writers.push(startWriter(store.directory, 'one'), startWriter(store.directory, 'two'))
    const started = await Promise.allSettled(writers.map(({ ready }) => ready))
    assert.is(started.filter(({ status }) => status === 'fulfilled').length, 2)
    const until = async (writer: Writer | undefined, count: number) => {
      const seen = () => writer?.lines.filter((line) => line.startsWith('done')).length ?? 0
      const wanted = seen() + count
      while (seen() < wanted) {
        await sleep(20)
        for (const key of ['a', 'a/b', 'c']) await etagAt(store.backend, key).catch(ignoreAbsent)
      }
    }
    await until(writers[0], 5)
    await until(writers[1], 5)
    const [first, second] = writers
    if (first !== undefined) await kill(first)
    await until(second, 10)
  } finally {
    for (const { child } of writers) child.kill('SIGKILL')
    await store.close()
  }
})

function ignoreAbsent(error: unknown): void {
  if (error instanceof Error && 'code' in error && /^(no-such-key|replaced)$/.test(String(error.code))) return
  throw error
}

test.run()
