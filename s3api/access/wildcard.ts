/**
 * Patterns of policies: `*` for any characters, `?` for one. Matching looks for the pieces between the stars from left to
 * right and never goes back: at most pattern length × text length steps where a piece has a `?` or is long, which
 * pattern-cost.ts bounds, one scan of the text otherwise.
 */
export type Wildcard = (text: string) => boolean

export function compileWildcard(pattern: string): Wildcard {
  const pieces = pattern.split('*')
  const [first = '', ...rest] = pieces
  const last = rest.pop()
  if (last === undefined) return (text) => text.length === first.length && matchesAt(text, first, 0)
  return (text) => {
    const end = text.length - last.length
    if (end < first.length || !matchesAt(text, first, 0) || !matchesAt(text, last, end)) return false
    let position = first.length
    for (const piece of rest) {
      const found = find(text, piece, position, end)
      if (found === -1) return false
      position = found + piece.length
    }
    return true
  }
}

/** Where the piece first matches wholly between `from` and `end`, or -1. */
function find(text: string, piece: string, from: number, end: number): number {
  const lastStart = end - piece.length
  if (!piece.includes('?')) {
    const found = text.indexOf(piece, from)
    return found > lastStart ? -1 : found
  }
  for (let start = from; start <= lastStart; start++) if (matchesAt(text, piece, start)) return start
  return -1
}

function matchesAt(text: string, piece: string, start: number): boolean {
  if (start + piece.length > text.length) return false
  for (let index = 0; index < piece.length; index++) {
    const wanted = piece.charCodeAt(index)
    if (wanted !== question && wanted !== text.charCodeAt(start + index)) return false
  }
  return true
}

const question = '?'.charCodeAt(0)
