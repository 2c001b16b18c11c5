import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import {
  type FsyncPolicy,
  type Gateway,
  type GatewayConfig,
  openDiskBackend,
  openGateway,
} from '../s3api/index.ts'

/** Where a front-end keeps objects. */
export type StoreConfig =
  | { readonly kind: 'disk'; readonly directory: string; readonly readMinio?: boolean }
  | { readonly kind: 'gateway'; readonly config: GatewayConfig }

/** Errors: those of openDiskBackend and openGateway. */
export async function openStore(
  store: StoreConfig,
  {
    log,
    registry,
    fsync = 'always',
    stopped,
  }: {
    readonly log: Logger
    readonly registry?: Registry
    readonly fsync?: FsyncPolicy
    /** Ends the wait for a store that does not answer. */
    readonly stopped?: AbortSignal
  },
): Promise<Gateway> {
  if (store.kind === 'gateway')
    return openGateway(store.config, {
      log,
      ...(registry !== undefined && { registry }),
      ...(stopped !== undefined && { stopped }),
    })
  const { directory, readMinio = false } = store
  return { backend: await openDiskBackend({ directory, log, fsync, readMinio }) }
}
