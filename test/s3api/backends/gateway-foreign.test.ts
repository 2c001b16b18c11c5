import { limitsOf } from '../../contracts/backend/limits.ts'
import { backendContract } from '../../contracts/backend.ts'
import { systemRecordsContract } from '../../contracts/system-records.ts'
import { versionsContract } from '../../contracts/versions.ts'
import { gatewayConfig } from '../../support/front-end-config.ts'
import { openGatewayRecords, openGatewayStore } from '../../support/gateway-store.ts'
import { skip } from '../../support/skip.ts'

/** The contract before any other S3: an empty one, or one whose buckets of other names are to be left alone. */
const {
  SEALGATE_TEST_S3_ENDPOINT: endpoint,
  SEALGATE_TEST_S3_ACCESS_KEY: accessKey,
  SEALGATE_TEST_S3_SECRET_KEY: secretKey,
  SEALGATE_TEST_S3_REGION: region = 'us-east-1',
} = process.env

if (endpoint === undefined || accessKey === undefined || secretKey === undefined) {
  skip('gateway before a foreign S3: set SEALGATE_TEST_S3_ENDPOINT, _ACCESS_KEY and _SECRET_KEY')
} else {
  const openForeign = async () => ({
    config: gatewayConfig(endpoint, { accessKey, secretKey }, { region }),
    close: async () => {},
  })
  backendContract(`gateway before ${endpoint}`, {
    // What happens when the store fails is shown before our own (gateway-contract.test.ts).
    open: async () => openGatewayStore(openForeign, undefined, await limitsOf(endpoint)),
  })
  systemRecordsContract(`gateway before ${endpoint}`, async () =>
    openGatewayRecords(openForeign, await limitsOf(endpoint)),
  )
  versionsContract(`gateway before ${endpoint}`, async () => {
    const { backend, close } = await openGatewayStore(openForeign)
    return { backend, ownIds: true, limits: await limitsOf(endpoint), close }
  })
}
