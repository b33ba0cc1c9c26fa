/**
 * A home on a file system where every call takes a millisecond: a first backup and an unchanged one. What was stored is restored (on a quick file system) and compared, so that nobody is quick by reading
 * less.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeHome } from '../../kit/made-homes/profiles.ts'
import { ensureRsync } from '../../kit/servers/install.ts'
import { removeFolder } from '../../kit/servers/owned-process.ts'
import { mustBeEqual } from '../engine/compare-trees.ts'
import { ensureTime, measureCommand, runCommand } from '../engine/measure-process.ts'
import type { Measure } from '../engine/measure-process.ts'
import { settled } from '../engine/settled.ts'
import { torikiTool } from '../engine/toriki.ts'
import { scratchIn } from '../scratch.ts'
import { markdownTable, median } from '../table.ts'
import { delayedCommand, delayLibrary, readDelayed } from './delayed.ts'
import type { Delayed } from './delayed.ts'

export interface DelayWish {
  readonly files: number
  readonly delayMs: number
  /** Also calls that a client usually answers itself. */
  readonly every: boolean
  readonly repetitions: number
  readonly data: string
  readonly settles: boolean
  readonly say: (line: string) => void
}

type Run = Measure & Delayed
interface Runs {
  readonly first: Run[]
  readonly unchanged: Run[]
}

const FIRST_FILES_PER_SECOND = 10_000
const MILLION_SECONDS = 120

export async function delayBench(wish: DelayWish): Promise<string> {
  await ensureTime()
  await ensureRsync()
  const folder = scratchIn(wish.data)
  const root = join(folder, 'nebari')
  const home = join(root, 'home', 'ann')
  mkdirSync(join(root, 'home'), { recursive: true })
  const runs: Runs = { first: [], unchanged: [] }
  try {
    const library = delayLibrary(folder)
    makeHome({ profile: 'small', out: home, files: wish.files })
    if (wish.settles) await settled(home, wish.say)
    for (let repetition = 1; repetition <= wish.repetitions; repetition++) {
      const own = join(folder, 'own')
      mkdirSync(own)
      const store = { kind: 'folder', folder: join(own, 'store') } as const
      const tool = torikiTool({ root, home, folder: own, store })
      for (const command of tool.init()) await runCommand(command)
      for (const which of ['first', 'unchanged'] as const) {
        const report = join(own, 'delayed')
        const delay = { ms: wish.delayMs, every: wish.every, root }
        const { measure, out } = await measureCommand(delayedCommand(tool.backup(), library, delay, report), own)
        tool.saw?.(out)
        const delayed = readDelayed(report)
        runs[which].push({ ...measure, ...delayed })
        wish.say(`${which}: ${measure.wallSeconds.toFixed(1)} s, ${delayed.calls} calls, ${delayed.atOnce} at once`)
      }
      const into = join(folder, 'restored')
      mkdirSync(into)
      await runCommand(tool.restore(into))
      mustBeEqual(home, tool.restoredHome(into), 'folder')
      for (const path of [into, own]) rmSync(path, { recursive: true })
    }
    return report(wish, runs)
  } finally {
    removeFolder(folder)
  }
}

function report({ files, delayMs, every, repetitions, settles }: DelayWish, runs: Runs): string {
  const of = (list: readonly Run[], pick: (run: Run) => number): number => median(list.map(pick))
  const rows = (['first', 'unchanged'] as const).map((which) => {
    const list = runs[which]
    const wall = of(list, ({ wallSeconds }) => wallSeconds)
    const perSecond = files / wall
    const calls = of(list, (run) => run.calls)
    const million = (wall * 1_000_000) / files
    const verdict =
      which === 'first'
        ? judged(
            perSecond >= FIRST_FILES_PER_SECOND,
            `≥ ${FIRST_FILES_PER_SECOND} files/s`,
            FIRST_FILES_PER_SECOND / perSecond,
          )
        : judged(
            million <= MILLION_SECONDS,
            `a million within ${MILLION_SECONDS} s (${files === 1_000_000 ? 'measured' : 'extrapolated'}: ${million.toFixed(0)} s)`,
            million / MILLION_SECONDS,
          )
    return [
      which === 'unchanged' && !settles ? 'unchanged, but too young to count as such: read again' : which,
      `${wall.toFixed(1)} s`,
      perSecond.toFixed(0),
      `${of(list, ({ cpuSeconds }) => cpuSeconds).toFixed(1)} s`,
      (calls / files).toFixed(2),
      `${((calls * delayMs) / 1000 / wall).toFixed(1)} (${of(list, ({ atOnce }) => atOnce)})`,
      `${of(list, ({ peakMiB }) => peakMiB).toFixed(0)} MiB`,
      verdict,
    ]
  })
  const what = every ? 'every call' : 'every call that a network file system would have to answer'
  return `${files.toLocaleString('en')} files; ${what} takes ${delayMs} ms more; medians of ${repetitions}; equal after restore.\n\n${markdownTable(
    ['run', 'wall', 'files/s', 'CPU', 'calls/file', 'calls at once, mean (most)', 'memory', 'target'],
    rows,
  )}`
}

function judged(isMet: boolean, target: string, factor: number): string {
  return isMet ? `${target}: met` : `${target}: MISSED, ${factor.toFixed(1)}× too slow`
}
