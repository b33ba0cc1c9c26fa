/** One home through everything that is done with homes, each step `bin/toriki` as a process of its own, and how much memory each took. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ensureTime, measureCommand, runCommand } from '../../bench/engine/measure-process.ts'
import { torikiTool } from '../../bench/engine/toriki.ts'

export interface WalkedThrough {
  readonly restored: string
  /** Of the step that took most. */
  readonly peakMiB: number
}

export interface Home {
  /** Where homes lie: `<root>/home/ann` is the one. */
  readonly root: string
  readonly folder: string
}

/** The home, empty: to be filled before `walkThrough`. */
export function homeIn(folder: string): Home & { readonly home: string } {
  const root = join(folder, 'nebari')
  const home = join(root, 'home', 'ann')
  mkdirSync(home, { recursive: true })
  return { folder, root, home }
}

/** Backed up, backed up again, checked whole, restored to a place where there is nothing. `tell` hears of each step. @throws what a step printed that does not end well. */
export async function walkThrough({ folder, root }: Home, tell: (line: string) => void): Promise<WalkedThrough> {
  await ensureTime()
  const store = { kind: 'folder', folder: join(folder, 'store') } as const
  const tool = torikiTool({ root, home: join(root, 'home', 'ann'), folder, store })
  for (const command of tool.init()) await runCommand(command)
  const into = join(folder, 'back')
  mkdirSync(into)
  let peakMiB = 0
  for (const [step, command] of [
    ['first', () => tool.backup()],
    ['unchanged', () => tool.backup()],
    ['check', () => tool.check()],
    ['restore', () => tool.restore(into)],
  ] as const) {
    const { measure, out } = await measureCommand(command(), folder)
    if (step === 'first' || step === 'unchanged') tool.saw?.(out)
    const { wallSeconds, cpuSeconds } = measure
    tell(`${step}: ${wallSeconds.toFixed(1)} s, CPU ${cpuSeconds.toFixed(1)} s, ${measure.peakMiB.toFixed(0)} MiB`)
    peakMiB = Math.max(peakMiB, measure.peakMiB)
  }
  return { restored: tool.restoredHome(into), peakMiB }
}
