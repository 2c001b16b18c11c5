/*
 * The stores, each loaded when one of its kind is opened: a gateway's HTTP client is a sixth of what a front-end's start costs,
 * and a disk's database is not for gateways.
 */

export const openDiskBackend: typeof import('./disk/index.ts').openDiskBackend = async (options) => {
  const disk = await import('./disk/index.ts')
  return disk.openDiskBackend(options)
}

export const openGateway: typeof import('./gateway/index.ts').openGateway = async (config, options) => {
  const gateway = await import('./gateway/index.ts')
  return gateway.openGateway(config, options)
}
