import { createVaultProvider } from '../../control/providers/vault/vault.ts'
import { type ProviderUnderTest, providerContract } from '../contracts/provider.ts'
import { vaultServerFacts } from '../contracts/vault-server.ts'
import { findVaultProgram, startRealVault } from '../support/real-vault.ts'
import { skip } from '../support/skip.ts'
import { startReady, toConfig } from '../support/vault/fixture.ts'
import { seedPolicy, setUpSeed, type VaultAdmin } from '../support/vault/seed.ts'
import { startVaultSimulator } from '../support/vault-simulator.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const otherKeyId = 'other-key'

interface Server {
  readonly endpoint: string
  readonly admin: VaultAdmin
  close(): Promise<void>
}

/** The quickstart's steps, and a second key with the same three paths granted. */
async function open(server: Server): Promise<ProviderUnderTest> {
  try {
    const policy = seedPolicy('my-minio-key') + seedPolicy(otherKeyId)
    const credentials = await setUpSeed(server.admin, { policy })
    await server.admin('PUT', `transit/keys/${otherKeyId}`, {})
    const provider = createVaultProvider(toConfig(server.endpoint, credentials), { log: silent })
    await startReady(provider)
    const close = async () => {
      await provider.close()
      await server.close()
    }
    return { provider, otherKeyId, close }
  } catch (error) {
    await server.close()
    throw error
  }
}

providerContract('vault (simulator)', async () => {
  const vault = await startVaultSimulator()
  return open({ endpoint: vault.endpoint, admin: vault.admin(), close: vault.close })
})

vaultServerFacts('simulator', async () => {
  const vault = await startVaultSimulator()
  return {
    endpoint: vault.endpoint,
    admin: vault.admin(),
    async addNamespace(name) {
      await vault.admin()('PUT', `sys/namespaces/${name}`)
      return vault.admin(name)
    },
    wrap: async () => vault.wrap(),
    revokeTokens: async () => vault.revokeTokens(),
    seal: async () => vault.seal(),
    close: vault.close,
  }
})

const program = findVaultProgram(process.env)
if (program === undefined) {
  skip('vault contract against a real server: install vault or bao, or set VAULT_BIN')
} else {
  providerContract('vault (real server)', async () => open(await startRealVault(program)))
  vaultServerFacts('real server', () => startRealVault(program))
}
