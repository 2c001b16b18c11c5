import { backendContract } from '../../contracts/backend.ts'
import { openDiskStore, openFailingDiskStore } from '../../support/disk-store.ts'

backendContract('disk', {
  completesOnce: true,
  open: () => openDiskStore(),
  openFailing: openFailingDiskStore,
})
