/** What a foreign store does not do, where it is known. A backend of ours has no limits. */
export interface StoreLimits {
  /**
   * Keys are paths: no element of one is empty, `.`, `..` or has over 255 bytes; and what is below the key of another object is
   * not listed.
   */
  readonly pathKeys?: boolean
  /** A name below a common prefix, as where a listing starts, stands for all of that prefix. */
  readonly foldsMarkers?: boolean
  /** No delete marker is made where there is no object to hide. */
  readonly noIdleMarkers?: boolean
  /** A storage class besides STANDARD that it takes. */
  readonly storageClass?: string
  /** Running uploads are listed without regard to prefix, delimiter and page, and stay when their bucket goes. */
  readonly listsUploadsPoorly?: boolean
}

const elementSizeMax = 255

/** Of those keys the ones that the store can have together. */
export function possibleKeys(keys: readonly string[], { pathKeys = false }: StoreLimits = {}): string[] {
  if (!pathKeys) return [...keys]
  const paths = keys.filter((key) => key.replace(/\/$/, '').split('/').every(isElement))
  return paths.filter((key) => key.endsWith('/') || !paths.some((other) => other.startsWith(`${key}/`)))
}

function isElement(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && Buffer.byteLength(text) <= elementSizeMax
}

/** By what a store calls itself in its answers. */
export async function limitsOf(endpoint: string): Promise<StoreLimits> {
  const { headers, body } = await fetch(endpoint)
  await body?.cancel()
  return headers.get('server') === 'MinIO'
    ? {
        pathKeys: true,
        foldsMarkers: true,
        noIdleMarkers: true,
        storageClass: 'REDUCED_REDUNDANCY',
        listsUploadsPoorly: true,
      }
    : {}
}
