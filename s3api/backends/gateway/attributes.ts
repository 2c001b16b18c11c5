import { document, element } from '../../http/xml-writer.ts'
import type { Backend, LookupHint, StoredObject, WrittenVersion } from '../backend.ts'
import type { AttributeChanges, ObjectAttributes, Retention, Tag } from '../versions.ts'
import type { LookedUp } from './lookup.ts'
import { toLockAttributes } from './native-headers.ts'
import type { StoreAcls } from './store-acls.ts'
import { answerSizeMax } from './store-limits.ts'
import type { Upstream } from './upstream.ts'
import { asBackend, toBackendError, UpstreamError } from './upstream-error.ts'
import { toUpstreamVersion } from './version-ids.ts'
import { toWritten } from './writing.ts'
import { XmlList } from './xml-list.ts'

interface VersionName {
  readonly bucket: string
  readonly key: string
  readonly versionId?: string
}

/** Tags, retention and legal hold: the store's own. */
export class Attributes {
  readonly #upstream: Upstream
  readonly #acls: StoreAcls

  constructor(upstream: Upstream, acls: StoreAcls) {
    this.#upstream = upstream
    this.#acls = acls
  }

  /** Tags cost a request of their own, for objects that have some; so does the access control list, where it is wanted. */
  async of(found: LookedUp, hint: LookupHint): Promise<ObjectAttributes> {
    const wanted = hint.acl === true && found.record.minio === undefined
    if (!wanted && !hasTags(found)) return toLockAttributes(found.headers)
    const [tags, acl] = await Promise.all([
      this.#tagsOf(found),
      wanted ? this.#acls.of(found, found.record.owner) : {},
    ])
    return { ...toLockAttributes(found.headers), ...tags, ...acl }
  }

  async #tagsOf(found: LookedUp): Promise<Pick<ObjectAttributes, 'tags'>> {
    if (!hasTags(found)) return {}
    const { bucket, key, versionId } = found
    const { bytes } = await asBackend(() =>
      this.#get({ bucket, key, ...(versionId !== undefined && { versionId }) }, 'tagging'),
    )
    return readers.tags(bytes)
  }

  /** Those that are wanted, each by a request of its own, without a look at the object. Errors: those of Backend.getObject. */
  async read(...[name, wanted]: Parameters<Backend['getAttributes']>) {
    let found: Pick<StoredObject, 'attributes' | 'versionId'> = { attributes: {} }
    for (const attribute of wanted) {
      const answer = await this.#get(name, subResources[attribute]).catch((error: unknown) => {
        if (error instanceof UpstreamError && absences.has(error.code)) return undefined
        throw toBackendError(error)
      })
      if (answer === undefined) continue
      const attributes = { ...found.attributes, ...readers[attribute](answer.bytes) }
      found = { ...found, ...toWritten(answer), attributes }
    }
    return found
  }

  #get({ bucket, key, versionId }: VersionName, subResource: string) {
    const version = versionId !== undefined && { versionId: toUpstreamVersion(versionId) }
    const query = { [subResource]: '', ...version }
    return this.#upstream.fetch({ method: 'GET', bucket, key, query, repeatable: true }, answerSizeMax)
  }

  /** Resolves to what the store says of the version. Errors: those of Backend.changeAttributes. */
  async change(
    name: VersionName,
    changes: AttributeChanges,
    {
      owner,
      bypassGovernance,
    }: {
      /** Of an object whose access control list changes; absent: the bucket's. */
      readonly owner: string | undefined
      readonly bypassGovernance: boolean
    },
  ): Promise<WrittenVersion> {
    let written: WrittenVersion = {}
    const { tags, retention, legalHold, acl } = changes
    if (tags !== undefined) written = await this.#changeTags(name, tags)
    if (retention !== undefined) {
      written = await this.#send('PUT', name, 'retention', retentionDocument(retention), bypassGovernance)
    }
    if (legalHold !== undefined) {
      const hold = element('LegalHold', [element('Status', legalHold === true ? 'ON' : 'OFF')])
      written = await this.#send('PUT', name, 'legal-hold', document(hold), false)
    }
    if (acl !== undefined) await this.#acls.change(name, owner, acl)
    return written
  }

  #changeTags(name: VersionName, tags: readonly Tag[] | null): Promise<WrittenVersion> {
    if (tags === null || tags.length === 0) return this.#send('DELETE', name, 'tagging', undefined, false)
    const set = tags.map(({ key, value }) => element('Tag', [element('Key', key), element('Value', value)]))
    return this.#send('PUT', name, 'tagging', document(element('Tagging', [element('TagSet', set)])), false)
  }

  async #send(
    method: 'PUT' | 'DELETE',
    { bucket, key, versionId }: VersionName,
    subResource: string,
    body: string | undefined,
    bypassGovernance: boolean,
  ): Promise<WrittenVersion> {
    return asBackend(async () => {
      const answer = await this.#upstream.fetch(
        {
          method,
          bucket,
          key,
          query: {
            [subResource]: '',
            ...(versionId !== undefined && { versionId: toUpstreamVersion(versionId) }),
          },
          headers: bypassGovernance ? { 'x-amz-bypass-governance-retention': 'true' } : {},
          ...(body !== undefined && { body: Buffer.from(body, 'utf8'), md5: true }),
          repeatable: true,
        },
        answerSizeMax,
      )
      return toWritten(answer)
    })
  }
}

const subResources = { tags: 'tagging', retention: 'retention', legalHold: 'legal-hold' } as const

/** What stores say where there is nothing of the kind. */
const absences: ReadonlySet<string> = new Set(['NoSuchTagSet', 'NoSuchObjectLockConfiguration'])

/** Of the documents of the sub-resources. */
const readers = {
  tags(bytes: Uint8Array): Pick<ObjectAttributes, 'tags'> {
    const sets = new XmlList(bytes, 'Tagging').entries('TagSet')
    const tags = sets.flatMap((set) => set.children('Tag'))
    return { tags: tags.map((tag) => ({ key: tag.text('Key'), value: tag.text('Value') })) }
  },
  retention(bytes: Uint8Array): ObjectAttributes {
    const root = new XmlList(bytes, 'Retention')
    const [mode = '', until = ''] = [root.find('Mode'), root.find('RetainUntilDate')]
    return toLockAttributes({
      'x-amz-object-lock-mode': mode,
      'x-amz-object-lock-retain-until-date': until,
    })
  },
  legalHold(bytes: Uint8Array): ObjectAttributes {
    const status = new XmlList(bytes, 'LegalHold').find('Status')
    return status === undefined ? {} : { legalHold: status === 'ON' }
  },
} as const

function hasTags({ headers }: LookedUp): boolean {
  return Number(headers['x-amz-tagging-count'] ?? 0) > 0
}

function retentionDocument(retention: Retention | null): string {
  if (retention === null) return document(element('Retention', []))
  const { mode, untilMs } = retention
  return document(
    element('Retention', [
      element('Mode', mode),
      element('RetainUntilDate', new Date(untilMs).toISOString()),
    ]),
  )
}
