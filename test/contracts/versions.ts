import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  type Backend,
  BackendError,
  type BackendErrorCode,
  type ObjectRecord,
  type WriteCondition,
} from '../../s3api/backends/backend.ts'
import { lockSettingName, type ObjectAttributes, type VersionEntry } from '../../s3api/backends/versions.ts'
import { initialLockSetting } from '../../s3api/operations/lock-configuration.ts'
import { readStored } from '../support/stored.ts'
import { completedRecord, newVersionId, partBytes, putPart, startUpload } from './backend/fixture.ts'
import type { StoreLimits } from './backend/limits.ts'

export interface VersionsUnderTest {
  readonly backend: Backend
  /** The store chooses the ids of versions. */
  readonly ownIds: boolean
  /** Of a foreign store below it. */
  readonly limits?: StoreLimits
  close(): Promise<void>
}

const bucket = 'versions'
const hour = 60 * 60 * 1000

/** What every backend that has versions promises about them. */
export function versionsContract(name: string, open: () => Promise<VersionsUnderTest>): void {
  const test = suite(`contract/versions: ${name}`)

  const fact = (title: string, check: (backend: Backend, under: VersionsUnderTest) => Promise<void>) =>
    test(title, async () => {
      const under = await open()
      try {
        await under.backend.createBucket(bucket)
        await check(under.backend, under)
      } finally {
        await under.close()
      }
    })

  fact('a bucket without versioning names no version', async (backend) => {
    assert.is((await backend.getBucket(bucket)).versioning, 'unversioned')
    assert.equal(await put(backend, 'a', 'one', { id: 'v1' }), {})
    assert.is((await backend.getObject(bucket, 'a')).versionId, undefined)
    assert.is(await read(backend, 'a', 'null'), 'one')
    await put(backend, 'a', 'two', { id: 'v2' })
    assert.equal(await list(backend), ['a null latest'])
    assert.equal(await backend.deleteObject({ bucket, key: 'a' }), { deleteMarker: false })
    assert.equal(await list(backend), [])
  })

  fact('nor is it named to who asks for the null version there', async (backend, { limits = {} }) => {
    await put(backend, 'a', 'one', { id: 'v1' })
    const name = { bucket, key: 'a', versionId: 'null' }
    if (limits.nullWithoutVersions !== 'deleted') {
      for (const tags of [[{ key: 'kept', value: 'yes' }], null])
        assert.equal(await backend.changeAttributes({ ...name, changes: { tags } }), {})
    }
    for (const what of ['the object', 'nothing'])
      assert.equal(await backend.deleteObject(name), { deleteMarker: false }, what)
    assert.equal(await list(backend), [])
  })

  fact(
    'with versioning enabled every write is a version and the newest is current',
    async (backend, under) => {
      await backend.setVersioning(bucket, 'enabled')
      const { versionId: first } = await put(backend, 'a', 'one', { id: 'v1' })
      const { versionId: second } = await put(backend, 'a', 'two', { id: 'v2' })
      if (!under.ownIds) assert.equal([first, second], ['v1', 'v2'])
      assert.is(await read(backend, 'a'), 'two')
      assert.is(await read(backend, 'a', first), 'one')
      assert.is((await backend.getObject(bucket, 'a')).versionId, second)
      assert.equal(await list(backend), [`a ${second} latest`, `a ${first}`])
      assert.equal((await backend.listObjects(bucket, firstPage)).entries.length, 1)
    },
  )

  fact('an object from before versioning is the null version', async (backend) => {
    await put(backend, 'a', 'old', { id: 'v1' })
    await backend.setVersioning(bucket, 'enabled')
    assert.is((await backend.getObject(bucket, 'a')).versionId, 'null')
    const { versionId } = await put(backend, 'a', 'new', { id: 'v2' })
    assert.equal(await list(backend), [`a ${versionId} latest`, 'a null'])
    assert.is(await read(backend, 'a', 'null'), 'old')
  })

  fact('a plain delete makes a marker that hides the object', async (backend) => {
    await backend.setVersioning(bucket, 'enabled')
    const { versionId } = await put(backend, 'a', 'one', { id: 'v1' })
    const deletion = await backend.deleteObject({ bucket, key: 'a' })
    assert.is(deletion.deleteMarker, true)
    const marker = deletion.versionId ?? ''
    const hidden = await failure(backend.getObject(bucket, 'a'))
    assert.is(hidden.code, 'no-such-key')
    assert.is(hidden.marker?.versionId, marker)
    const named = await failure(backend.getObject(bucket, 'a', marker))
    assert.is(named.code, 'delete-marker')
    assert.is(await read(backend, 'a', versionId), 'one')
    assert.equal(await list(backend), [`a ${marker} marker latest`, `a ${versionId}`])
    assert.equal((await backend.listObjects(bucket, firstPage)).entries, [])
    assert.equal(await backend.deleteObject({ bucket, key: 'a', versionId: marker }), {
      versionId: marker,
      deleteMarker: true,
    })
    assert.is(await read(backend, 'a'), 'one')
  })

  fact('a version that is removed is gone, and the one before is current', async (backend) => {
    await backend.setVersioning(bucket, 'enabled')
    const { versionId: first } = await put(backend, 'a', 'one', { id: 'v1' })
    const { versionId: second = '' } = await put(backend, 'a', 'two', { id: 'v2' })
    await backend.deleteObject({ bucket, key: 'a', versionId: second })
    assert.is(await read(backend, 'a'), 'one')
    assert.is((await failure(backend.getObject(bucket, 'a', second))).code, 'no-such-version')
    const again = await backend.deleteObject({ bucket, key: 'a', versionId: second })
    assert.equal(again, { versionId: second, deleteMarker: false })
    assert.equal(await list(backend), [`a ${first} latest`])
  })

  fact('with versioning suspended writes replace the null version and keep the others', async (backend) => {
    await backend.setVersioning(bucket, 'enabled')
    const { versionId } = await put(backend, 'a', 'kept', { id: 'v1' })
    await backend.setVersioning(bucket, 'suspended')
    assert.is((await backend.getBucket(bucket)).versioning, 'suspended')
    assert.equal(await put(backend, 'a', 'null one', { id: 'v2' }), { versionId: 'null' })
    assert.equal(await put(backend, 'a', 'null two', { id: 'v3' }), { versionId: 'null' })
    assert.equal(await list(backend), ['a null latest', `a ${versionId}`])
    assert.equal(await backend.deleteObject({ bucket, key: 'a' }), { versionId: 'null', deleteMarker: true })
    assert.equal(await list(backend), ['a null marker latest', `a ${versionId}`])
    await backend.deleteObject({ bucket, key: 'a', versionId: 'null' })
    assert.is(await read(backend, 'a'), 'kept')
  })

  fact('versions are paged exactly, prefixes folded, wherever a page ends', async (backend) => {
    await backend.setVersioning(bucket, 'enabled')
    for (const key of ['a', 'b/1', 'b/2', 'c']) {
      for (const round of [1, 2, 3]) await put(backend, key, `${round}`, { id: `${key}-${round}` })
    }
    await backend.deleteObject({ bucket, key: 'c' })
    for (const delimiter of ['', '/']) {
      const whole = await list(backend, { delimiter })
      assert.is(whole.length, delimiter === '' ? 13 : 8)
      for (const limit of [1, 2, 3, 5]) {
        const pages: string[] = []
        let [keyMarker, versionIdMarker] = ['', '']
        for (let truncated = true; truncated; ) {
          const page = await backend.listVersions(bucket, {
            prefix: '',
            delimiter,
            keyMarker,
            versionIdMarker,
            limit,
          })
          pages.push(...page.entries.map(shown))
          truncated = page.truncated
          const last = page.entries.at(-1)
          keyMarker = last?.kind === 'prefix' ? last.prefix : (last?.key ?? '')
          versionIdMarker = last?.kind === 'prefix' ? '' : (last?.versionId ?? '')
        }
        assert.equal(pages, whole)
      }
    }
  })

  fact('a marker that is gone meanwhile hides no version of its key', async (backend) => {
    await backend.setVersioning(bucket, 'enabled')
    const { versionId: first } = await put(backend, 'a', 'one', { id: 'v1' })
    const { versionId: second = '' } = await put(backend, 'a', 'two', { id: 'v2' })
    await backend.deleteObject({ bucket, key: 'a', versionId: second })
    const page = await list(backend, { keyMarker: 'a', versionIdMarker: second })
    assert.equal(page, [`a ${first} latest`])
  })

  fact('a bucket with nothing but a delete marker is not empty', async (backend, { limits }) => {
    if (limits?.noIdleMarkers === true) return
    await backend.setVersioning(bucket, 'enabled')
    const { versionId = '' } = await backend.deleteObject({ bucket, key: 'a' })
    assert.is((await failure(backend.deleteBucket(bucket))).code, 'bucket-not-empty')
    await backend.deleteObject({ bucket, key: 'a', versionId })
    await backend.deleteBucket(bucket)
  })

  fact('tags belong to one version', async (backend) => {
    await backend.setVersioning(bucket, 'enabled')
    const tags = [{ key: 'k', value: 'v' }]
    const { versionId: first = '' } = await put(backend, 'a', 'one', { id: 'v1', attributes: { tags } })
    await put(backend, 'a', 'two', { id: 'v2' })
    assert.equal((await backend.getObject(bucket, 'a')).attributes.tags ?? [], [])
    assert.equal((await backend.getObject(bucket, 'a', first)).attributes.tags, tags)
    const change = { bucket, key: 'a', versionId: first, changes: { tags: null } }
    assert.equal(await backend.changeAttributes(change), { versionId: first })
    assert.equal((await backend.getObject(bucket, 'a', first)).attributes.tags ?? [], [])
  })

  fact(
    'a locked version stays until its time, or for one who may bypass governance',
    async (backend, under) => {
      await remakeWithLock(backend)
      const cases: readonly [ObjectAttributes, plain: boolean, bypass: boolean][] = [
        [{ legalHold: true }, false, false],
        [{ legalHold: false }, true, true],
        [{ retention: { mode: 'GOVERNANCE', untilMs: Date.now() + hour } }, false, true],
        [{ retention: { mode: 'COMPLIANCE', untilMs: Date.now() + hour } }, false, false],
        [{ retention: { mode: 'COMPLIANCE', untilMs: Date.now() - hour } }, true, true],
      ]
      for (const [attributes, ...removable] of cases) {
        // Another S3 takes no retention that is over already.
        if (under.ownIds && (attributes.retention?.untilMs ?? Infinity) < Date.now()) continue
        for (const [index, bypassGovernance] of [false, true].entries()) {
          const { versionId = '' } = await put(backend, 'a', 'x', { id: `v${Math.random()}`, attributes })
          const deletion = backend.deleteObject({ bucket, key: 'a', versionId, bypassGovernance })
          if (removable[index]) await deletion
          else assert.is((await failure(deletion)).code, 'locked')
        }
      }
      assert.is((await backend.deleteObject({ bucket, key: 'a' })).deleteMarker, true)
    },
  )

  fact('an upload that is locked from the start makes a locked version', async (backend) => {
    await remakeWithLock(backend)
    const retention = { mode: 'GOVERNANCE', untilMs: Date.now() + hour } as const
    const upload = await startUpload({ backend }, 'a', { bucket, attributes: { retention } })
    const parts = [
      await putPart({ backend }, upload, 1, partBytes(1)),
      await putPart({ backend }, upload, 2, Buffer.from('end'), { inline: true }),
    ]
    const completion = { record: completedRecord(parts), newVersionId, parts, attributes: { retention } }
    const { versionId = '' } = await backend.completeUpload(upload, completion)
    assert.equal((await backend.getObject(bucket, 'a')).attributes.retention, retention)
    assert.is((await failure(backend.deleteObject({ bucket, key: 'a', versionId }))).code, 'locked')
  })

  fact('a retention that holds is never weakened', async (backend) => {
    await remakeWithLock(backend)
    const untilMs = Date.now() + hour
    await put(backend, 'a', 'x', { id: 'v1', attributes: { retention: { mode: 'COMPLIANCE', untilMs } } })
    const change = (retention: ObjectAttributes['retention'] | null) =>
      backend.changeAttributes({
        bucket,
        key: 'a',
        changes: { retention: retention ?? null },
        bypassGovernance: true,
      })
    const codes: (BackendErrorCode | undefined)[] = []
    for (const weaker of [
      null,
      { mode: 'COMPLIANCE', untilMs: untilMs - 1 },
      { mode: 'GOVERNANCE', untilMs: untilMs + hour },
    ] as const) {
      codes.push((await failure(change(weaker))).code)
    }
    assert.equal(codes, ['locked', 'locked', 'locked'])
    await change({ mode: 'COMPLIANCE', untilMs: untilMs + hour })
    const { attributes } = await backend.getObject(bucket, 'a')
    assert.equal(attributes.retention, { mode: 'COMPLIANCE', untilMs: untilMs + hour })
  })

  fact('a condition speaks of the version that is named, and a marker is no object', async (backend) => {
    await backend.setVersioning(bucket, 'enabled')
    const { versionId = '' } = await put(backend, 'a', 'one', { id: 'v1' })
    await put(backend, 'a', 'two', { id: 'v2' })
    const remove = (condition: WriteCondition) =>
      backend.deleteObject({ bucket, key: 'a', versionId, condition })
    assert.is((await failure(remove({ ifMatch: etagOf('two') }))).code, 'precondition-failed')
    assert.is((await failure(remove({ ifSize: 4 }))).code, 'precondition-failed')
    await remove({ ifMatch: etagOf('one'), ifSize: 3 })
    await backend.deleteObject({ bucket, key: 'a' })
    await put(backend, 'a', 'three', { id: 'v3', condition: { ifNoneMatch: '*' } })
    assert.is(await read(backend, 'a'), 'three')
  })

  fact(
    'a conditional delete of nothing does nothing, and of a marker only * holds',
    async (backend, { limits }) => {
      await backend.setVersioning(bucket, 'enabled')
      const remove = (condition: WriteCondition) => backend.deleteObject({ bucket, key: 'a', condition })
      assert.equal(await remove({ ifMatch: '*' }), { deleteMarker: false })
      assert.equal(await remove({ ifMatch: 'x' }), { deleteMarker: false })
      assert.equal(await list(backend), [])
      if (limits?.noIdleMarkers === true) return
      await backend.deleteObject({ bucket, key: 'a' })
      assert.is((await remove({ ifMatch: '*' })).deleteMarker, true)
      for (const ifMatch of ['x', ''])
        assert.is((await failure(remove({ ifMatch }))).code, 'precondition-failed')
      assert.is((await failure(remove({ ifSize: 1 }))).code, 'precondition-failed')
    },
  )

  test.run()
}

