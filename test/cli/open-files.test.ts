import { connect } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectionsWithin } from '../../cli/open-files.ts'
import { withDirectory } from '../support/files.ts'
import { startProgram } from '../support/program.ts'
import { until } from '../support/served.ts'
import { skip } from '../support/skip.ts'

const test = suite('cli/open-files')

test('there are as many connections as two files each leave room for, and a warning where that is fewer', () => {
  for (const [filesMax, expected, warnings] of [
    [undefined, 100, 0],
    [264, 100, 0],
    [263, 99, 1],
    [10, 1, 1],
  ] as const) {
    const told: unknown[] = []
    const log = { warn: (...line: unknown[]) => void told.push(line) }
    assert.is(connectionsWithin(100, filesMax, log), expected)
    assert.is(told.length, warnings, String(filesMax))
  }
})

test('connections that the limit of open files has no room for are counted, and requests are answered', async () => {
  if (process.platform !== 'linux') return skip('the limit of open files: a system with /proc is needed')
  const any = '127.0.0.1:0'
  await withDirectory(async (directory) => {
    const program = startProgram(
      ['server', '--address', any, '--admin-address', any, '--control-admin-address', 'off', directory],
      { SEALGATE_ACCESS_KEY: 'root', SEALGATE_SECRET_KEY: 'root-secret', SEALGATE_LOG_LEVEL: 'info' },
      { openFilesMax: 256 },
    )
    const [, url = '', admin = ''] = await program.output(
      /"url":"([^"]+)","admin":"([^"]+)".*the front-end is listening/,
    )
    assert.match(program.stderr(), 'room for 96 of 10000 connections: raise it to 20064')
    const { hostname: host, port } = new URL(url)
    const sockets = Array.from({ length: 150 }, () =>
      connect({ host, port: Number(port) }).on('error', () => {}),
    )
    try {
      const metrics = async () => (await fetch(`${admin}/metrics`)).text()
      await until(async () => (await metrics()).includes('sealgate_s3_connections_dropped_total 54'))
      for (const socket of sockets) socket.destroy()
      await until(async () => (await metrics()).includes('sealgate_s3_connections 0'))
      assert.is((await fetch(url)).status, 403)
    } finally {
      for (const socket of sockets) socket.destroy()
      await program.end()
    }
  })
})

test.run()
