import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { BackendError, type BackendErrorCode } from '../backend.ts'
import type { Command, CommandResult } from './command.ts'
import { CommandExecutor } from './command-executor.ts'
import { type Database, openDatabase } from './database.ts'
import type { FsyncPolicy } from './fsync-policy.ts'

/**
 * The thread that writes: all commands that have come together go into one transaction, each under a savepoint of its own, so
 * that one fsync serves them all and one failure undoes one command. Answers go out after the commit.
 */

/** A command's outcome: done, or the error's code where it is one of the interface's. */
export type Outcome =
  | { readonly done: true; readonly result: CommandResult }
  | { readonly done: false; readonly code: BackendErrorCode | undefined; readonly message: string }

/** SQLite's result codes (sqlite.org/rescode.html). */
const codeOfSqlite: Readonly<Record<number, BackendErrorCode>> = {
  5: 'unavailable',
  6: 'unavailable',
  13: 'no-space',
}

/** With these SQLite may have rolled back all of the transaction (sqlite.org/lang_transaction.html, "Response to errors"). */
const endingCodes: ReadonlySet<number> = new Set([5, 7, 9, 10, 13])

/** What the thread is started with. */
export interface WriterSetup {
  readonly path: string
  readonly fsync: FsyncPolicy
}

function serve(port: MessagePort, { path, fsync }: WriterSetup): void {
  const database = openDatabase(path, { readOnly: false, fsync })
  const executor = new CommandExecutor(database)
  port.on('message', (commands: readonly Command[]) => {
    if (commands.length === 0) {
      database.close()
      port.close()
      return
    }
    port.postMessage(commitWithRoom(database, executor, commands))
  })
}

/** What the disk has no more room for, the log may have: it keeps its size until it is emptied. */
function commitWithRoom(
  database: Database,
  executor: CommandExecutor,
  commands: readonly Command[],
): Outcome[] {
  const outcomes = commitAll(database, executor, commands)
  if (!outcomes.every((outcome) => !outcome.done && outcome.code === 'no-space')) return outcomes
  try {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    return outcomes
  }
  return commitAll(database, executor, commands)
}

function commitAll(database: Database, executor: CommandExecutor, commands: readonly Command[]): Outcome[] {
  try {
    database.exec('BEGIN IMMEDIATE')
    const outcomes = commands.map((command) => executeOne(database, executor, command))
    database.exec('COMMIT')
    return outcomes
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    const outcome = toOutcome(error)
    return commands.map(() => outcome)
  }
}

function executeOne(database: Database, executor: CommandExecutor, command: Command): Outcome {
  database.exec('SAVEPOINT command')
  try {
    const result = executor.execute(command)
    database.exec('RELEASE command')
    return { done: true, result }
  } catch (error) {
    if (endingCodes.has(primaryCode(error)) || !database.isTransaction) throw error
    // Whatever else is wrong with a command, a text that cannot be bound for instance, is not the fault of the others.
    database.exec('ROLLBACK TO command; RELEASE command')
    return toOutcome(error)
  }
}

function toOutcome(error: unknown): Outcome {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof BackendError) return { done: false, code: error.code, message }
  return { done: false, code: codeOfSqlite[primaryCode(error)], message }
}

/** Of an error of SQLite's; 0 for any other. */
function primaryCode(error: unknown): number {
  const resultCode = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0
  // The lowest byte is the primary result code.
  return resultCode & 0xff
}

if (parentPort !== null) serve(parentPort, workerData)
