import type { Command } from './measure-process.ts'
import type { BackupTool, Scene } from './tool.ts'

/** Compressed as the others are; it knows no S3. */
export function borgTool({ home, folder, store }: Scene): BackupTool {
  if (store.kind !== 'folder') throw new Error('borg knows no S3')
  const repository = store.folder
  let archives = 0
  const borg = (at: string, ...words: readonly string[]): Command => ({
    program: 'borg',
    args: words,
    folder: at,
    environment: { BORG_PASSPHRASE: 'bench', BORG_BASE_DIR: folder },
  })
  return {
    init: () => [borg(folder, 'init', '-e', 'repokey', repository)],
    backup: () => borg(home, 'create', '-C', 'zstd,3', `${repository}::${++archives}`, '.'),
    restore: (into) => borg(into, 'extract', `${repository}::${archives}`),
    restoreOne: (into, path) => borg(into, 'extract', `${repository}::${archives}`, path),
    leavesTop: true,
    restoredHome: (into) => into,
    check: () => borg(folder, 'check', '--verify-data', repository),
  }
}
