import { S3Error } from '../errors.ts'
import type { Operation, S3Request } from '../operation.ts'
import { contentHeaders } from '../standard-headers.ts'

/** Query names that make a request one about a sub-resource; a request with one is never treated as one without. */
const subResources = new Set([
  'accelerate',
  'acl',
  'analytics',
  'attributes',
  'cors',
  'delete',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'list-type',
  'location',
  'logging',
  'metadataTable',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'partNumber',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'renameObject',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'select-type',
  'session',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versioning',
  'versions',
  'website',
])
/** Finds a request's operation. */
export type Router = (request: S3Request) => Operation

/** Throws, at start, when two operations of the table match one request. */
export function createRouter(operations: readonly Operation[]): Router {
  const byRoute = new Map<string, Operation[]>()
  for (const operation of operations) {
    const route = routeOf(operation.method, operation.scope, operation.query ?? [])
    const neighbours = byRoute.get(route) ?? []
    for (const other of neighbours) requireDistinct(operation, other, route)
    byRoute.set(route, [...neighbours, operation])
  }
  return (request) => {
    const scope = request.bucket === '' ? 'service' : request.key === '' ? 'bucket' : 'object'
    const named = subResourcesOf(request)
    const found = byRoute
      .get(routeOf(request.method, scope, named))
      ?.find(({ header }) => header === undefined || request.headers.has(header.name) === header.present)
    if (found !== undefined) return acceptingVersion(found, request)
    if (named.length > 0) throw notImplemented(named.join(', '))
    throw new S3Error('MethodNotAllowed', undefined, {
      elements: { Method: request.method, ResourceType: scope },
    })
  }
}

/** A version that is named and not heeded would be the wrong one. */
function acceptingVersion(operation: Operation, { query }: S3Request): Operation {
  if (operation.versions === true || !query.has('versionId')) return operation
  throw new S3Error('InvalidArgument', 'This operation does not accept a version-id.', {
    elements: { ArgumentName: 'versionId', ArgumentValue: query.get('versionId') ?? '' },
  })
}

function subResourcesOf({ query }: S3Request): string[] {
  const named: string[] = []
  for (const [name, value] of query) {
    if (subResources.has(name)) named.push(name)
    // A bare name that nobody knows is most likely a sub-resource of a newer API, not a parameter.
    else if (value === '' && !knownParameters.has(name)) throw notImplemented(name)
  }
  return named
}

/** Parameters that clients also send with an empty value. */
const knownParameters = new Set<string>([
  'continuation-token',
  'delimiter',
  'encoding-type',
  'fetch-owner',
  'key-marker',
  'marker',
  'max-keys',
  'max-parts',
  'max-uploads',
  'part-number-marker',
  'prefix',
  ...contentHeaders.map((name) => `response-${name}`),
  'start-after',
  'upload-id-marker',
  'version-id-marker',
  'versionId',
])

function routeOf(method: string, scope: string, query: readonly string[]): string {
  return `${method} ${scope} ${[...query].sort().join('&')}`
}

function requireDistinct(operation: Operation, other: Operation, route: string): void {
  const [one, two] = [operation.header, other.header]
  if (one !== undefined && two !== undefined && one.name === two.name && one.present !== two.present) return
  throw new Error(`${operation.name} and ${other.name} both match ${route}`)
}

function notImplemented(name: string): S3Error {
  return new S3Error('NotImplemented', `The sub-resource ${name} is not implemented for this method.`)
}
