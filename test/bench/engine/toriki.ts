/** Ours, driven as an admin does it: settings in a file, keyring, queue and workers on this machine, `bin/toriki` as it is. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { torikiCommand } from '../toriki-command.ts'
import type { Command } from './measure-process.ts'
import type { BackupTool, Scene, Seen } from './tool.ts'

const USER = 'ann'

export function torikiTool({ root, folder, store }: Scene): BackupTool {
  const settings = (name: string, filesRoot: string): string => {
    const file = join(folder, name)
    const place =
      store.kind === 'folder'
        ? { folder: store.folder }
        : { s3: { bucket: store.bucket, prefix: store.prefix, endpoint: store.endpoint } }
    const document = {
      deployment: 'bench',
      store: place,
      keys: { keyring: join(folder, 'keyring') },
      queue: { sqlite: join(folder, 'queue') },
      // Everything in the home, as the others have it.
      components: { files: { root: filesRoot, home: 'home/{user}', excludeDefaults: false } },
    }
    writeFileSync(file, stringify(document))
    return file
  }
  const live = settings('toriki.yaml', root)
  const toriki = (file: string, ...words: readonly string[]): Command => {
    const [program, ...start] = torikiCommand()
    return { program, args: [...start, '--settings', file, '--json', ...words], folder }
  }
  /** A volume on which nobody has a home yet. */
  const restore = (into: string, ...words: readonly string[]): Command => {
    mkdirSync(join(into, 'home'))
    return toriki(settings('restore.yaml', into), 'restore', '--user', USER, '--yes', ...words)
  }
  return {
    init: () => [toriki(live, 'init')],
    backup: () => toriki(live, 'backup'),
    saw(out): Seen {
      const { outcome, bytes, objects } = JSON.parse(out) as {
        outcome: string
        bytes: { read: number }
        objects: { put: number }
      }
      if (outcome !== 'complete') throw new Error(`toriki backup: ${out}`)
      return { bytesRead: bytes.read, objectsPut: objects.put }
    },
    restore: (into) => restore(into),
    restoreOne: (into, path) => restore(into, '--path', path),
    restoredHome: (into) => join(into, 'home', USER),
    check: () => toriki(live, 'check', '--read-data'),
  }
}
