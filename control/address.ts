import { isIPv6 } from 'node:net'
import type { ControlAddress } from './config.ts'

/** The address as gRPC names it. */
export function toTarget(address: ControlAddress): string {
  return address.kind === 'unix' ? `unix:${address.path}` : hostPort(address.host, address.port)
}

export function hostPort(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`
}
