import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { marked } from './content.ts'
import { command, type Mode, type Scenario, type Site, versionOf } from './driver.ts'

const unmountAttempts = 20
const unmountDelayMs = 250

/** A mounted bucket: files written, renamed (a server-side copy), read after a new mount, and removed. */
export const s3fs: Scenario = {
  name: 's3fs',
  modes: ['plain', 'auto', 'sse-s3', 'sse-kms', 'sse-c'],
  async version() {
    return existsSync('/dev/fuse') ? versionOf('s3fs', ['--version'], /V(\S+)/) : undefined
  },
  async run(site, { mode }) {
    const bucket = `s3fs-${mode}`
    const scratch = join(site.directory, bucket)
    const mountPoint = join(scratch, 'mount')
    mkdirSync(mountPoint, { recursive: true })
    const passwords = join(scratch, 'passwords')
    writeFileSync(passwords, `${site.accessKey}:${site.secretKey}`, { mode: 0o600 })
    const mount = () =>
      command('s3fs', [bucket, mountPoint, ...mountOptions(site, { mode, scratch, passwords })], {
        AWS_CA_BUNDLE: site.caFile,
        CURL_CA_BUNDLE: site.caFile,
      })
    const contents = [0, 1, 65_537, 30_000_000].map(marked)
    await mount()
    try {
      mkdirSync(join(mountPoint, 'folder'))
      for (const [index, bytes] of contents.entries()) {
        writeFileSync(join(mountPoint, 'folder', `old-${index}`), bytes)
        renameSync(join(mountPoint, 'folder', `old-${index}`), join(mountPoint, 'folder', `new-${index}`))
      }
    } finally {
      await unmount(mountPoint)
    }
    await mount()
    try {
      for (const [index, bytes] of contents.entries()) {
        const file = join(mountPoint, 'folder', `new-${index}`)
        if (!readFileSync(file).equals(bytes)) throw new Error(`${file} came back changed`)
        rmSync(file)
      }
    } finally {
      await unmount(mountPoint)
    }
  },
}

function mountOptions(
  site: Site,
  { mode, scratch, passwords }: { readonly mode: Mode; readonly scratch: string; readonly passwords: string },
): string[] {
  const options = [`url=${site.url}`, `passwd_file=${passwords}`, `endpoint=${site.region}`]
  options.push('use_path_request_style', 'no_check_certificate', 'ssl_verify_hostname=0')
  if (mode === 'sse-s3') options.push('use_sse')
  if (mode === 'sse-kms') options.push(`use_sse=kmsid:${site.kmsKeyId}`)
  if (mode === 'sse-c') {
    const keys = join(scratch, 'keys')
    writeFileSync(keys, `${Buffer.from(site.customerKey).toString('base64')}\n`, { mode: 0o600 })
    // It sends parts without the key, which S3 demands with each.
    options.push(`use_sse=custom:${keys}`, 'nomultipart')
  }
  return ['-o', options.join(',')]
}

/** Busy for as long as it still sends. */
async function unmount(mountPoint: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await command('umount', [mountPoint])
      return
    } catch (error) {
      if (attempt === unmountAttempts) throw error
      await sleep(unmountDelayMs)
    }
  }
}
