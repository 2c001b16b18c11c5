import { bindable, type Database, type Statement } from './database.ts'
import type { Row } from './rows.ts'
import { ofDatabase } from './store-errors.ts'

export type Value = string | number | Uint8Array | null

/** Statements of a connection, each prepared once. Errors: BackendError no-space and unavailable. */
export class Statements {
  readonly #database: Database
  readonly #prepared = new Map<string, Statement>()

  constructor(database: Database) {
    this.#database = database
  }

  get(sql: string, ...values: Value[]): Row | undefined {
    try {
      return this.#statement(sql).get(...bindable(values))
    } catch (error) {
      throw ofDatabase(error)
    }
  }

  all(sql: string, ...values: Value[]): Row[] {
    try {
      return this.#statement(sql).all(...bindable(values))
    } catch (error) {
      throw ofDatabase(error)
    }
  }

  run(sql: string, ...values: Value[]): { readonly changes: number; readonly lastInsertRowid: number } {
    try {
      const { changes, lastInsertRowid } = this.#statement(sql).run(...bindable(values))
      return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) }
    } catch (error) {
      throw ofDatabase(error)
    }
  }

  #statement(sql: string): Statement {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    this.#prepared.set(sql, statement)
    return statement
  }
}
