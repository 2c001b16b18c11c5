/** What a foreign store does not do, where it is known. A backend of ours has no limits. */
export interface StoreLimits {
  /**
   * Keys are paths: no element of one is empty, `.`, `..` or has over 255 bytes; and what is below the key of another object is
   * not listed.
   */
  readonly pathKeys?: boolean
  /** A key that ends with `/` has no data. */
  readonly emptyFolders?: boolean
  /** Listings have keys as they are, so that characters that XML has not cannot be told. */
  readonly bareKeys?: boolean
  /** A name below a common prefix, as where a listing starts, stands for all of that prefix. */
  readonly foldsMarkers?: boolean
  /** No delete marker is made where there is no object to hide. */
  readonly noIdleMarkers?: boolean
  /** A storage class besides STANDARD that it takes. */
  readonly storageClass?: string
  /** Running uploads are listed without regard to prefix, delimiter and page, and stay when their bucket goes. */
  readonly listsUploadsPoorly?: boolean
  /** Running uploads are listed without the common prefixes that some of them fold into. */
  readonly hidesUploadPrefixes?: boolean
  /** In a bucket that never had versioning the null version can be deleted by its name, but has no tags by it. */
  readonly nullWithoutVersions?: 'deleted'
  /** A PUT under If-Match is refused, whichever ETag that names. */
  readonly refusesIfMatch?: boolean
}

const elementSizeMax = 255
const notInXml = /[\ufffe\uffff]/

/** Of those keys the ones that the store can have together. */
export function possibleKeys(
  keys: readonly string[],
  { pathKeys = false, emptyFolders = false, bareKeys = false }: StoreLimits = {},
): string[] {
  const tellable = keys.filter(
    (key) => !(emptyFolders && key.endsWith('/')) && !(bareKeys && notInXml.test(key)),
  )
  if (!pathKeys) return tellable
  const paths = tellable.filter((key) => key.replace(/\/$/, '').split('/').every(isElement))
  return paths.filter((key) => key.endsWith('/') || !paths.some((other) => other.startsWith(`${key}/`)))
}

function isElement(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && Buffer.byteLength(text) <= elementSizeMax
}

/** Of the stores that docs/gateway.md tells of. */
const knownStores: readonly {
  readonly answers: (headers: Headers) => boolean
  readonly limits: StoreLimits
}[] = [
  {
    answers: (headers) => headers.get('server') === 'MinIO',
    limits: {
      pathKeys: true,
      foldsMarkers: true,
      noIdleMarkers: true,
      storageClass: 'REDUCED_REDUNDANCY',
      listsUploadsPoorly: true,
    },
  },
  {
    answers: (headers) => headers.get('server') === 'VERSITYGW',
    limits: {
      pathKeys: true,
      emptyFolders: true,
      bareKeys: true,
      foldsMarkers: true,
      noIdleMarkers: true,
      listsUploadsPoorly: true,
      nullWithoutVersions: 'deleted',
    },
  },
  {
    // Ceph's gateway does not name itself, but its requests.
    answers: (headers) => /^tx[0-9a-f]+-/.test(headers.get('x-amz-request-id') ?? ''),
    limits: {
      foldsMarkers: true,
      storageClass: 'STANDARD',
      hidesUploadPrefixes: true,
      refusesIfMatch: true,
    },
  },
]

/** By what a store says of itself in its answers. */
export async function limitsOf(endpoint: string): Promise<StoreLimits> {
  const { headers, body } = await fetch(endpoint)
  await body?.cancel()
  return knownStores.find(({ answers }) => answers(headers))?.limits ?? {}
}
