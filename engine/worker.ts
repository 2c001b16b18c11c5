import { createHash } from 'node:crypto'
import { readSync, writevSync } from 'node:fs'
import type { MessagePort } from 'node:worker_threads'
import { createStreamNonce, openPackages, sealPackages } from './dare.ts'
import { DareError } from './errors.ts'
import { createHasher, type Digests, type Hasher, loadHashes } from './hashes.ts'
import { type Md5, Md5Kernels, type Md5Update, md5StreamsMax, startMd5 } from './md5.ts'
import {
  type Failure,
  packagesPerBatch,
  type Reply,
  type Request,
  type StreamSetup,
  toFailure,
} from './messages.ts'
import { createOpenState, type OpenState } from './open-state.ts'
import { packageSizeMax, payloadSizeMax } from './sizes.ts'
import { free } from './spent-buffers.ts'
import { Turns } from './turns.ts'

/**
 * The engine task: one a thread, from the pool's start to its end. It serves the streams that are pinned to its thread,
 * batch by batch in the order in which they arrive, but the MD5 of several streams at once; a failure belongs to its batch, the
 * task goes on.
 */

interface Stream {
  readonly fd: number | undefined
  readonly hashStored: boolean
  readonly key: Uint8Array | undefined
  /** Of what is written. */
  readonly nonce: Uint8Array
  readonly md5: Md5 | undefined
  /** All the other hashes. */
  readonly hasher: Hasher
  readonly expected: OpenState
  /** Of the next write. */
  position: number
  sequence: number
}

type Streams = Map<number, Stream | Failure>

/** Stored bytes on their way from the file; all streams of the thread take turns. */
const sealedBatch = new Uint8Array(packagesPerBatch * packageSizeMax)

type Work = Extract<Request, { type: 'write' | 'read' }>

interface Job {
  readonly stream: number
  readonly target: Stream | Failure | undefined
  readonly request: Work
  /** What the stream's MD5, if it has one, is to go on with. */
  readonly update: Md5Update | undefined
  readonly joins: boolean
}

/** Runs until it is told to stop. Piscina calls it. */
export default async function engine({ port }: { readonly port: MessagePort }): Promise<void> {
  await loadHashes()
  const kernels = new Md5Kernels()
  const streams: Streams = new Map()
  const turns = new Turns<Job>(md5StreamsMax)
  await new Promise<void>((stopped) => {
    let [scheduled, stopping] = [false, false]
    // Once in each round of the event loop, when all that has arrived is known.
    const schedule = () => {
      if (!scheduled) setImmediate(takeTurn)
      scheduled = true
    }
    const takeTurn = () => {
      scheduled = false
      const turn = turns.next()
      if (turn.length > 0) schedule()
      else if (stopping) stopped()
      kernels.update(turn.flatMap(({ update }) => update ?? []))
      for (const job of turn) {
        const reply = answer(job, kernels)
        port.postMessage(reply, [reply.buffer])
      }
    }
    port.on('message', (request: Request) => {
      if (request.type === 'stop') stopping = true
      else if (request.type === 'open') streams.set(request.stream, tryOpen(request.setup))
      else if (request.type === 'close') closeStream(streams, request.stream)
      else turns.add(jobOf(streams.get(request.stream), request))
      schedule()
    })
  })
  for (const stream of streams.keys()) closeStream(streams, stream)
  port.close()
}

function jobOf(target: Stream | Failure | undefined, request: Work): Job {
  const { stream, buffer, size } = request
  const md5 = request.type === 'write' && target !== undefined && 'md5' in target ? target.md5 : undefined
  const update = md5 && { md5, bytes: new Uint8Array(buffer, 0, size) }
  return { stream, target, request, update, joins: update !== undefined }
}

/** Nobody waits for an answer to an opening: its error is that of every batch that follows. */
function tryOpen(setup: StreamSetup): Stream | Failure {
  try {
    return openStream(setup)
  } catch (error) {
    return toFailure(error)
  }
}

function closeStream(streams: Streams, id: number): void {
  const stream = streams.get(id)
  streams.delete(id)
  if (stream !== undefined && 'fd' in stream) stream.key?.fill(0)
}

