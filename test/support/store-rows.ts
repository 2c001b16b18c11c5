import { join } from 'node:path'
import { openDatabase } from '../../s3api/backends/disk/database.ts'

/** Changes a disk store's rows behind its back, as somebody with access to the disk could. */
export function tamperRows(
  directory: string,
  sql: string,
  ...values: (string | number | bigint | Uint8Array | null)[]
): void {
  const database = openDatabase(join(directory, '.sealgate', 'meta.sqlite'), { readOnly: false })
  try {
    const { changes } = database.prepare(sql).run(...values)
    if (Number(changes) === 0) throw new Error(`no row was changed by ${sql}`)
  } finally {
    database.close()
  }
}
