import { BackendError } from './backend.ts'

/** How often an object is looked up when it is replaced between look-up and use. */
const lookupsMax = 4

/** Does it again when the object that it looks up is replaced before it is used. Errors: besides its own, BackendError replaced. */
export async function whileReplaced<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const replaced = error instanceof BackendError && error.code === 'replaced'
      if (!replaced || attempt === lookupsMax) throw error
    }
  }
}
