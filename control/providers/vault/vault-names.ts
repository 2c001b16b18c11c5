import { isKeyId } from '../../key-ids.ts'

/** What Vault can be asked by, besides keys: paths of mounts, which become a part of a URL's path, and namespaces. */

/** A namespace goes into a header. */
const namespacePattern = /^[\x21-\x7e]*$/

export function isMount(path: string): boolean {
  return path.split('/').every(isKeyId)
}

export function isNamespace(name: string): boolean {
  return namespacePattern.test(name)
}
