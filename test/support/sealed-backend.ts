import { DareError, openBytes, sealBytes, type WriteTarget } from '../../engine/index.ts'
import type {
  Backend,
  NewData,
  ObjectRecord,
  StagedData,
  StoredObject,
  UploadRecord,
  WrittenBytes,
} from '../../s3api/backends/backend.ts'
import { BackendError } from '../../s3api/backends/backend.ts'
import { readStored, stageBytes } from './stored.ts'

/**
 * A backend as a front-end uses it that encrypts everything: whoever works with this one gives and gets plain bytes and records,
 * and the one below holds them sealed. Buckets have a prefix there, so that many stores share one server.
 */
export function sealedBackend(inner: Backend, prefix: string): Backend {
  const name = (bucket: string) => prefix + bucket
  // Without the inner's bytes, which are sealed once more: they are opened by openData.
  const outer = ({ body: _, ...object }: StoredObject): StoredObject => ({
    ...object,
    bucket: object.bucket.slice(prefix.length),
    record: withoutSeal(object.record),
    generation: object,
  })

  async function toInner(
    bucket: string,
    key: string,
    { record, data, condition }: Pick<Parameters<Backend['putObject']>[0], 'record' | 'data' | 'condition'>,
  ): Promise<NewData> {
    if (data.kind === 'same-as') return { kind: 'same-as', object: innerOf(data.object) }
    const sealed = sealBytes(sealKey, bytesOf(data))
    if (data.kind === 'bytes') return { kind: 'bytes', bytes: sealed }
    const plan = {
      bucket,
      key,
      becomes: { kind: 'object', record, ...(condition && { condition }) },
    } as const
    return { kind: 'staged', staged: await stageBytes(inner, plan, sealed) }
  }

  const innerUpload = (upload: UploadRecord): UploadRecord => ({
    ...upload,
    bucket: name(upload.bucket),
    envelope: upload.envelope ?? seal,
  })
  const outerUpload = (upload: UploadRecord): UploadRecord => ({
    ...withoutSeal(upload),
    bucket: upload.bucket.slice(prefix.length),
  })

  return {
    createBucket: (bucket, initial) => inner.createBucket(name(bucket), initial),
    getBucket: async (bucket) => ({ ...(await inner.getBucket(name(bucket))), name: bucket }),
    async listBuckets() {
      const ours = (await inner.listBuckets()).filter((bucket) => bucket.name.startsWith(prefix))
      return ours.map((bucket) => ({ ...bucket, name: bucket.name.slice(prefix.length) }))
    },
    deleteBucket: (bucket) => inner.deleteBucket(name(bucket)),
    getBucketSetting: (bucket, setting) => inner.getBucketSetting(name(bucket), setting),
    setBucketSetting: (bucket, setting, value) => inner.setBucketSetting(name(bucket), setting, value),
    setVersioning: (bucket, state) => inner.setVersioning(name(bucket), state),
    stage: async () => new HeldData(),
    async putObject(put) {
      const bucket = name(put.bucket)
      const record = withSeal(put.record)
      const data = await toInner(bucket, put.key, { ...put, record })
      return inner.putObject({ ...put, bucket, record, data })
    },
    getObject: async (bucket, key, versionId, hint) =>
      outer(await inner.getObject(name(bucket), key, versionId, hint)),
    getAttributes: (object, wanted) =>
      inner.getAttributes({ ...object, bucket: name(object.bucket) }, wanted),
    async *openData(object, ranges) {
      const below = innerOf(object)
      const streams = below.record.parts ?? [below.record]
      for (const { index } of ranges) {
        const size = sealBytes(sealKey, new Uint8Array(streams[index]?.size ?? 0)).length
        const [sealed] = await readStored(inner, below, [{ index, offset: 0, size }])
        try {
          yield { kind: 'bytes', bytes: openBytes(sealKey, sealed ?? new Uint8Array(0)) }
        } catch (error) {
          if (error instanceof DareError)
            throw new Error('the sealed bytes are not what they were', { cause: error })
          throw error
        }
      }
    },
    deleteObject: (deletion) => inner.deleteObject({ ...deletion, bucket: name(deletion.bucket) }),
    changeAttributes: (change) => inner.changeAttributes({ ...change, bucket: name(change.bucket) }),
    listObjects: (bucket, query) => inner.listObjects(name(bucket), query),
    listVersions: (bucket, query) => inner.listVersions(name(bucket), query),
    createUpload: (upload, asked) =>
      inner.createUpload(
        { ...upload, bucket: name(upload.bucket), envelope: upload.envelope ?? seal },
        asked,
      ),
    getUpload: async (bucket, key, id) => outerUpload(await inner.getUpload(name(bucket), key, id)),
    async putPart(upload, part, data, asked) {
      const below = innerUpload(upload)
      const sealed = sealBytes(sealKey, bytesOf(data))
      const becomes = { kind: 'part', upload: below, number: part.number } as const
      const { bucket, key } = below
      const placed: WrittenBytes =
        data.kind === 'bytes'
          ? { kind: 'bytes', bytes: sealed }
          : { kind: 'staged', staged: await stageBytes(inner, { bucket, key, becomes }, sealed) }
      await inner.putPart(below, part, placed, asked)
    },
    listParts: (upload, page) => inner.listParts(innerUpload(upload), page),
    async listUploads(bucket, query) {
      const page = await inner.listUploads(name(bucket), query)
      const entries = page.entries.map((entry) =>
        entry.kind === 'prefix' ? entry : { kind: 'upload' as const, upload: outerUpload(entry.upload) },
      )
      return { ...page, entries }
    },
    completeUpload: (upload, completion) =>
      inner.completeUpload(innerUpload(upload), { ...completion, record: withSeal(completion.record) }),
    abortUpload: (bucket, key, id) => inner.abortUpload(name(bucket), key, id),
    system: inner.system,
    check: () => inner.check(),
    close: () => inner.close(),
  }
}

const sealKey = new Uint8Array(32).fill(7)
/** Stands where a front-end has a real envelope. */
const seal = new Uint8Array(300).fill(9)

function withSeal(record: ObjectRecord): ObjectRecord {
  return { ...record, envelope: record.envelope ?? seal }
}

function withoutSeal<Sealed extends { readonly envelope?: Uint8Array }>(record: Sealed): Sealed {
  if (record.envelope === undefined || !Buffer.from(record.envelope).equals(seal)) return record
  const { envelope: _, ...plain } = record
  // Without its optional member it is the same type.
  return plain as Sealed
}

function innerOf({ generation }: StoredObject): StoredObject {
  // `outer` has put it there.
  return generation as StoredObject
}

/** Staged bytes that wait for what becomes of them. */
class HeldData implements StagedData {
  readonly #pieces: Uint8Array[] = []
  readonly target: WriteTarget
  constructor() {
    this.target = {
      hashed: false,
      write: async (bytes) => void this.#pieces.push(new Uint8Array(bytes)),
    }
  }
  get bytes(): Uint8Array {
    return Buffer.concat(this.#pieces)
  }
  async discard(): Promise<void> {}
}

function bytesOf(data: WrittenBytes): Uint8Array {
  if (data.kind === 'bytes') return data.bytes
  if (!(data.staged instanceof HeldData))
    throw new BackendError('unavailable', 'the data was staged elsewhere')
  return data.staged.bytes
}
