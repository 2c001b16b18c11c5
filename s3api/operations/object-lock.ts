import { bypassesGovernance } from '../access/needs.ts'
import type { ObjectAttributes, Retention } from '../backends/versions.ts'
import { S3Error } from '../errors.ts'
import { readXml } from '../http/xml-reader.ts'
import { document, element } from '../http/xml-writer.ts'
import type { Operation, RequestContext } from '../operation.ts'
import { lockConfiguration, parseLockMode } from './lock-configuration.ts'
import { objectNameOf, versionHeaders } from './version-parameter.ts'

/** Retention and legal hold of single versions. */

const retentionRoute = { scope: 'object', query: ['retention'], versions: true } as const
const legalHoldRoute = { scope: 'object', query: ['legal-hold'], versions: true } as const

export const putObjectRetention: Operation = {
  name: 'PutObjectRetention',
  action: 's3:PutObjectRetention',
  method: 'PUT',
  ...retentionRoute,
  async handle(context) {
    const { services, request, body } = context
    await requireLock(context)
    const retention = readRetention(await body.readAll(), services.now())
    const written = await services.backend.changeAttributes({
      ...objectNameOf(request),
      changes: { retention },
      bypassGovernance: bypassesGovernance(request),
    })
    return { status: 200, headers: versionHeaders(written) }
  },
}

export const getObjectRetention: Operation = {
  name: 'GetObjectRetention',
  action: 's3:GetObjectRetention',
  method: 'GET',
  ...retentionRoute,
  async handle(context) {
    const { retention } = await attributesOf(context, 'retention')
    if (retention === undefined) throw new S3Error('NoSuchObjectLockConfiguration')
    return {
      status: 200,
      body: document(
        element('Retention', [
          element('Mode', retention.mode),
          element('RetainUntilDate', new Date(retention.untilMs).toISOString()),
        ]),
      ),
    }
  },
}

export const putObjectLegalHold: Operation = {
  name: 'PutObjectLegalHold',
  action: 's3:PutObjectLegalHold',
  method: 'PUT',
  ...legalHoldRoute,
  async handle(context) {
    const { services, request, body } = context
    await requireLock(context)
    const root = readXml(await body.readAll(), 'LegalHold')
    const legalHold = parseLegalHold(root.child('Status')?.text().trim())
    if (legalHold === undefined) throw new S3Error('MalformedXML')
    const changes = { legalHold }
    const written = await services.backend.changeAttributes({ ...objectNameOf(request), changes })
    return { status: 200, headers: versionHeaders(written) }
  },
}

export const getObjectLegalHold: Operation = {
  name: 'GetObjectLegalHold',
  action: 's3:GetObjectLegalHold',
  method: 'GET',
  ...legalHoldRoute,
  async handle(context) {
    const { legalHold } = await attributesOf(context, 'legalHold')
    if (legalHold === undefined) throw new S3Error('NoSuchObjectLockConfiguration')
    return {
      status: 200,
      body: document(element('LegalHold', [element('Status', legalHold ? 'ON' : 'OFF')])),
    }
  },
}

export function parseLegalHold(text: string | undefined): boolean | undefined {
  return text === 'ON' ? true : text === 'OFF' ? false : undefined
}

/** Errors: InvalidArgument for a date that is none, or is over. */
export function parseRetainUntil(text: string, nowMs: number): number {
  const untilMs = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(untilMs)) throw new S3Error('InvalidArgument', 'The retain until date must be ISO 8601.')
  if (untilMs > nowMs) return untilMs
  throw new S3Error('InvalidArgument', 'The retain until date must be in the future!')
}

/** The lock of a version as GET and HEAD show it. */
export function lockHeaders({ retention, legalHold }: ObjectAttributes): Record<string, string> {
  return {
    ...(retention !== undefined && {
      'x-amz-object-lock-mode': retention.mode,
      'x-amz-object-lock-retain-until-date': new Date(retention.untilMs).toISOString(),
    }),
    ...(legalHold !== undefined && { 'x-amz-object-lock-legal-hold': legalHold ? 'ON' : 'OFF' }),
  }
}

async function attributesOf(
  context: RequestContext,
  wanted: 'retention' | 'legalHold',
): Promise<ObjectAttributes> {
  await requireLock(context)
  const { backend } = context.services
  return (await backend.getAttributes(objectNameOf(context.request), [wanted])).attributes
}

async function requireLock({ services: { backend }, request: { bucket } }: RequestContext): Promise<void> {
  if ((await lockConfiguration(backend, bucket)) === undefined) throw noLock()
}

export function noLock(): S3Error {
  return new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration')
}

/** Null: none any more. Errors: MalformedXML, InvalidArgument. */
function readRetention(bytes: Uint8Array, nowMs: number): Retention | null {
  const root = readXml(bytes, 'Retention')
  const [mode, until] = [root.child('Mode'), root.child('RetainUntilDate')]
  if (mode === undefined && until === undefined) return null
  if (until === undefined) throw new S3Error('MalformedXML')
  return {
    mode: parseLockMode(mode?.text().trim()),
    untilMs: parseRetainUntil(until.text().trim(), nowMs),
  }
}
