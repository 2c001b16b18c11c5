import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import type { Figure } from './figure.ts'
import { measureControl } from './parts/control.ts'
import { measureEngine } from './parts/engine.ts'
import { measureGateway } from './parts/gateway.ts'
import { measureHandover } from './parts/handover.ts'
import { measureKeys } from './parts/keys.ts'
import { measureList } from './parts/list.ts'
import { measureMemory } from './parts/memory.ts'
import { measureMultipart } from './parts/multipart.ts'
import { measurePeers } from './parts/peers.ts'
import { measureServer } from './parts/server.ts'
import { toPicture, toTable } from './report.ts'
import { createSettings, type Settings } from './settings.ts'
import { type RunningSealgate, startSealgate } from './support/sealgate.ts'

/** `npm run bench`: measures, prints a table, and with --picture FILE draws it. */

const parts: Readonly<Record<string, (settings: Settings) => Promise<Figure[]>>> = {
  engine: measureEngine,
  handover: measureHandover,
  server: (settings) => withServer(settings, measureServer),
  memory: (settings) => withServer(settings, measureMemory),
  multipart: measureMultipart,
  list: (settings) => withServer(settings, measureList),
  keys: (settings) => withServer(settings, measureKeys, { SEALGATE_ALLOW_SSEC_OVER_HTTP: 'on' }),
  gateway: (settings) => withServer(settings, measureGateway),
  control: measureControl,
  peers: (settings) => withServer(settings, measurePeers),
}

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(parts).join(',') },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    'list-keys': { type: 'string', default: '100000' },
    'multipart-mib': { type: 'string', default: '5120' },
    peers: { type: 'string' },
    picture: { type: 'string' },
  },
})

async function withServer(
  settings: Settings,
  measure: (settings: Settings, server: RunningSealgate) => Promise<Figure[]>,
  environment: Readonly<Record<string, string>> = {},
): Promise<Figure[]> {
  const server = await startSealgate(settings.directory, environment)
  try {
    return await measure(settings, server)
  } finally {
    await server.stop()
  }
}

function describeMachine({ directory, rounds, seconds }: Settings): string {
  const processors = cpus()
  const memory = Math.round(totalmem() / 1024 ** 3)
  const place = directory === '/dev/shm' ? 'tmpfs' : 'disk'
  return `${processors.length} × ${processors[0]?.model.trim()}, ${memory} GiB, Node ${process.versions.node}, stores on ${place}; medians of ${rounds} rounds of ${seconds} s.`
}

const settings = createSettings({
  rounds: Number(options.rounds),
  seconds: Number(options.seconds),
  listedKeys: Number(options['list-keys']),
  multipartMib: Number(options['multipart-mib']),
  peersDirectory: options.peers,
})
const figures: Figure[] = []
for (const name of options.only.split(',')) {
  const measure = parts[name]
  if (measure === undefined) throw new Error(`there is no part ${name}: ${Object.keys(parts).join(', ')}`)
  console.error(`${name} …`)
  figures.push(...(await measure(settings)))
}
console.log(`${describeMachine(settings)}\n\n${toTable(figures)}`)
if (options.picture !== undefined) writeFileSync(options.picture, toPicture(figures))
