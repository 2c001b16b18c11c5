/** One write or read against a Vault, simulated or real, with its root token; resolves to `data`. */
export type VaultAdmin = (
  method: 'GET' | 'PUT',
  path: string,
  body?: Readonly<Record<string, unknown>>,
) => Promise<Readonly<Record<string, unknown>>>

export interface SeedOptions {
  readonly keyName?: string
  /** Of the role's tokens; `5m` unless given. */
  readonly period?: string
  /** Further settings of the role. */
  readonly role?: Readonly<Record<string, unknown>>
  /** Of the key, for example `{ derived: true }`. */
  readonly key?: Readonly<Record<string, unknown>>
  /** In place of the quickstart's policy. */
  readonly policy?: string
}

export interface SeedCredentials {
  readonly keyName: string
  readonly roleId: string
  readonly secretId: string
}

/** The quickstart's policy, word for word but for the key's name. */
export function seedPolicy(keyName: string): string {
  const path = (operation: string) =>
    `path "transit/${operation}/${keyName}" { \n  capabilities = [ "read", "update"]\n}\n`
  return `${path('datakey/plaintext')}${path('decrypt')}${path('encrypt')}\n`
}

/** The quickstart's steps, in its order, as the requests that the `vault` command makes of them. */
export async function setUpSeed(admin: VaultAdmin, options: SeedOptions = {}): Promise<SeedCredentials> {
  const {
    keyName = 'my-minio-key',
    period = '5m',
    role = {},
    key = {},
    policy = seedPolicy(keyName),
  } = options
  await admin('PUT', 'sys/auth/approle', { type: 'approle' })
  await admin('PUT', 'sys/mounts/transit', { type: 'transit' })
  await admin('PUT', `transit/keys/${keyName}`, key)
  await admin('PUT', 'sys/policies/acl/minio-policy', { policy })
  await admin('PUT', 'auth/approle/role/my-role', {
    token_num_uses: 0,
    secret_id_num_uses: 0,
    period,
    ...role,
  })
  await admin('PUT', 'auth/approle/role/my-role', { policies: 'minio-policy' })
  const { role_id: roleId } = await admin('GET', 'auth/approle/role/my-role/role-id')
  return { keyName, roleId: String(roleId), secretId: await issueSecretId(admin) }
}

/** `vault write -f auth/approle/role/my-role/secret-id` */
export async function issueSecretId(admin: VaultAdmin): Promise<string> {
  const { secret_id: secretId } = await admin('PUT', 'auth/approle/role/my-role/secret-id', {})
  return String(secretId)
}
