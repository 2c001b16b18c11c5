import { hidingAbsence } from '../access/absence.ts'
import { createAuthorizer } from '../access/authorizer.ts'
import { requireExpectedOwners } from '../access/expected-owner.ts'
import { needsOf } from '../access/needs.ts'
import { type User, type Users, userOf } from '../access/users.ts'
import type { Authentication } from '../auth/authentication.ts'
import { openBody } from '../auth/body.ts'
import type { DocumentBudget } from '../auth/document-budget.ts'
import { type Form, openForm } from '../auth/form.ts'
import { checkFormPolicy, parseFormPolicy } from '../auth/form-policy.ts'
import { keyOf, requestOfForm, withFileName } from '../auth/form-request.ts'
import { authenticateForm } from '../auth/form-signature.ts'
import { authenticate } from '../auth/verify.ts'
import { authenticateV2 } from '../auth/verify-v2.ts'
import {
  documentSizeMaxDefault,
  type Operation,
  type Reply,
  type RequestContext,
  type S3Request,
  type Services,
} from '../operation.ts'

/** What is found out of a request on its way to its operation, for its log line. */
export interface Findings {
  request?: S3Request
  user?: User | undefined
}

/** Who sent it, and what it asks for. */
interface Known {
  readonly authentication: Authentication
  /** Of a form: the PUT that it stands for. */
  readonly request: S3Request
  readonly source: AsyncIterable<Uint8Array>
  readonly form?: Form
}

/**
 * Finds out who sent the request and whether they may, and only then hands it to its operation. Nothing of its body has been
 * read by then, but the fields of a form.
 */
export async function admit(
  operation: Operation,
  given: {
    /** As it came. */
    readonly sent: S3Request
    /** With the headers of a presigned URL's query. */
    readonly request: S3Request
    readonly rawHeaders: readonly string[]
    readonly source: AsyncIterable<Uint8Array>
  },
  {
    services,
    users,
    documents,
    placeFor,
    requestId,
    log,
    signal,
  }: Pick<RequestContext, 'services' | 'users' | 'requestId' | 'log' | 'signal'> & {
    readonly documents: DocumentBudget
    /** The request is that user's, or nobody's. Errors: SlowDown where they have their share of the places. */
    readonly placeFor: (user: User | undefined) => void
  },
  findings: Findings,
): Promise<Reply> {
  // Who sent a form stands in its fields, and until these are here it is nobody's. Of others it is known at once.
  if (operation.form) placeFor(undefined)
  const { authentication, request, source, form } = operation.form
    ? await knowForm(given, services, users)
    : knowRequest(given, services, users)
  findings.request = request
  const user = userOf(users, authentication)
  findings.user = user
  placeFor(user)
  const access = createAuthorizer(services, { request, user, signature: authentication.signature })
  const needs = needsOf(operation, request)
  for (const need of needs) await access.require(need)
  await requireExpectedOwners(access, request)
  const room = documents.open()
  const body = openBody({
    headers: request.headers,
    authentication,
    source,
    ignoreChecksums: operation.checksumHeaders === 'object',
    documentSizeMax: operation.documentSizeMax ?? documentSizeMaxDefault,
    room,
  })
  const formFields = form && { formFields: form.fields }
  const context = { services, users, requestId, log, signal, request, body, user, access, ...formFields }
  try {
    return await hidingAbsence(access, needs, () => operation.handle(context))
  } finally {
    room.release()
  }
}

function knowRequest(
  { sent, request, rawHeaders, source }: Parameters<typeof admit>[1],
  { config, now }: Services,
  { byAccessKey: credentials }: Users,
): Known {
  const nowMs = now()
  const { method, rawUrl, query, headers } = sent
  const authentication =
    authenticateV2(request, { credentials, mode: config.signatureV2 ?? 'presigned', nowMs }) ??
    authenticate(
      { method, rawUrl, rawHeaders, query, headers },
      { credentials, region: config.region, nowMs },
    )
  return { authentication, request, source }
}

async function knowForm(
  { sent, source }: Parameters<typeof admit>[1],
  { config, now }: Services,
  { byAccessKey: credentials }: Users,
): Promise<Known> {
  const form = withFileName(await openForm(sent, source))
  const nowMs = now()
  const { region, signatureV2 = 'presigned' } = config
  const authentication = authenticateForm(form.fields, { credentials, region, nowMs, signatureV2 })
  const policy = form.fields.get('policy')
  if (policy !== undefined) {
    checkFormPolicy(parseFormPolicy(policy), {
      bucket: sent.bucket,
      fields: new Map([...form.fields, ['key', keyOf(form)]]),
      fileSize: form.file.size,
      nowMs,
    })
  }
  return { authentication, request: requestOfForm(sent, form), source: form.file.content, form }
}
