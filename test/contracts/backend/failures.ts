import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Backend, BackendError } from '../../../s3api/backends/backend.ts'
import type { BackendContractOptions } from '../backend.ts'
import {
  type Bench,
  bucket,
  completedRecord,
  dataOf,
  etagOf,
  expectObject,
  newVersionId,
  partBytes,
  put,
  putPart,
  startUpload,
} from './fixture.ts'

/** More writes below the backend than the scenario makes. */
const writesMax = 500

/** One step of the scenario, and what may be there once it was tried: contents of `key`, undefined for none. */
interface Step {
  readonly title: string
  readonly key: string
  readonly after: Buffer | undefined
  run(bench: Bench): Promise<unknown>
}

const [one, two, three] = [Buffer.alloc(200_000, '1'), Buffer.alloc(90_000, '2'), Buffer.alloc(300_000, '3')]

const first = partBytes(1)

const steps: readonly Step[] = [
  { title: 'put', key: 'a', after: one, run: (bench) => put(bench, 'a', one) },
  {
    title: 'put beside the record',
    key: 'b',
    after: two,
    run: (bench) => put(bench, 'b', two, { inline: true }),
  },
  { title: 'replace', key: 'a', after: three, run: (bench) => put(bench, 'a', three) },
  { title: 'put the source', key: 'source', after: three, run: (bench) => put(bench, 'source', three) },
  {
    title: 'take over',
    key: 'copy',
    after: three,
    run: async (bench) => {
      const object = await bench.backend.getObject(bucket, 'source')
      const data = { kind: 'same-as', object } as const
      await bench.backend.putObject({
        bucket,
        key: 'copy',
        record: object.record,
        data,
        newVersionId,
      })
    },
  },
  {
    title: 'delete',
    key: 'b',
    after: undefined,
    run: ({ backend }) => backend.deleteObject({ bucket, key: 'b' }),
  },
  { title: 'multipart', key: 'a', after: Buffer.concat([first, two]), run: multipart },
]

async function multipart(bench: Bench): Promise<void> {
  const upload = await startUpload(bench, 'a')
  try {
    const parts = [
      await putPart(bench, upload, 1, first),
      await putPart(bench, upload, 2, two, { inline: true }),
    ]
    await bench.backend.completeUpload(upload, {
      record: completedRecord(parts),
      newVersionId,
      parts,
    })
  } catch (error) {
    // Whoever fails here gives up the upload, so that nothing of it is left to be found as garbage.
    await bench.backend.abortUpload(bucket, 'a', upload.uploadId).catch((second: unknown) => {
      if (!(second instanceof BackendError) || second.code !== 'no-such-upload') throw second
    })
    throw error
  }
}

/** Each write below the backend fails once, in a run of its own: every object is the old or the new one, and no data is left over. */
export function failureContract(
  name: string,
  openFailing: NonNullable<BackendContractOptions['openFailing']>,
): void {
  const test = suite(`contract/backend: ${name}: failures`)

  test('whichever write fails, every object is the old or the new one and nothing is left over', async () => {
    for (let nth = 1; ; nth++) {
      assert.ok(nth < writesMax, 'the scenario does not come to its end')
      const under = await openFailing(nth)
      try {
        const contents = await runSteps(under)
        const healthy = await under.reopen()
        await expectContents({ ...under, backend: healthy }, contents, nth)
        assert.equal(await under.garbage(), [], `write ${nth}`)
        if (!under.failed()) return
      } finally {
        await under.close()
      }
    }
  })

  test.run()
}

/** By key: what may be there. */
type Contents = Map<string, (Buffer | undefined)[]>

async function runSteps(bench: Bench): Promise<Contents | undefined> {
  const contents: Contents = new Map(steps.map(({ key }) => [key, [undefined]]))
  try {
    await bench.backend.createBucket(bucket)
  } catch {
    // This was the write that had to fail: whether the bucket is there nobody can tell.
    return undefined
  }
  for (const { key, after, run } of steps) {
    try {
      await run(bench)
      contents.set(key, [after])
    } catch {
      // Whoever sees an error knows only that the step was done or not.
      contents.get(key)?.push(after)
    }
  }
  return contents
}

async function expectContents(bench: Bench, contents: Contents | undefined, nth: number): Promise<void> {
  for (const [key, possible] of contents ?? []) {
    const found = await contentOf(bench.backend, key)
    const matches = possible.some((bytes) =>
      bytes === undefined || found === undefined ? bytes === found : found.equals(bytes),
    )
    assert.ok(matches, `write ${nth}: ${key} is ${found?.subarray(0, 8).toString() ?? 'absent'}`)
    if (found !== undefined) await expectObject(bench, key, found)
  }
}

async function contentOf(backend: Backend, key: string): Promise<Buffer | undefined> {
  try {
    const object = await backend.getObject(bucket, key)
    const bytes = await dataOf(backend, object)
    if (object.record.parts === undefined) assert.is(etagOf(bytes), object.record.etag)
    return bytes
  } catch (error) {
    if (error instanceof BackendError && error.code === 'no-such-key') return undefined
    throw error
  }
}
