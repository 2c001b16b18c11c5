import { versionsContract } from '../../contracts/versions.ts'
import { openGatewayStore, openOwnStore } from '../../support/gateway-store.ts'

versionsContract('gateway before a Sealgate', async () => {
  const { backend, close } = await openGatewayStore(openOwnStore)
  return { backend, ownIds: true, close }
})
