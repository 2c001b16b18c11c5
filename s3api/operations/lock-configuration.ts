import type { Backend } from '../backends/backend.ts'
import { lockSettingName, type Retention } from '../backends/versions.ts'
import { S3Error } from '../errors.ts'
import { readXml, type XmlElement } from '../http/xml-reader.ts'
import { document, element, type XmlNode } from '../http/xml-writer.ts'
import type { Operation } from '../operation.ts'
import { parseDecimal } from '../text.ts'

/** A bucket's object lock: whether it has one, and what it asks for new versions. S3 user guide, "Locking objects with Object Lock". */
export interface LockConfiguration {
  readonly defaultRetention?: DefaultRetention
}

interface DefaultRetention {
  readonly mode: Retention['mode']
  readonly unit: 'Days' | 'Years'
  readonly count: number
}

const daysMax = 36_500
const yearsMax = 100
const route = { scope: 'bucket', query: ['object-lock'] } as const

/** What a bucket that is made with object lock starts with. */
export const initialLockSetting = JSON.stringify({} satisfies LockConfiguration)

export const putObjectLockConfiguration: Operation = {
  name: 'PutObjectLockConfiguration',
  action: 's3:PutBucketObjectLockConfiguration',
  method: 'PUT',
  ...route,
  async handle({ services: { backend }, request: { bucket }, body }) {
    const { versioning } = await backend.getBucket(bucket)
    const configuration = readConfiguration(await body.readAll())
    if (versioning !== 'enabled') {
      throw new S3Error(
        'InvalidBucketState',
        "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
      )
    }
    await backend.setBucketSetting(bucket, lockSettingName, JSON.stringify(configuration))
    return { status: 200 }
  },
}

export const getObjectLockConfiguration: Operation = {
  name: 'GetObjectLockConfiguration',
  action: 's3:GetBucketObjectLockConfiguration',
  method: 'GET',
  ...route,
  async handle({ services: { backend }, request: { bucket } }) {
    const configuration = await lockConfiguration(backend, bucket)
    if (configuration === undefined) throw new S3Error('ObjectLockConfigurationNotFoundError')
    return {
      status: 200,
      body: document(
        element('ObjectLockConfiguration', [
          element('ObjectLockEnabled', 'Enabled'),
          ...ruleElements(configuration),
        ]),
      ),
    }
  },
}

/** Undefined: the bucket has no object lock. Errors: no-such-bucket. */
export async function lockConfiguration(
  backend: Backend,
  bucket: string,
): Promise<LockConfiguration | undefined> {
  const setting = await backend.getBucketSetting(bucket, lockSettingName)
  // What the operation above has written.
  return setting === undefined ? undefined : (JSON.parse(setting) as LockConfiguration)
}

/** The retention of a version that is made now and names none. */
export function defaultRetention(
  { defaultRetention: rule }: LockConfiguration,
  nowMs: number,
): Retention | undefined {
  if (rule === undefined) return undefined
  const until = new Date(nowMs)
  if (rule.unit === 'Days') until.setUTCDate(until.getUTCDate() + rule.count)
  else until.setUTCFullYear(until.getUTCFullYear() + rule.count)
  return { mode: rule.mode, untilMs: until.getTime() }
}

/** Errors: MalformedXML. */
export function parseLockMode(text: string | undefined): Retention['mode'] {
  if (text === 'GOVERNANCE' || text === 'COMPLIANCE') return text
  throw new S3Error('MalformedXML')
}

function ruleElements({ defaultRetention: rule }: LockConfiguration): XmlNode[] {
  if (rule === undefined) return []
  const { mode, unit, count } = rule
  return [
    element('Rule', [element('DefaultRetention', [element('Mode', mode), element(unit, String(count))])]),
  ]
}

function readConfiguration(bytes: Uint8Array): LockConfiguration {
  const root = readXml(bytes, 'ObjectLockConfiguration')
  if (root.child('ObjectLockEnabled')?.text().trim() !== 'Enabled') throw new S3Error('MalformedXML')
  const rule = root.child('Rule')
  if (rule === undefined) return {}
  const retention = rule.child('DefaultRetention')
  if (retention === undefined) throw new S3Error('MalformedXML')
  return { defaultRetention: readDefaultRetention(retention) }
}

function readDefaultRetention(retention: XmlElement): DefaultRetention {
  const mode = parseLockMode(retention.child('Mode')?.text().trim())
  const [days, years] = [retention.child('Days'), retention.child('Years')]
  const given = days ?? years
  if (given === undefined || (days !== undefined && years !== undefined)) throw new S3Error('MalformedXML')
  const count = parseDecimal(given.text().trim())
  if (count === undefined || count < 1) throw new S3Error('InvalidRetentionPeriod')
  const unit = days === undefined ? 'Years' : 'Days'
  if (count > (unit === 'Days' ? daysMax : yearsMax)) {
    throw new S3Error('InvalidRetentionPeriod', 'Default retention period too large')
  }
  return { mode, unit, count }
}
