import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { cached } from './cache-folder.ts'
import { ensureGo } from './install-toolchains.ts'
import { runToEnd } from './owned-process.ts'
import { serveOnPort, type LocalServer } from './serve-on-port.ts'

const VERSION = '1.8.0'

/** What the servers of S3, SQS and KMS here take as credentials; only versitygw checks them. */
export const TEST_CREDENTIALS = { accessKeyId: 'toriki-test', secretAccessKey: 'toriki-test-secret' } as const

/**
 * An S3 server of our own on 127.0.0.1, over an empty folder: Versity's gateway, which knows conditional writes, checksums and versions. Built from source on first
 * use (about a minute on two free cores, four when they are busy).
 */
export async function startVersitygw(): Promise<LocalServer> {
  const program = await installVersitygw()
  return await serveOnPort('versitygw', (port, folder) => {
    const [data, versions] = [join(folder, 'data'), join(folder, 'versions')]
    for (const path of [data, versions]) mkdirSync(path, { recursive: true })
    return {
      program,
      args: ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', '--versioning-dir', versions, data],
      env: { ROOT_ACCESS_KEY: TEST_CREDENTIALS.accessKeyId, ROOT_SECRET_KEY: TEST_CREDENTIALS.secretAccessKey },
    }
  })
}

function installVersitygw(): Promise<string> {
  return cached(join('programs', `versitygw-${VERSION}`), async (unfinished) => {
    const go = await ensureGo()
    const folder = `${unfinished}.folder`
    mkdirSync(folder, { recursive: true })
    // One package at a time and with low priority: other tests run beside it.
    const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? folder, GOBIN: folder, GOFLAGS: '-p=1' }
    const source = `github.com/versity/versitygw/cmd/versitygw@v${VERSION}`
    await runToEnd('nice', [go, 'install', source], { env: { ...env, ...proxyOf('GO') }, timeoutMs: 1_200_000 })
    await runToEnd('mv', [join(folder, 'versitygw'), unfinished])
    await runToEnd('rm', ['-r', folder])
  })
}

/** The variables of this machine that say where modules come from. */
function proxyOf(prefix: string): Record<string, string> {
  const wanted = new RegExp(
    `^(${prefix}PROXY|${prefix}SUMDB|${prefix}NOSUMDB|${prefix}PRIVATE|https?_proxy|no_proxy)$`,
    'i',
  )
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      wanted.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  )
}
