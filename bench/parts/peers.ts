import type { Figure } from '../figure.ts'
import type { Settings } from '../settings.ts'
import { compare, fill, once, sampler } from '../support/compare.ts'
import type { LoadRequest } from '../support/load-job.ts'
import { findPeer, type Peer, peers, type RunningPeer, startPeer } from '../support/peers.ts'
import { presign, type Target } from '../support/presign.ts'
import type { RunningSealgate } from '../support/sealgate.ts'

/** Sealgate with SSE-S3 and MD5 beside other S3 servers of the same machine, as far as they are installed. */

const largeKeys = 16
const smallKeys = 1_000
const kinds = [
  { name: '64 MiB ×8', connections: 8, count: largeKeys, small: false, per: 'byte' },
  { name: '1 KiB ×32', connections: 32, count: smallKeys, small: true, per: 'request' },
] as const
const sseS3 = { 'x-amz-server-side-encryption': 'AES256' }

/** Of those that have any: what Sealgate must reach, encrypting, while the peer does not. */
const targets: Readonly<Record<string, { readonly must: number; readonly moonshot: number }>> = {
  's3rver PUT 64 MiB ×8': { must: 1.5, moonshot: 2 },
  's3rver GET 64 MiB ×8': { must: 1.1, moonshot: 2 },
  's3rver PUT 1 KiB ×32': { must: 5, moonshot: 10 },
}

export async function measurePeers(settings: Settings, server: RunningSealgate): Promise<Figure[]> {
  await once(server.target, presign(server.target, { method: 'PUT', path: '/peers' }))
  const figures: Figure[] = []
  for (const peer of peers) {
    const program = findPeer(peer, settings.peersDirectory)
    if (program === undefined) figures.push(note(peer, `not installed: ${peer.install}`))
    else figures.push(...(await measurePeer(settings, { server, peer, program })))
  }
  return figures
}

async function measurePeer(
  settings: Settings,
  {
    server,
    peer,
    program,
  }: { readonly server: RunningSealgate; readonly peer: Peer; readonly program: string },
): Promise<Figure[]> {
  const figures: Figure[] = []
  try {
    const running = await startPeer(peer, program, settings.directory)
    try {
      await once(running.target, presign(running.target, { method: 'PUT', path: '/peers' }))
      for await (const figure of beside(settings, { server, peer, running })) figures.push(figure)
    } finally {
      await running.stop()
    }
  } catch (error) {
    // One that fails says nothing of the others, nor of what it could do.
    figures.push(note(peer, `has failed: ${error instanceof Error ? error.message : String(error)}`))
  }
  return figures
}

async function* beside(
  settings: Settings,
  {
    server,
    peer,
    running,
  }: { readonly server: RunningSealgate; readonly peer: Peer; readonly running: RunningPeer },
): AsyncGenerator<Figure, void, undefined> {
  const sides = {
    own: { target: server.target, run: sampler(settings, server.pid), headers: sseS3 },
    beside: { target: running.target, run: sampler(settings, running.pid), headers: peer.headers ?? {} },
  }
  for (const { name, connections, count, small, per } of kinds) {
    const size = small ? 1024 : settings.largeSize
    const requests = (method: 'PUT' | 'GET', target: Target, headers: Readonly<Record<string, string>>) =>
      Array.from({ length: count }, (_, index): LoadRequest => {
        const path = `/peers/${small ? 'small' : 'large'}-${index}`
        return presign(target, { method, path, ...(method === 'PUT' && { headers, bodySize: size }) })
      })
    for (const method of ['PUT', 'GET'] as const) {
      // Also before the reads: with some peers an upload that the end of a round cuts off takes the old object with it.
      for (const { target, headers } of Object.values(sides))
        await fill(target, requests('PUT', target, headers))
      const measured = ({ target, run, headers }: (typeof sides)[keyof typeof sides]) =>
        run(target, connections, requests(method, target, headers))
      yield await compare(settings, `${method} ${name}, SSE-S3 ÷ ${peer.name}`, {
        own: () => measured(sides.own),
        beside: () => measured(sides.beside),
        besideIs: `${peer.name}, ${peer.stores}`,
        per,
        ...targets[`${peer.name} ${method} ${name}`],
      })
    }
  }
}

function note({ name }: Peer, text: string): Figure {
  return { what: `beside ${name}`, kind: 'rate', value: Number.NaN, unit: '', note: text }
}
