import { statSync } from 'node:fs'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { DareError } from '../../../engine/index.ts'
import { messageOf } from '../../errors.ts'
import { BackendError, type BackendErrorCode } from '../backend.ts'
import type { Command, CommandResult } from './command.ts'
import { CommandExecutor } from './command-executor.ts'
import { type Database, openDatabase } from './database.ts'
import type { FsyncPolicy } from './fsync-policy.ts'
import { ofDatabase, primaryCode } from './store-errors.ts'

/**
 * The thread that writes: all commands that have come together go into one transaction, each under a savepoint of its own, so
 * that one fsync serves them all and one failure undoes one command. Answers go out after the commit.
 */

/** A command's outcome: done, or the error's code where it is one of the interface's, or a row was damaged (DareError). */
export type Outcome =
  | { readonly done: true; readonly result: CommandResult }
  | {
      readonly done: false
      readonly code: BackendErrorCode | 'damaged' | undefined
      readonly message: string
    }

/** With these SQLite may have rolled back all of the transaction (sqlite.org/lang_transaction.html, "Response to errors"). */
const endingCodes: ReadonlySet<number> = new Set([5, 7, 9, 10, 13])

const outOfPlace: Outcome = {
  done: false,
  code: 'unavailable',
  message: 'the file of the metadata is not the one that was opened: it was moved, replaced or unmounted',
}

/** What the thread is started with. */
export interface WriterSetup {
  readonly path: string
  readonly fsync: FsyncPolicy
}

function serve(port: MessagePort, { path, fsync }: WriterSetup): void {
  const database = openDatabase(path, { readOnly: false, fsync })
  const executor = new CommandExecutor(database)
  const opened = placeOf(path)
  port.on('message', (commands: readonly Command[]) => {
    if (commands.length === 0) {
      database.close()
      port.close()
      return
    }
    // What SQLite would write to a file that was moved away, or replaced by a backup, nobody would find after a restart.
    if (placeOf(path) === opened) port.postMessage(commitWithRoom(database, executor, commands))
    else port.postMessage(commands.map(() => outOfPlace))
  })
}

function placeOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found && `${found.dev}:${found.ino}`
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
  const explained = ofDatabase(error)
  const message = messageOf(explained)
  if (explained instanceof BackendError) return { done: false, code: explained.code, message }
  return { done: false, code: explained instanceof DareError ? 'damaged' : undefined, message }
}

if (parentPort !== null) serve(parentPort, workerData)
