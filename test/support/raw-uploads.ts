import { openRaw, type RawConnection } from './raw-http.ts'
import { type Signer, signRequest } from './signed-request.ts'

/** Requests whose heads are out and whose bodies a test sends when it likes. */

/** With a body of `size` bytes still to come; without `by`, signed by nobody. */
export function signedHead(
  port: number,
  method: string,
  target: string,
  {
    size = 0,
    more = '',
    by,
  }: { readonly size?: number; readonly more?: string; readonly by?: Signer | undefined },
): string {
  const headers = by === undefined ? { host: host(port) } : signedHeaders(port, method, target, by)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}content-length: ${size}\r\n${more}\r\n`
}

export function signedHeaders(
  port: number,
  method: string,
  target: string,
  by: Signer,
): Record<string, string> {
  const headers = { host: host(port), 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
  return signRequest({ method, target, headers }, by)
}

export interface BegunUpload {
  readonly connection: RawConnection
  /** 100: its eight bytes are waited for; else what the answer was. */
  readonly status: number
}

/** Asks to be told whether to go on before its body of eight bytes. */
export async function beginUpload(port: number, target: string, by?: Signer): Promise<BegunUpload> {
  const connection = openRaw(port)
  connection.write(signedHead(port, 'PUT', target, { size: 8, more: 'Expect: 100-continue\r\n', by }))
  const [, status] = await connection.until(/^HTTP\/1\.1 (\d+) [\s\S]*\r\n\r\n/)
  return { connection, status: Number(status) }
}

function host(port: number): string {
  return `127.0.0.1:${port}`
}
