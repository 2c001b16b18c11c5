import { systemRecordsContract } from '../../contracts/system-records.ts'
import { openGatewayRecords, openOwnStore } from '../../support/gateway-store.ts'

systemRecordsContract('gateway before a Sealgate', () => openGatewayRecords(openOwnStore))
