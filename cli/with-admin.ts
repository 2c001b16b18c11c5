import type { ControlAddress } from '../control/config.ts'
import type { AdminService } from '../control/index.ts'

/** Asks a control service; only then is loaded what speaks to one. */
export async function withAdmin<T>(
  address: ControlAddress,
  ask: (admin: AdminService) => Promise<T>,
): Promise<T> {
  const { connectAdmin } = await import('../control/index.ts')
  const admin = connectAdmin(address)
  try {
    return await ask(admin)
  } finally {
    admin.close()
  }
}
