import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ownerOf, parseUsers, rootOwner } from '../../../s3api/access/users.ts'
import { openUsers } from '../../../s3api/access/users-file.ts'

const test = suite('s3api/access/users')
const root = { accessKey: 'root-key', secretKey: 'root-secret' }
const alice = { accessKey: 'ALICE', secretKey: 'alice-secret', id: 'alice-id', name: 'Alice' }
const bob = { accessKey: 'BOB', secretKey: 'bob-secret', id: 'bob-id', name: 'Bob', email: 'Bob@Example.com' }
const log = pino({ level: 'silent' })

const file = (...users: unknown[]) => JSON.stringify({ users })

test('users are found by access key, id and e-mail address, and root is one of them', () => {
  const users = parseUsers(file(alice, bob), [root])
  assert.is(users.byAccessKey.get('ALICE')?.secretKey, 'alice-secret')
  assert.is(users.byAccessKey.get('root-key')?.root, true)
  assert.is(users.byAccessKey.get('BOB')?.root, false)
  assert.is(users.byId.get('bob-id')?.name, 'Bob')
  assert.is(users.byEmail.get('bob@example.com')?.id, 'bob-id')
  assert.equal(ownerOf(users, 'alice-id'), { id: 'alice-id', name: 'Alice' })
  assert.equal(ownerOf(users, 'gone'), { id: 'gone', name: 'gone' })
  assert.equal(ownerOf(users, undefined), rootOwner)
})

test('two users cannot share an access key, an id or an e-mail address', () => {
  const refused: [unknown, RegExp][] = [
    [{ ...bob, accessKey: 'ALICE' }, /same access key/],
    [{ ...bob, accessKey: 'root-key' }, /same access key/],
    [{ ...bob, id: 'alice-id' }, /two users have the id alice-id/],
    [{ ...bob, id: rootOwner.id }, /two users have the id/],
    [{ ...bob, email: 'ALICE@example.com' }, /same e-mail address/],
  ]
  for (const [second, reason] of refused) {
    const text = file({ ...alice, email: 'alice@example.com' }, second)
    assert.throws(() => parseUsers(text, [root]), reason)
  }
})

test('a file with anything missing, malformed or unknown is refused, and the message shows no value', () => {
  const texts = [
    '',
    '{"users":[{"secretKey":"swordfish"',
    '[]',
    '{}',
    JSON.stringify({ users: [], more: true }),
    file({ ...alice, secretKey: 'short' }),
    file({ ...alice, secretKey: 42 }),
    file({ ...alice, id: '' }),
    file({ ...alice, id: 'a b' }),
    file({ ...alice, accessKey: 'a/b' }),
    file({ ...alice, email: 'swordfish' }),
    file({ ...alice, root: true }),
    file({ ...alice, secretKey: 'swordfish'.repeat(50) }),
  ]
  for (const text of texts) {
    assert.throws(
      () => parseUsers(text, [root]),
      (error: Error) => /users file/.test(error.message) && !/swordfish|short/.test(error.message),
    )
  }
})

test('a changed file is taken whole, and a broken one changes nothing', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-users-'))
  const path = join(directory, 'users.json')
  writeFileSync(path, file(alice))
  const errors: string[] = []
  const listening = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) })
  const directoryOfUsers = openUsers(path, [root], { log: listening, intervalMs: 10 })
  try {
    assert.is(directoryOfUsers.current().byAccessKey.has('ALICE'), true)
    writeFileSync(path, file(alice, bob))
    await until(() => directoryOfUsers.current().byAccessKey.has('BOB'))
    writeFileSync(path, '{"users":[')
    await until(() => errors.length > 0)
    assert.is(directoryOfUsers.current().byAccessKey.has('BOB'), true)
    writeFileSync(path, file(bob))
    await until(() => !directoryOfUsers.current().byAccessKey.has('ALICE'))
    assert.is(directoryOfUsers.current().byAccessKey.has('root-key'), true)
  } finally {
    directoryOfUsers.close()
    rmSync(directory, { recursive: true })
  }
})

test('a file that is not there or is broken at the start is an error', () => {
  assert.throws(() => openUsers('/nonexistent/users.json', [root], { log }), /ENOENT/)
})

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test.run()
