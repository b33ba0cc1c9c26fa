/** Which of the backup programs this machine has. */
import { execFileSync } from 'node:child_process'
import manifest from '../../../package.json' with { type: 'json' }
import { isOnPath } from '../../kit/servers/install.ts'
import { TEST_CREDENTIALS } from '../../kit/servers/versitygw.ts'
import { borgTool } from './borg.ts'
import { kopiaTool } from './kopia.ts'
import { resticTool } from './restic.ts'
import { toolNames } from './tool.ts'
import type { BackupTool, Scene, ToolName } from './tool.ts'
import { torikiTool } from './toriki.ts'

export interface ToolHere {
  readonly name: ToolName
  readonly version: string
}

export interface ToolsFound {
  /** Ours first. */
  readonly here: readonly ToolHere[]
  /** Asked for and not on this machine, or of no use on this store. */
  readonly missing: readonly { readonly name: ToolName; readonly reason: string }[]
}

export function findTools(wanted: readonly ToolName[], store: 'folder' | 's3'): ToolsFound {
  const here: ToolHere[] = []
  const missing: { name: ToolName; reason: string }[] = []
  for (const name of toolNames) {
    if (!wanted.includes(name)) continue
    const program = name === 'kopia-zstd' ? 'kopia' : name
    if (name === 'toriki') here.push({ name, version: `toriki ${manifest.version}` })
    else if (!isOnPath(program)) missing.push({ name, reason: 'not on this machine' })
    else if (name === 'borg' && store === 's3') missing.push({ name, reason: 'it knows no S3' })
    else here.push({ name, version: versionOf(program) })
  }
  return { here, missing }
}

export function openTool(name: ToolName, scene: Scene): BackupTool {
  switch (name) {
    case 'toriki':
      return torikiTool(scene)
    case 'restic':
      return resticTool(scene, TEST_CREDENTIALS)
    case 'borg':
      return borgTool(scene)
    case 'kopia':
      return kopiaTool(scene, TEST_CREDENTIALS, false)
    case 'kopia-zstd':
      return kopiaTool(scene, TEST_CREDENTIALS, true)
  }
}

function versionOf(program: string): string {
  const text = execFileSync(program, [program === 'restic' ? 'version' : '--version'], { encoding: 'utf8' })
  return text.split('\n')[0]?.replace(/ compiled with.*/, '') ?? program
}
