import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Our folder in a data folder, and what the processes know of it that do not open the store. */

export const ownFolder = (directory: string): string => join(directory, '.sealgate')

/** Where a server's own control service keeps it, unless it is told otherwise. */
export const disabledKeysIn = (directory: string): string => join(ownFolder(directory), 'disabled-keys.json')

export const hasStore = (directory: string): boolean => existsSync(join(ownFolder(directory), 'meta.sqlite'))
