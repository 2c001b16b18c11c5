import { EventEmitter } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { KmsError } from '../../control/errors.ts'
import { DataKeys } from '../../control/keys/data-keys.ts'
import { disabledKeysPollMs } from '../../control/keys/disabled-keys.ts'
import { defaultKeyLimits } from '../../control/keys/key-limits.ts'
import type { WatchEvent } from '../../proto/gen/sealgate/kms/v1/WatchEvent.ts'
import { rejectsWith } from '../contracts/provider.ts'
import { countCalls } from '../support/counting-provider.ts'
import { foldersSyncedBy } from '../support/synced-folders.ts'
import { ManualClock } from '../support/vault/manual-clock.ts'

const test = suite('control/disabled-keys')

const keyId = 'my-minio-key'
const bound = { keyId, context: { bucket: 'bucket' } }
const waiting = () => ({ signal: AbortSignal.timeout(10_000) })

/** What a front-end's Watch would be sent, as it is written. */
class Watcher extends EventEmitter {
  readonly events: WatchEvent[] = []
  readonly writableLength = 0

  write(event: WatchEvent): void {
    this.events.push(event)
  }

  end(): void {}
}

interface Scene {
  readonly keys: DataKeys
  readonly clock: ManualClock
  readonly watchers: readonly Watcher[]
  readonly file: string
}

/** Control's keys with two front-ends that watch, each with the event it got at first. */
function fact(title: string, check: (scene: Scene) => Promise<void>): void {
  test(title, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sealgate-disabled-'))
    const file = join(directory, 'disabled.json')
    const clock = new ManualClock()
    const log = pino({ level: 'silent' })
    const limits = defaultKeyLimits
    const keys = new DataKeys({ provider: countCalls(), limits, log, clock, disabledKeysFile: file })
    try {
      const watchers = [new Watcher(), new Watcher()]
      // Of a Watch call the hub uses what this has.
      for (const watcher of watchers) keys.hub.add(watcher as never, () => true)
      await keys.lease(bound, waiting())
      await check({ keys, clock, watchers, file })
    } finally {
      keys.close()
      rmSync(directory, { recursive: true, force: true })
    }
  })
}

const told = ({ events }: Watcher) => events.at(-1)?.disabledKeyIds

test('a change of the file is looked for at least twice in the second that a front-end may take to stop', () => {
  assert.ok(disabledKeysPollMs <= 500)
})

fact('what a command disables is told to every front-end before the command is answered', async (scene) => {
  scene.keys.setDisabled(keyId, true)
  for (const watcher of scene.watchers) assert.equal(told(watcher), [keyId])
  assert.is(scene.keys.status.epochs, 0)
})

fact('what is written into the file is told to every front-end by the next look at it', async (scene) => {
  const { keys, clock, watchers, file } = scene
  writeFileSync(file, JSON.stringify({ disabled: [keyId] }))
  for (const watcher of watchers) assert.equal(told(watcher), [])
  await clock.advance(disabledKeysPollMs)
  for (const watcher of watchers) assert.equal(told(watcher), [keyId])
  assert.is(keys.status.epochs, 0)
  await rejectsWith('access-denied', keys.lease(bound, waiting()))
  writeFileSync(file, JSON.stringify({ disabled: [] }))
  await clock.advance(disabledKeysPollMs)
  for (const watcher of watchers) assert.equal(told(watcher), [])
  await keys.lease(bound, waiting())
})

fact('a file in whose place there is something else leaves the last list in force', async (scene) => {
  const { keys, clock, watchers, file } = scene
  keys.setDisabled(keyId, true)
  rmSync(file.slice(0, file.lastIndexOf('/')), { recursive: true })
  writeFileSync(file.slice(0, file.lastIndexOf('/')), 'no folder any more')
  await clock.advance(disabledKeysPollMs * 3)
  for (const watcher of watchers) assert.equal(told(watcher), [keyId])
  await rejectsWith('access-denied', keys.lease(bound, waiting()))
})

fact(
  'a key whose disabling cannot be written down is off all the same, until it can be enabled',
  async (scene) => {
    const { keys, clock, watchers, file } = scene
    const folder = file.slice(0, file.lastIndexOf('/'))
    rmSync(folder, { recursive: true })
    assert.is(keys.setDisabled(keyId, true), false)
    for (const watcher of watchers) assert.equal(told(watcher), [keyId])
    await rejectsWith('access-denied', keys.lease(bound, waiting()))
    assert.throws(
      () => keys.setDisabled(keyId, false),
      (error: KmsError) => error.code === 'not-configured' && error.message.includes(file),
    )
    mkdirSync(folder)
    writeFileSync(file, JSON.stringify({ disabled: ['other'] }))
    await clock.advance(disabledKeysPollMs)
    for (const watcher of watchers) assert.equal(told(watcher)?.toSorted(), [keyId, 'other'])
    writeFileSync(file, JSON.stringify({ disabled: ['other', 'third'] }))
    assert.is(keys.setDisabled(keyId, true), true)
    assert.equal(JSON.parse(readFileSync(file, 'utf8')), { disabled: [keyId, 'other', 'third'] })
    assert.ok(keys.status.disabledKeyIds.includes('third'))
    assert.is(keys.setDisabled(keyId, false), true)
    for (const watcher of watchers) assert.equal(told(watcher)?.toSorted(), ['other', 'third'])
  },
)

fact('a list that was written down outlives a power failure', async ({ keys, file }) => {
  const folders = () => [dirname(file)]
  assert.equal(await foldersSyncedBy(folders, async () => keys.setDisabled(keyId, true)), folders())
})

test.run()