/** Many stores have object lock only in buckets that were made with it. */
async function remakeWithLock(backend: Backend): Promise<void> {
  await backend.deleteBucket(bucket)
  const settings = { [lockSettingName]: initialLockSetting }
  await backend.createBucket(bucket, { versioning: 'enabled', settings })
}

const firstPage = { prefix: '', delimiter: '', startAfter: '', limit: 1000 }

async function put(
  backend: Backend,
  key: string,
  text: string,
  {
    id,
    attributes,
    condition,
  }: { readonly id: string; readonly attributes?: ObjectAttributes; readonly condition?: WriteCondition },
) {
  return backend.putObject({
    bucket,
    key,
    record: recordOf(text),
    data: { kind: 'bytes', bytes: new TextEncoder().encode(text) },
    newVersionId: () => id,
    ...(attributes !== undefined && { attributes }),
    ...(condition !== undefined && { condition }),
  })
}

function recordOf(text: string): ObjectRecord {
  return {
    size: text.length,
    etag: etagOf(text),
    modifiedAtMs: 1_700_000_000_000,
    headers: {},
    metadata: {},
    storageClass: 'STANDARD',
  }
}

function etagOf(text: string): string {
  return Buffer.from(text).toString('hex').padEnd(32, '0')
}

/** The version's bytes. */
async function read(backend: Backend, key: string, versionId?: string): Promise<string> {
  const object = await backend.getObject(bucket, key, versionId)
  const [bytes] = await readStored(backend, object, [{ index: 0, offset: 0, size: object.record.size }])
  return String(bytes)
}

async function list(backend: Backend, query: Partial<Parameters<Backend['listVersions']>[1]> = {}) {
  const page = await backend.listVersions(bucket, {
    prefix: '',
    delimiter: '',
    keyMarker: '',
    versionIdMarker: '',
    limit: 1000,
    ...query,
  })
  return page.entries.map(shown)
}

function shown(entry: VersionEntry): string {
  if (entry.kind === 'prefix') return `${entry.prefix} prefix`
  const marker = entry.kind === 'marker' ? ' marker' : ''
  return `${entry.key} ${entry.versionId}${marker}${entry.latest ? ' latest' : ''}`
}

async function failure(promise: Promise<unknown>): Promise<BackendError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof BackendError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
