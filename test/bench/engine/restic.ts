import { join } from 'node:path'
import type { Command } from './measure-process.ts'
import type { BackupTool, Credentials, Scene } from './tool.ts'

/** With its own defaults (compression `auto`), and a cache of its own. */
export function resticTool({ home, folder, store }: Scene, credentials: Credentials): BackupTool {
  const repository = store.kind === 'folder' ? store.folder : `s3:${store.endpoint}/${store.bucket}/${store.prefix}`
  const environment = {
    RESTIC_PASSWORD: 'bench',
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  }
  const restic = (...words: readonly string[]): Command => ({
    program: 'restic',
    args: ['-q', '-r', repository, '--cache-dir', join(folder, 'cache'), ...words],
    environment,
  })
  return {
    init: () => [restic('init')],
    backup: () => restic('backup', home),
    restore: (into) => restic('restore', 'latest', '--target', into),
    restoreProven: (into) => restic('restore', 'latest', '--target', into, '--verify'),
    restoreOne: (into, path) => restic('restore', 'latest', '--target', into, '--include', join(home, path)),
    restoredHome: (into) => join(into, home),
    check: () => restic('check', '--read-data'),
  }
}
