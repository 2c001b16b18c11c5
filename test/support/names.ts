import dns, { type LookupAddress, type LookupOptions } from 'node:dns'

/** Names below `sealgate.test` that lead where a test says, for everything in this process that asks the system. */
export interface Names {
  /** Makes the name, or moves it to another IPv4 address. */
  set(host: string, address: string): void
  remove(host: string): void
}

type Done = (error: Error | null, address?: string | readonly LookupAddress[], family?: number) => void

const domain = '.sealgate.test'

/** Answers for our names in the place of the system's resolver, which is asked for all others, until the work is done. */
export async function withNames(work: (names: Names) => Promise<void>): Promise<void> {
  const { lookup, promises } = dns
  const { lookup: lookupPromise } = promises
  const known = new Map<string, string>()
  const find = (host: string): LookupAddress => {
    const address = known.get(host)
    if (address !== undefined) return { address, family: 4 }
    throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND', hostname: host })
  }
  const own = (host: string, options: LookupOptions, done: Done) => {
    if (!host.endsWith(domain)) return lookup(host, options, done as never)
    setImmediate(() => {
      try {
        const found = find(host)
        if (options.all === true) done(null, [found])
        else done(null, found.address, found.family)
      } catch (error) {
        done(error as Error)
      }
    })
  }
  const ownPromise = async (host: string, options: LookupOptions) => {
    if (!host.endsWith(domain)) return lookupPromise(host, options)
    const found = find(host)
    return options.all === true ? [found] : found
  }
  // Callers look both up on these objects for each call; their many signatures are not ours to repeat.
  Object.assign(dns, { lookup: own })
  Object.assign(promises, { lookup: ownPromise })
  try {
    await work({
      set: (host, address) => void known.set(host, address),
      remove: (host) => void known.delete(host),
    })
  } finally {
    Object.assign(dns, { lookup })
    Object.assign(promises, { lookup: lookupPromise })
  }
}
