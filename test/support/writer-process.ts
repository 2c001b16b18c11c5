// A process that writes objects to a disk store until it is killed; each put that was answered is told on stdout.
// `node writer-process.js DIRECTORY SEED`
import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { pino } from 'pino'
import { openDiskBackend } from '../../s3api/backends/disk/index.ts'
import { stageBytes } from './stored.ts'

const [directory = '', seed = ''] = process.argv.slice(2)
const sizes = [100, 70_000, 400_000, 1_500_000]
const keys = ['a', 'a/b', 'c']

const backend = await openDiskBackend({ directory, log: pino({ level: 'silent' }) })
const say = (line: string) => writeSync(1, `${line}\n`)
say('ready')
for (let round = 0; ; round++) {
  const key = keys[round % keys.length] ?? ''
  const bytes = Buffer.alloc(sizes[round % sizes.length] ?? 0, `${seed}:${round};`)
  const record = {
    size: bytes.length,
    etag: createHash('md5').update(bytes).digest('hex'),
    modifiedAtMs: Date.now(),
    headers: {},
    metadata: {},
    storageClass: 'STANDARD',
  }
  const plan = { bucket: 'bucket', key, becomes: { kind: 'object', record } } as const
  say(`begin ${key} ${record.etag}`)
  await backend.putObject({
    bucket: 'bucket',
    key,
    record,
    newVersionId: () => String(round),
    data:
      bytes.length < 1000
        ? { kind: 'bytes', bytes }
        : { kind: 'staged', staged: await stageBytes(backend, plan, bytes) },
  })
  say(`done ${key} ${record.etag}`)
}
