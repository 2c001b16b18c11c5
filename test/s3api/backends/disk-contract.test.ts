import { backendContract } from '../../contracts/backend.ts'
import { openDiskStore, openFailingDiskStore } from '../../support/disk-store.ts'

backendContract('disk', { open: () => openDiskStore(), openFailing: openFailingDiskStore })
