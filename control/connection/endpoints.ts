import type { Logger } from 'pino'
import type { KeysClient } from '../../proto/gen/sealgate/kms/v1/Keys.ts'
import { toTarget } from '../address.ts'
import type { ControlAddress } from '../config.ts'
import { messageSizeMax, proto } from '../proto.ts'
import { type Credentials, clientCredentials } from './credentials.ts'
import { HealthWatch, healths } from './health-watch.ts'

/** Longer than any deadline: a ping in the middle of a drain would end the call (grpc-node issue 3068). */
const keepaliveMs = 60_000

const resolutionMsMin = 1_000

const channelOptions = {
  'grpc.enable_http_proxy': 0,
  // Nobody looks at its figures of every call.
  'grpc.enable_channelz': 0,
  // Attempts come after each other in client.ts, which knows the other instances.
  'grpc.enable_retries': 0,
  'grpc.max_receive_message_length': messageSizeMax,
  'grpc.max_send_message_length': messageSizeMax,
  'grpc.keepalive_time_ms': keepaliveMs,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
  // A name may move while its old address is gone; grpc-js would not ask again for 30 s.
  'grpc.dns_min_time_between_resolutions_ms': resolutionMsMin,
  // Else whoever answers for the name could change the next line by a TXT record.
  'grpc.service_config_disable_resolution': 1,
  // Of a host name with several addresses one may be away. To withdraw keys, each instance must be named (docs/control-plane.md).
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
}

/** One control instance, as a client sees it. */
export interface Endpoint {
  /** As gRPC names it. */
  readonly target: string
  readonly client: KeysClient
}

/** The control instances that a client knows, and which of them to ask next, by what they tell of their health. */
export class Endpoints {
  /** Every instance: for what concerns them all. */
  readonly all: readonly Endpoint[]
  readonly #watches = new Map<Endpoint, HealthWatch>()
  readonly #credentials: readonly Credentials[]
  #turn = 0

  /** Errors: KmsError `unavailable` for certificates that cannot be used. */
  constructor(addresses: readonly ControlAddress[], { log }: { readonly log?: Logger } = {}) {
    this.#credentials = addresses.map((address) => clientCredentials(address, log))
    this.all = addresses.map((address, index) => {
      const target = toTarget(address)
      // One each, made the line before.
      const { channel } = this.#credentials[index] as Credentials
      return { target, client: new proto.sealgate.kms.v1.Keys(target, channel, channelOptions) }
    })
    // A single one is asked whatever it says of itself.
    if (this.all.length === 1) return
    for (const endpoint of this.all) {
      const changed = (health: string) =>
        log?.info({ target: endpoint.target, health }, 'the health of a control instance has changed')
      this.#watches.set(endpoint, new HealthWatch(endpoint.client, changed))
    }
  }

  /** The next in turn of the healthiest that were not tried yet; when all were, of all. */
  pick(tried: ReadonlySet<Endpoint>): Endpoint {
    const untried = this.all.filter((endpoint) => !tried.has(endpoint))
    const left = untried.length === 0 ? this.all : untried
    const healthOf = (endpoint: Endpoint) => this.#watches.get(endpoint)?.health ?? 'unknown'
    const best = healths.find((health) => left.some((endpoint) => healthOf(endpoint) === health))
    const candidates = left.filter((endpoint) => healthOf(endpoint) === best)
    this.#turn = (this.#turn + 1) % Number.MAX_SAFE_INTEGER
    const picked = candidates[this.#turn % candidates.length]
    if (picked === undefined) throw new TypeError('a client of control needs an address')
    return picked
  }

  /** Every one of several says that it serves. */
  get allServing(): boolean {
    return [...this.#watches.values()].every(({ health }) => health === 'serving')
  }

  /** It let a call wait in vain: others are asked first until it says again how it is. */
  doubt(endpoint: Endpoint): void {
    this.#watches.get(endpoint)?.doubt()
  }

  close(): void {
    for (const watch of this.#watches.values()) watch.close()
    for (const { client } of this.all) client.close()
    for (const credentials of this.#credentials) credentials.close()
  }
}
