/**
 * What the patterns of a bucket's policy may cost, whoever wrote them. A piece between two stars is looked for at each place of
 * a text: a short literal by a search that skips, any other character by character, its length × the text's.
 */

/** Of pieces that no fast search is for, characters in all of a policy. */
export const slowPiecesSizeMax = 256
/** V8's search skips over what cannot match, but looks only at so many of a piece's last characters. */
const fastPieceSizeMax = 249

/** Characters of the statements' patterns that are compared one by one at each place. */
export function slowPiecesSize(statements: readonly Readonly<Record<string, unknown>>[]): number {
  let size = 0
  for (const { Resource, NotResource, Condition } of statements) {
    for (const pattern of textsOf([Resource, NotResource, ...patternsOf(Condition)])) size += sizeOf(pattern)
  }
  return size
}

function sizeOf(pattern: string): number {
  const between = pattern.split('*').slice(1, -1)
  const slow = between.filter((piece) => piece.includes('?') || piece.length > fastPieceSizeMax)
  return slow.reduce((size, piece) => size + piece.length, 0)
}

/** The values of operators that take patterns. */
function patternsOf(condition: unknown): unknown[] {
  if (typeof condition !== 'object' || condition === null) return []
  return Object.entries(condition)
    .filter(([operator]) => /Like|Arn/.test(operator))
    .flatMap(([, keys]) => (typeof keys === 'object' && keys !== null ? Object.values(keys) : []))
}

function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf)
  return typeof value === 'string' ? [value] : []
}
