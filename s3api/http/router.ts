import { S3Error } from '../errors.ts'
import type { Operation, S3Request } from '../operation.ts'

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
  'versionId',
  'versioning',
  'versions',
  'website',
])
/** A bucket without versions has the null version of each object, and that is what this asks for. */
const nullVersion = 'null'

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
    if (found !== undefined) return found
    if (named.length > 0) throw notImplemented(named.join(', '))
    throw new S3Error('MethodNotAllowed', undefined, {
      details: { Method: request.method, ResourceType: scope },
    })
  }
}

function subResourcesOf({ query }: S3Request): string[] {
  const named: string[] = []
  for (const [name, value] of query) {
    if (name === 'versionId' && value === nullVersion) continue
    if (subResources.has(name)) named.push(name)
    // A bare name that nobody knows is most likely a sub-resource of a newer API, not a parameter.
    else if (value === '' && !knownParameters.has(name)) throw notImplemented(name)
  }
  return named
}

/** Parameters that clients also send with an empty value. */
const knownParameters = new Set([
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
  'start-after',
  'upload-id-marker',
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
