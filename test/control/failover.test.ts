import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectKeyService, type KeyService } from '../../control/client.ts'
import type { ControlAddress } from '../../control/config.ts'
import { KmsError } from '../../control/errors.ts'
import { type Program, startProgram } from '../support/program.ts'

const test = suite('control/failover')

const masterKey = 'my-minio-key:6368616e676520746869732070617373776f726420746f206120736563726574'
const inFlight = 16
const callsBefore = 200
const callsAfter = 600

/** Control services as processes, each on a socket of its own. */
async function withInstances(
  names: readonly string[],
  use: (
    instances: readonly { address: ControlAddress; program: Program; start(): Promise<Program> }[],
  ) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sealgate-failover-'))
  const programs: Program[] = []
  try {
    const instances = []
    for (const name of names) {
      const path = join(directory, `${name}.sock`)
      const start = async () => {
        const program = startProgram(['control', '--address', `unix:${path}`], {
          SEALGATE_KMS_MASTER_KEY: masterKey,
        })
        programs.push(program)
        await program.output(/control is listening/)
        return program
      }
      instances.push({ address: { kind: 'unix', path } as const, program: await start(), start })
    }
    await use(instances)
  } finally {
    for (const program of programs) await program.end('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Calls without pause, so many at once; the errors that they had. */
function load(keys: KeyService) {
  const errors: unknown[] = []
  let calls = 0
  let ending = false
  const worker = async () => {
    while (!ending) {
      await keys
        .generateDataKey({ context: { bucket: 'bucket' } })
        .catch((error: unknown) => errors.push(error))
      calls++
    }
  }
  const workers = Array.from({ length: inFlight }, worker)
  return {
    errors,
    async until(count: number) {
      const target = calls + count
      while (calls < target) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    async end() {
      ending = true
      await Promise.all(workers)
    },
  }
}

for (const [how, signal] of [
  ['killed', 'SIGKILL'],
  ['drained', 'SIGTERM'],
] as const) {
  test(`of two instances under load, one can be ${how} and started again without a failed call`, async () => {
    await withInstances(['one', 'two'], async ([one, two]) => {
      assert.ok(one && two)
      const keys = connectKeyService([one.address, two.address])
      const traffic = load(keys)
      try {
        await traffic.until(callsBefore)
        await one.program.end(signal)
        await traffic.until(callsAfter)
        await one.start()
        await traffic.until(callsAfter)
        await two.program.end(signal)
        await traffic.until(callsAfter)
      } finally {
        await traffic.end()
        await keys.close()
      }
      assert.equal(traffic.errors.map(String), [])
    })
  })
}

test('with every instance away, calls fail as unavailable, and go on when one is back', async () => {
  await withInstances(['one', 'two'], async ([one, two]) => {
    assert.ok(one && two)
    const keys = connectKeyService([one.address, two.address], { deadlineMs: 1_000 })
    try {
      await Promise.all([one.program.end('SIGKILL'), two.program.end('SIGKILL')])
      const error = await keys.generateDataKey({ context: {} }).then(
        () => undefined,
        (caught: unknown) => caught,
      )
      assert.ok(error instanceof KmsError && error.code === 'unavailable')
      await two.start()
      let answered = false
      while (!answered) {
        answered = await keys.generateDataKey({ context: {} }).then(
          () => true,
          () => false,
        )
      }
    } finally {
      await keys.close()
    }
  })
})

test('an instance that hangs leaves its calls to the other', async () => {
  await withInstances(['one', 'two'], async ([one, two]) => {
    assert.ok(one && two)
    const keys = connectKeyService([one.address, two.address], { deadlineMs: 2_000 })
    try {
      one.program.child.kill('SIGSTOP')
      for (let call = 0; call < 4; call++) await keys.generateDataKey({ context: {} })
    } finally {
      one.program.child.kill('SIGCONT')
      await keys.close()
    }
  })
})

test.run()
