import { join } from 'node:path'
import { cached, cacheFolder } from './cache-folder.ts'
import { ensurePython, pipInstall } from './install-toolchains.ts'
import { runToEnd } from './owned-process.ts'
import { serveOnPort, type LocalServer } from './serve-on-port.ts'

const VERSION = '5.2.5'

/**
 * A server of many AWS services on 127.0.0.1, empty, in memory: moto. For KMS, and as second opinion on S3 and SQS. It cannot say everything: a disabled key goes on
 * working, and a wrong checksum is taken.
 */
export async function startMoto(): Promise<LocalServer> {
  const folder = await installMoto()
  return await serveOnPort('moto', (port) => ({
    program: join(folder, 'bin', 'python'),
    args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
  }))
}

/** A virtual environment cannot be moved, so it is made at its place; a small file of the cache says that it is whole. */
async function installMoto(): Promise<string> {
  const folder = join(cacheFolder(), `moto-${VERSION}`)
  await cached(`moto-${VERSION}.installed`, async (unfinished) => {
    const python = await ensurePython()
    await runToEnd(python, ['-m', 'venv', '--clear', folder])
    await pipInstall(folder, `moto[server,s3,sqs,kms]==${VERSION}`)
    await runToEnd('touch', [unfinished])
  })
  return folder
}