function openStream({ fd, hashStored, key, acceptsVersion1, nonce, hashes }: StreamSetup): Stream {
  return {
    fd,
    hashStored,
    key,
    nonce: createStreamNonce(),
    md5: hashes.includes('md5') ? startMd5() : undefined,
    hasher: createHasher(hashes.filter((name) => name !== 'md5')),
    expected: createOpenState({ acceptsVersion1, nonce }),
    position: 0,
    sequence: 0,
  }
}

function answer({ target: stream, request }: Job, kernels: Md5Kernels): Reply {
  const { id, buffer } = request
  try {
    if (stream === undefined) throw new Error(`stream ${request.stream} is not open`)
    if ('kind' in stream) return { id, buffer, size: 0, failure: stream }
    if (request.type === 'read') return { id, buffer, size: readBatch(stream, request) }
    const size = writeBatch(stream, request)
    return {
      id,
      buffer,
      size,
      ...(request.final && { digests: digestsOf(stream, kernels), nonce: stream.nonce }),
      ...(stream.hashStored && { storedSha256: sha256(new Uint8Array(buffer, 0, size)) }),
    }
  } catch (error) {
    return { id, buffer, size: 0, failure: toFailure(error) }
  }
}

function digestsOf({ md5, hasher }: Stream, kernels: Md5Kernels): Digests {
  return { ...hasher.digests(), ...(md5 && { md5: kernels.digest(md5) }) }
}

function writeBatch(stream: Stream, { buffer, size, final }: Extract<Request, { type: 'write' }>): number {
  const plaintext = new Uint8Array(buffer, 0, size)
  stream.hasher.update(plaintext)
  const { fd, key, nonce, sequence, position } = stream
  const store = (vector: readonly Uint8Array[]) =>
    fd === undefined ? joinInto(new Uint8Array(buffer), vector) : writeAll(fd, vector, position)
  let stored: number
  if (key === undefined) stored = store([plaintext])
  else {
    const sealed = sealPackages(plaintext, { key, nonce, firstSequence: sequence, final })
    stored = store(sealed)
    for (const piece of sealed) free(piece)
  }
  stream.position += stored
  stream.sequence += Math.ceil(size / payloadSizeMax)
  return stored
}

/** The pieces one after the other at the start of `target`; their size. None of them may lie in it further on. */
function joinInto(target: Uint8Array, vector: readonly Uint8Array[]): number {
  let size = 0
  for (const piece of vector) {
    target.set(piece, size)
    size += piece.length
  }
  return size
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

function writeAll(fd: number, vector: readonly Uint8Array[], position: number): number {
  let rest = vector.filter((piece) => piece.length > 0)
  let written = 0
  while (rest.length > 0) {
    let count = writevSync(fd, rest, position + written)
    if (count === 0) throw Object.assign(new Error('the file takes no more bytes'), { code: 'ENOSPC' })
    written += count
    // After a short write, go on behind what was written.
    while (count > 0) {
      const [first, ...others] = rest
      if (first === undefined) break
      rest = first.length > count ? [first.subarray(count), ...others] : others
      count -= Math.min(first.length, count)
    }
  }
  return written
}

function readBatch(stream: Stream, request: Extract<Request, { type: 'read' }>): number {
  const { fd, key, expected } = stream
  const { buffer, position, size, firstSequence, final } = request
  const target = new Uint8Array(buffer)
  if (key === undefined) {
    if (fd !== undefined) readAll(fd, target.subarray(0, size), position)
    return size
  }
  if (fd === undefined) {
    // In place: a package's plaintext ends before the next sealed package begins.
    return openPackages(target.subarray(0, size), target, { key, firstSequence, final, expected })
  }
  const sealed = sealedBatch.subarray(0, size)
  readAll(fd, sealed, position)
  return openPackages(sealed, target, { key, firstSequence, final, expected })
}

function readAll(fd: number, target: Uint8Array, position: number): void {
  for (let done = 0; done < target.length; ) {
    const count = readSync(fd, target, done, target.length - done, position + done)
    if (count === 0)
      throw new DareError('unexpected-eof', `the file ends ${target.length - done} bytes too early`)
    done += count
  }
}
