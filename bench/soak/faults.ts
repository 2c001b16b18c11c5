import { integer, newObject, pathOf, type SoakClient } from './client.ts'
import { ContentCheck, contentPieces } from './content.ts'
import { readHeaders, writeHeaders, wrongKeyHeaders } from './modes.ts'

/** What clients do that they should not, and what they must be told then. */

type Fault = (client: SoakClient) => Promise<void>

const mebibyte = 1024 * 1024
const slowPauseMs = 20

/** In the middle of a body: what was there stays. */
const vanishWhileSending: Fault = async (client) => {
  const { mode, seed } = newObject()
  const size = integer(mebibyte, 8 * mebibyte)
  const answer = await client.s3.send({
    method: 'PUT',
    path: pathOf(client.anyKey()),
    headers: writeHeaders(mode),
    body: { size, pieces: contentPieces(seed, size) },
    vanishAfter: integer(0, size / 2),
  })
  client.tally.answered(answer, ['vanished'])
}

const vanishWhileReceiving: Fault = async (client) => {
  const found = client.known()
  if (found === undefined) return
  const [key, { mode, size }] = found
  await client.s3.send({
    method: 'GET',
    path: pathOf(key),
    headers: readHeaders(mode),
    take: () => {},
    vanishAfter: integer(0, size),
  })
}

const sendSlowly: Fault = async (client) => {
  const object = { ...newObject(), size: integer(1, 2 * mebibyte) }
  await client.put(object, { pauseMs: slowPauseMs })
}

const receiveSlowly: Fault = async (client) => {
  const found = client.known()
  if (found === undefined || found[1].size > 4 * mebibyte) return
  await client.get(found, { pauseMs: slowPauseMs })
}

/** SSE-C objects need their key; others take none. */
const readWithWrongKey: Fault = async (client) => {
  const found = client.known()
  if (found === undefined) return
  const [key, { mode }] = found
  const answer = await client.s3.send({ method: 'GET', path: pathOf(key), headers: wrongKeyHeaders })
  client.tally.answered(answer, [mode === 'sse-c' ? 'InvalidArgument' : 'InvalidRequest'])
}

const readWithoutKey: Fault = async (client) => {
  const found = client.known()
  if (found === undefined || found[1].mode !== 'sse-c') return
  const answer = await client.s3.send({ method: 'GET', path: pathOf(found[0]) })
  client.tally.answered(answer, ['InvalidRequest'])
}

const forgeSignature: Fault = async (client) => {
  const size = integer(0, 2 * mebibyte)
  const answer = await client.s3.send({
    method: 'PUT',
    path: pathOf(client.anyKey()),
    body: { size, pieces: contentPieces(0, size) },
    forged: true,
  })
  client.tally.answered(answer, ['SignatureDoesNotMatch'])
}

/** An aws-chunked body whose last chunk is missing: nothing of it may be stored. */
const cutChunkedBody: Fault = async (client) => {
  const size = integer(1, mebibyte)
  const pieces = [Buffer.from(`${size.toString(16)}\r\n`), ...contentPieces(1, size), Buffer.from('\r\n')]
  const answer = await client.s3.send({
    method: 'PUT',
    path: pathOf(client.anyKey()),
    headers: {
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': String(size),
      'x-amz-trailer': 'x-amz-checksum-crc32',
    },
    body: { size: pieces.reduce((sum, { length }) => sum + length, 0), pieces },
  })
  client.tally.answered(answer, ['IncompleteBody'])
}

const sendWrongMd5: Fault = async (client) => {
  const size = integer(0, mebibyte)
  const answer = await client.s3.send({
    method: 'PUT',
    path: pathOf(client.anyKey()),
    headers: { 'content-md5': Buffer.alloc(16).toString('base64') },
    body: { size, pieces: contentPieces(2, size) },
  })
  client.tally.answered(answer, ['BadDigest'])
}

const readWhatIsNotThere: Fault = async (client) => {
  const answer = await client.s3.send({ method: 'GET', path: pathOf(`${client.objects.prefix}missing`) })
  client.tally.answered(answer, ['NoSuchKey'])
}

/** Two clients write one key at once, a third reads it: it gets one of them, whole. */
const overwriteAtOnce: Fault = async (client) => {
  const path = pathOf('shared')
  const write = (seed: number) => {
    const size = mebibyte + seed
    return client.s3.send({
      method: 'PUT',
      path,
      headers: { ...writeHeaders('sse-s3'), 'x-amz-meta-seed': String(seed) },
      body: { size, pieces: contentPieces(seed, size) },
    })
  }
  let check: ContentCheck | undefined
  const read = client.s3.send({
    method: 'GET',
    path,
    take(bytes, headers) {
      check ??= new ContentCheck(Number(headers['x-amz-meta-seed']))
      check.take(bytes)
    },
  })
  const [answer, ...written] = await Promise.all([read, write(integer(1, 999)), write(integer(1, 999))])
  for (const each of written) client.tally.answered(each)
  client.tally.answered(answer, ['OK', 'NoSuchKey'])
  if (answer.status !== 200) return
  const size = mebibyte + Number(answer.headers['x-amz-meta-seed'])
  if (check?.right === false) client.tally.wrong('an object that is overwritten: bytes of two')
  if (Number(answer.headers['content-length']) !== size)
    client.tally.wrong('an object that is overwritten: its size')
  if (!answer.whole) client.tally.wrong('an object that is overwritten: cut off')
}

export const faults: readonly Fault[] = [
  vanishWhileSending,
  vanishWhileReceiving,
  sendSlowly,
  receiveSlowly,
  readWithWrongKey,
  readWithoutKey,
  forgeSignature,
  cutChunkedBody,
  sendWrongMd5,
  readWhatIsNotThere,
  overwriteAtOnce,
]
