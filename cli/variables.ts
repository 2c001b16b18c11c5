/**
 * Every environment variable there is. A setting's names in order of precedence: ours, then those that MinIO has used for it.
 * docs/configuration.md describes each.
 */

interface Variable {
  readonly names: readonly string[]
  /** May also be given as a file that holds the value, under each name with `_FILE`. */
  readonly file?: true
}

const vault = (name: string): readonly string[] => [
  `SEALGATE_KMS_VAULT_${name}`,
  `MINIO_KMS_VAULT_${name}`,
  `MINIO_SSE_VAULT_${name}`,
]

export const variables = {
  accessKey: { names: ['SEALGATE_ACCESS_KEY', 'MINIO_ROOT_USER', 'MINIO_ACCESS_KEY'], file: true },
  secretKey: { names: ['SEALGATE_SECRET_KEY', 'MINIO_ROOT_PASSWORD', 'MINIO_SECRET_KEY'], file: true },
  usersFile: { names: ['SEALGATE_USERS_FILE'] },
  objectOwnership: { names: ['SEALGATE_OBJECT_OWNERSHIP'] },
  signatureV2: { names: ['SEALGATE_SIGV2'] },
  masterKey: {
    names: ['SEALGATE_KMS_MASTER_KEY', 'MINIO_KMS_MASTER_KEY', 'MINIO_SSE_MASTER_KEY'],
    file: true,
  },
  masterKeyBase64: { names: ['MINIO_KMS_SECRET_KEY'], file: true },
  oldKeys: { names: ['SEALGATE_KMS_OLD_KEYS'], file: true },
  vaultEndpoint: { names: vault('ENDPOINT') },
  vaultAuthType: { names: vault('AUTH_TYPE') },
  vaultRoleId: { names: vault('APPROLE_ID'), file: true },
  vaultSecretId: { names: vault('APPROLE_SECRET'), file: true },
  vaultWrappedSecretId: { names: ['SEALGATE_KMS_VAULT_APPROLE_WRAPPED_SECRET'], file: true },
  vaultKeyName: { names: vault('KEY_NAME') },
  vaultKeyVersion: { names: vault('KEY_VERSION') },
  vaultLoginNamespace: { names: ['SEALGATE_KMS_VAULT_LOGIN_NAMESPACE'] },
  vaultNamespace: { names: vault('NAMESPACE') },
  vaultCaPath: { names: vault('CAPATH') },
  vaultClientCert: { names: ['SEALGATE_KMS_VAULT_CLIENT_CERT_FILE'] },
  vaultClientKey: { names: ['SEALGATE_KMS_VAULT_CLIENT_KEY_FILE'] },
  vaultTransitMount: { names: ['SEALGATE_KMS_VAULT_TRANSIT_MOUNT'] },
  vaultAppRoleMount: { names: ['SEALGATE_KMS_VAULT_APPROLE_MOUNT'] },
  keyReuse: { names: ['SEALGATE_KMS_KEY_REUSE'] },
  epochSeconds: { names: ['SEALGATE_KMS_EPOCH_SECONDS'] },
  epochUses: { names: ['SEALGATE_KMS_EPOCH_USES'] },
  cacheEntries: { names: ['SEALGATE_KMS_CACHE_ENTRIES'] },
  cacheSeconds: { names: ['SEALGATE_KMS_CACHE_SECONDS'] },
  cacheUses: { names: ['SEALGATE_KMS_CACHE_USES'] },
  cacheIdleSeconds: { names: ['SEALGATE_KMS_CACHE_IDLE_SECONDS'] },
  offlineGraceSeconds: { names: ['SEALGATE_KMS_OFFLINE_GRACE_SECONDS'] },
  leaseSeconds: { names: ['SEALGATE_KMS_LEASE_SECONDS'] },
  disabledKeysFile: { names: ['SEALGATE_KMS_DISABLED_KEYS_FILE'] },
  autoEncryption: {
    names: ['SEALGATE_AUTO_ENCRYPTION', 'MINIO_KMS_AUTO_ENCRYPTION', 'MINIO_SSE_AUTO_ENCRYPTION'],
  },
  address: { names: ['SEALGATE_ADDRESS'] },
  adminAddress: { names: ['SEALGATE_ADMIN_ADDRESS'] },
  control: { names: ['SEALGATE_CONTROL'] },
  controlAddress: { names: ['SEALGATE_CONTROL_ADDRESS'] },
  controlAdminAddress: { names: ['SEALGATE_CONTROL_ADMIN_ADDRESS'] },
  controlCert: { names: ['SEALGATE_CONTROL_CERT_FILE'] },
  controlKey: { names: ['SEALGATE_CONTROL_KEY_FILE'] },
  controlCa: { names: ['SEALGATE_CONTROL_CA_FILE'] },
  controlPolicy: { names: ['SEALGATE_CONTROL_POLICY_FILE'] },
  controlClientCallsMax: { names: ['SEALGATE_CONTROL_CLIENT_CALLS_MAX'] },
  controlClientRateMax: { names: ['SEALGATE_CONTROL_CLIENT_RATE_MAX'] },
  auditFile: { names: ['SEALGATE_AUDIT_FILE'] },
  auditFileSizeMax: { names: ['SEALGATE_AUDIT_FILE_SIZE_MAX'] },
  auditSync: { names: ['SEALGATE_AUDIT_SYNC'] },
  auditOptional: { names: ['SEALGATE_AUDIT_OPTIONAL'] },
  tlsCert: { names: ['SEALGATE_TLS_CERT_FILE'] },
  tlsKey: { names: ['SEALGATE_TLS_KEY_FILE'] },
  domain: { names: ['SEALGATE_DOMAIN', 'MINIO_DOMAIN'] },
  region: { names: ['SEALGATE_REGION', 'MINIO_REGION', 'MINIO_REGION_NAME'] },
  allowSseCOverHttp: { names: ['SEALGATE_ALLOW_SSEC_OVER_HTTP'] },
  trustedProxies: { names: ['SEALGATE_TRUSTED_PROXIES'] },
  requestsMax: { names: ['SEALGATE_REQUESTS_MAX'] },
  requestsSharePercent: { names: ['SEALGATE_REQUESTS_SHARE_PERCENT'] },
  connectionsMax: { names: ['SEALGATE_CONNECTIONS_MAX'] },
  bytesPerSecondMin: { names: ['SEALGATE_BYTES_PER_SECOND_MIN'] },
  drainSeconds: { names: ['SEALGATE_DRAIN_SECONDS'] },
  processes: { names: ['SEALGATE_PROCESSES'] },
  threads: { names: ['SEALGATE_THREADS'] },
  fsync: { names: ['SEALGATE_FSYNC'] },
  logLevel: { names: ['SEALGATE_LOG_LEVEL'] },
  backendEndpoint: { names: ['SEALGATE_BACKEND_ENDPOINT'] },
  backendAccessKey: { names: ['SEALGATE_BACKEND_ACCESS_KEY', 'AWS_ACCESS_KEY_ID'], file: true },
  backendSecretKey: { names: ['SEALGATE_BACKEND_SECRET_KEY', 'AWS_SECRET_ACCESS_KEY'], file: true },
  backendSessionToken: { names: ['SEALGATE_BACKEND_SESSION_TOKEN', 'AWS_SESSION_TOKEN'], file: true },
  backendProfile: { names: ['SEALGATE_BACKEND_PROFILE'] },
  backendCredentials: { names: ['SEALGATE_BACKEND_CREDENTIALS_FILE'] },
  backendRegion: { names: ['SEALGATE_BACKEND_REGION'] },
  backendCa: { names: ['SEALGATE_BACKEND_CA_FILE'] },
  backendSystemBucket: { names: ['SEALGATE_BACKEND_SYSTEM_BUCKET'] },
  backendConnectionsMax: { names: ['SEALGATE_BACKEND_CONNECTIONS_MAX'] },
  readMinio: { names: ['SEALGATE_READ_MINIO'] },
  gatewayEncryption: { names: ['SEALGATE_GATEWAY_SSE', 'MINIO_GATEWAY_SSE'] },
} as const satisfies Record<string, Variable>

export type Setting = keyof typeof variables

/** Names of settings that MinIO has and that cannot be done, by how they begin, with the reason. */
export const refusedVariables: readonly (readonly [prefix: string, reason: string])[] = [
  [
    'MINIO_KMS_KES_',
    'names a KES server, which Sealgate does not ask: give it the key that KES keeps (docs/minio.md)',
  ],
  ['MINIO_KMS_VAULT_DEPRECATION', 'is not needed here: unset it'],
  ...['SERVER', 'ENCLAVE', 'SSE_KEY', 'API_KEY', 'REPLICATE_KEYID'].map(
    (name) => [`MINIO_KMS_${name}`, 'names a KMS of MinIO’s, which Sealgate cannot use'] as const,
  ),
]

/** A variable that begins so and is not in the table is a mistake, most likely a misspelt name. */
export const ownPrefixes: readonly string[] = ['SEALGATE_', 'MINIO_SSE_', 'MINIO_KMS_']
