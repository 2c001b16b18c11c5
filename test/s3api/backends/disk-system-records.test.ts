import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { openDiskBackend } from '../../../s3api/backends/disk/index.ts'
import { systemRecordsContract } from '../../contracts/system-records.ts'

const log = pino({ level: 'silent' })

systemRecordsContract('disk', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-records-'))
  const backend = await openDiskBackend({ directory, log })
  const other = await openDiskBackend({ directory, log })
  return {
    records: backend.system,
    others: other.system,
    async close() {
      await backend.close()
      await other.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
})
