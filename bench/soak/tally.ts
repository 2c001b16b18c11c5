import type { Answer } from './s3-client.ts'

/** What clients have seen. */
export interface Counts {
  readonly requests: number
  /** Errors by S3 code, or that of the connection. */
  readonly codes: Readonly<Record<string, number>>
  /** Errors that nothing of what the clients did explains. */
  readonly unexpected: readonly string[]
  /** What was not as it was stored. */
  readonly wrong: readonly string[]
}

const keptMax = 20

export class Tally {
  #requests = 0
  readonly #codes: Record<string, number> = {}
  readonly #unexpected: string[] = []
  readonly #wrong: string[] = []
  #excused = new Set<string>()

  /** Codes that are no surprise from now on, whatever the request. */
  excuse(codes: readonly string[]): void {
    this.#excused = new Set(codes)
  }

  /** `expected`: the codes that the request deserves. */
  answered({ code, status, text }: Answer, expected: readonly string[] = []): void {
    this.#requests++
    if (code !== undefined) this.#codes[code] = (this.#codes[code] ?? 0) + 1
    if (expected.length > 0 && !expected.includes(code ?? 'OK')) {
      this.#keep(this.#unexpected, `${code ?? 'OK'} (${status}) in place of ${expected.join(' or ')}`)
    } else if (expected.length === 0 && code !== undefined && !this.#excused.has(code)) {
      this.#keep(this.#unexpected, `${code} (${status}) ${text.slice(0, 300)}`)
    }
  }

  wrong(what: string): void {
    this.#keep(this.#wrong, what)
  }

  counts(): Counts {
    return {
      requests: this.#requests,
      codes: this.#codes,
      unexpected: this.#unexpected,
      wrong: this.#wrong,
    }
  }

  #keep(list: string[], text: string): void {
    if (list.length < keptMax) list.push(text)
  }
}
