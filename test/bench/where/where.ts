/** Where our own time goes, step by step: for whoever wants to make it shorter. Profiling costs some, so these are no figures. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { editHome } from '../../kit/made-homes/edit-home.ts'
import { makeHome } from '../../kit/made-homes/profiles.ts'
import type { HomeWish } from '../../kit/made-homes/profiles.ts'
import { removeFolder } from '../../kit/servers/owned-process.ts'
import { steps } from '../engine/engine.ts'
import type { Step } from '../engine/engine.ts'
import { ensureTime, measureCommand, runCommand } from '../engine/measure-process.ts'
import type { Command } from '../engine/measure-process.ts'
import { fileNear } from '../engine/one-file.ts'
import { settled } from '../engine/settled.ts'
import { torikiTool } from '../engine/toriki.ts'
import { scratchIn } from '../scratch.ts'
import { markdownTable } from '../table.ts'
import { selfTimes } from './self-times.ts'

export interface WhereWish {
  readonly home: Omit<HomeWish, 'out'>
  readonly data: string
  readonly settles: boolean
  readonly by: 'file' | 'function'
  readonly say: (line: string) => void
}

const ROWS = 15

export async function where(wish: WhereWish): Promise<string> {
  await ensureTime()
  const folder = scratchIn(wish.data)
  const root = join(folder, 'nebari')
  const home = join(root, 'home', 'ann')
  mkdirSync(join(root, 'home'), { recursive: true })
  try {
    makeHome({ ...wish.home, out: home })
    if (wish.settles) await settled(home, wish.say)
    const tool = torikiTool({ root, home, folder, store: { kind: 'folder', folder: join(folder, 'store') } })
    for (const command of tool.init()) await runCommand(command)
    const into = (): string => {
      const path = join(folder, 'restored')
      rmSync(path, { recursive: true, force: true })
      mkdirSync(path)
      return path
    }
    const commands: Readonly<Record<Step, () => Command>> = {
      first: () => tool.backup(),
      unchanged: () => tool.backup(),
      changed() {
        editHome({ out: home, seed: 1, percent: 1 })
        return tool.backup()
      },
      restore: () => tool.restore(into()),
      one: () => tool.restoreOne(into(), fileNear(home)),
      check: () => tool.check(),
    }
    let text = ''
    for (const step of steps) {
      wish.say(step)
      text += await profiled(step, commands[step](), folder, wish.by)
    }
    return text
  } finally {
    removeFolder(folder)
  }
}

async function profiled(step: Step, command: Command, folder: string, by: WhereWish['by']): Promise<string> {
  const profiles = join(folder, `profiles-${step}`)
  mkdirSync(profiles)
  const environment = { ...command.environment, NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` }
  const { measure } = await measureCommand({ ...command, environment }, folder)
  const times = selfTimes(profiles, by)
  const total = times.reduce((sum, { ms }) => sum + ms, 0)
  const rows = times
    .slice(0, ROWS)
    .map(({ place, ms }) => [place, ms.toFixed(0), `${((100 * ms) / total).toFixed(0)} %`])
  const heading = `${step}: ${measure.wallSeconds.toFixed(2)} s, CPU ${measure.cpuSeconds.toFixed(2)} s`
  return `### ${heading}\n\n${markdownTable(['place', 'ms', 'share'], rows)}\n`
}
