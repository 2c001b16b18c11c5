import { backendContract } from '../../contracts/backend.ts'
import { openFailingGateway, openGatewayStore, openOwnStore } from '../../support/gateway-store.ts'

backendContract('gateway before a Sealgate', {
  open: () => openGatewayStore(openOwnStore),
  openFailing: openFailingGateway,
})
