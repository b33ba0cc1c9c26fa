import { join } from 'node:path'
import type { Command } from './measure-process.ts'
import type { BackupTool, Credentials, Scene } from './tool.ts'

/** Without compression, which is its default, or with zstd. */
export function kopiaTool(
  { home, folder, store }: Scene,
  { accessKeyId, secretAccessKey }: Credentials,
  isCompressed: boolean,
): BackupTool {
  const kopia = (...words: readonly string[]): Command => ({
    program: 'kopia',
    args: [
      '--config-file',
      join(folder, 'config'),
      '--no-progress',
      '--log-level=error',
      '--log-dir',
      join(folder, 'log'),
      ...words,
    ],
    environment: { KOPIA_PASSWORD: 'bench', KOPIA_CHECK_FOR_UPDATES: 'false' },
  })
  const cache = ['--cache-directory', join(folder, 'cache')]
  let root = ''
  return {
    init() {
      const place =
        store.kind === 'folder'
          ? ['filesystem', '--path', store.folder]
          : [
              ...['s3', '--bucket', store.bucket, '--prefix', `${store.prefix}/`, '--disable-tls'],
              ...['--endpoint', new URL(store.endpoint).host],
              ...['--access-key', accessKeyId, '--secret-access-key', secretAccessKey],
            ]
      const create = kopia('repository', 'create', ...place, ...cache)
      return isCompressed ? [create, kopia('policy', 'set', '--global', '--compression=zstd')] : [create]
    },
    backup: () => kopia('snapshot', 'create', '--json', home),
    saw(out) {
      root = (JSON.parse(out) as { rootEntry: { obj: string } }).rootEntry.obj
      return undefined
    },
    restore: (into) => kopia('snapshot', 'restore', root, into),
    restoreOne: (into, path) => kopia('snapshot', 'restore', `${root}/${path}`, join(into, 'one')),
    restoredHome: (into) => into,
    restoredOne: (into) => join(into, 'one'),
    check: () => kopia('snapshot', 'verify', '--verify-files-percent=100'),
  }
}
