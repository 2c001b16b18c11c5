/**
 * Version ids are the store's, given on as they are; but another Sealgate gives some that commit to its own envelopes (FORMAT.md
 * §6), and those must not be taken for ours.
 */

const committed = /^E[A-Za-z0-9_-]{32}$/
const prefix = 'G'

export function fromUpstreamVersion(versionId: string): string {
  return committed.test(versionId) ? `${prefix}${versionId}` : versionId
}

export function toUpstreamVersion(versionId: string): string {
  const inner = versionId.slice(prefix.length)
  return versionId.startsWith(prefix) && committed.test(inner) ? inner : versionId
}
