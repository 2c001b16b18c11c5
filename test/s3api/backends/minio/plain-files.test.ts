import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LinkError, openPlain } from '../../../../s3api/backends/minio/plain-files.ts'
import { makeScratch } from '../../../support/scratch.ts'
import { skip } from '../../../support/skip.ts'

const test = suite('s3api/backends/minio/plain-files')
const opensCount = 3_000

/** Swaps the folder for the link, and back, until it is ended. */
const swapping = `
  const { renameSync } = require('node:fs')
  const [folder, link] = process.argv.slice(1)
  for (let turn = 0; ; turn++) {
    renameSync(folder, folder + '.away')
    renameSync(link, folder)
    if (turn === 0) process.stdout.write('swapping')
    renameSync(folder, link)
    renameSync(folder + '.away', folder)
  }`

async function textAt(path: string): Promise<string | undefined> {
  const handle = await openPlain(path)
  try {
    return await handle?.readFile('utf8')
  } finally {
    await handle?.close()
  }
}

test('a folder that is swapped for a link and back while its file is opened leads nowhere', async () => {
  if (process.platform !== 'linux') return skip('swapped folders: a system with /proc is needed')
  const { path, remove } = makeScratch('plain-files')
  let swapper: ChildProcess | undefined
  try {
    const [folder, link, outside] = ['folder', 'link', 'outside'].map((name) => join(path, name))
    assert.ok(folder && link && outside)
    for (const [place, text] of [
      [folder, 'ours'],
      [outside, 'secret'],
    ] as const) {
      mkdirSync(place)
      writeFileSync(join(place, 'file'), text)
    }
    symlinkSync(outside, link)
    swapper = spawn(process.execPath, ['-e', swapping, folder, link], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    assert.ok(swapper.stdout)
    await once(swapper.stdout, 'data')
    for (let count = 0; count < opensCount; count++) {
      const text = await textAt(join(folder, 'file')).catch((error: unknown) => {
        if (error instanceof LinkError) return undefined
        throw error
      })
      assert.ok(text === undefined || text === 'ours', `the file outside was read: ${text}`)
    }
  } finally {
    if (swapper?.kill('SIGKILL')) await once(swapper, 'exit')
    remove()
  }
})

test('a file is opened where no link leads to it, and is absent where it is gone', async () => {
  const { path, remove } = makeScratch('plain-files')
  try {
    const file = join(path, 'file (deleted)')
    writeFileSync(file, 'ours')
    assert.is(await textAt(file), 'ours')
    renameSync(file, join(path, 'other'))
    assert.is(await textAt(file), undefined)
    symlinkSync(join(path, 'other'), file)
    await textAt(file).then(
      () => assert.unreachable(),
      (error: unknown) => assert.instance(error, LinkError),
    )
  } finally {
    remove()
  }
})

test.run()
