import type { GatewayConfig } from '../s3api/index.ts'

/** Where a front-end keeps objects. */
export type StoreConfig =
  | { readonly kind: 'disk'; readonly directory: string }
  | { readonly kind: 'gateway'; readonly config: GatewayConfig }
