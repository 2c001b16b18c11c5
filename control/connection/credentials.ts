import { ChannelCredentials, experimental } from '@grpc/grpc-js'
import type { Logger } from 'pino'
import { CertificateFiles } from '../certificates.ts'
import type { ControlAddress } from '../config.ts'

/** What gRPC calls credentials, and what stops reading their files. */
export interface Credentials {
  readonly channel: ChannelCredentials
  close(): void
}

/** Errors: KmsError `unavailable` for a certificate that cannot be used. */
export function clientCredentials(address: ControlAddress, log?: Logger): Credentials {
  if (address.kind === 'unix') return { channel: ChannelCredentials.createInsecure(), close() {} }
  const certificates = new CertificateFiles(address.tls, log === undefined ? {} : { log })
  return {
    channel: experimental.createCertificateProviderChannelCredentials(certificates, certificates),
    close: () => certificates.close(),
  }
}
