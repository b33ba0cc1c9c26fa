/**
 * Backup programs side by side over one made home. Each step is a process of its own; in every repetition every step is taken by all of them, in shuffled order, before the next one. What is
 * restored is compared with what was there, each time: who brings back something else has no figure.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { editHome } from '../../kit/made-homes/edit-home.ts'
import { IntegerRandom } from '../../kit/made-homes/integer-random.ts'
import { makeHome } from '../../kit/made-homes/profiles.ts'
import type { HomeWish, MadeHome, Profile } from '../../kit/made-homes/profiles.ts'
import { ensureRsync } from '../../kit/servers/install.ts'
import { removeFolder } from '../../kit/servers/owned-process.ts'
import { scratchIn } from '../scratch.ts'
import { mustBeEqual } from './compare-trees.ts'
import { ensureTime, measureCommand, runCommand } from './measure-process.ts'
import type { Measure } from './measure-process.ts'
import { fileNear } from './one-file.ts'
import { settled } from './settled.ts'
import { openStores } from './store-for.ts'
import type { Stores } from './store-for.ts'
import type { BackupTool, Scene, Seen, StorePlace, ToolName } from './tool.ts'
import { openTool } from './tools-here.ts'
import type { ToolHere } from './tools-here.ts'

export const steps = ['first', 'unchanged', 'changed', 'restore', 'one', 'check'] as const
export type Step = (typeof steps)[number]

export interface EngineWish {
  readonly profile: Profile
  readonly store: 'folder' | 's3'
  readonly tools: readonly ToolHere[]
  readonly repetitions: number
  /** A folder on a file system with room; everything made in it is removed. */
  readonly data: string
  readonly home: Pick<HomeWish, 'seed' | 'sizeBytes' | 'files'>
  /** Wait until files count as unchanged by their change time alone? Without it an unchanged run reads them again. */
  readonly settles: boolean
  readonly say: (line: string) => void
}

export interface EngineResult {
  readonly profile: Profile
  readonly store: 'folder' | 's3'
  readonly repetitions: number
  /** Did files count as unchanged when the unchanged run began? */
  readonly isSettled: boolean
  readonly home: MadeHome
  readonly tools: readonly ToolHere[]
  readonly measures: ReadonlyMap<ToolName, ToolMeasures>
}

export interface ToolMeasures {
  readonly steps: Readonly<Record<Step, readonly Measure[]>>
  /** Whole restores that prove what they wrote, of those to whom that is another command. */
  readonly proven: readonly Measure[]
  /** After the first backup. */
  readonly repositoryBytes: readonly number[]
  /** What our own says of an unchanged run. */
  readonly unchanged: readonly Seen[]
}

const EDIT_PERCENT = 1
interface Running {
  readonly name: ToolName
  readonly tool: BackupTool
  readonly place: StorePlace
}

export async function engineBench(wish: EngineWish): Promise<EngineResult> {
  await ensureTime()
  await ensureRsync()
  const { profile, store, say, data } = wish
  const folder = scratchIn(data)
  const root = join(folder, 'nebari')
  const home = join(root, 'home', 'ann')
  mkdirSync(join(root, 'home'), { recursive: true })
  let stores: Stores | undefined
  try {
    say(`${profile}: makes the home`)
    const made = makeHome({ ...wish.home, profile, out: home })
    stores = await openStores(store, join(folder, 'repositories'))
    const records = new Map(wish.tools.map(({ name }) => [name, new Recorder()]))
    for (let repetition = 1; repetition <= wish.repetitions; repetition++) {
      const say_ = (line: string): void => say(`${profile} on ${store}, ${repetition} of ${wish.repetitions}: ${line}`)
      await repeat({ ...wish, say: say_ }, { folder, root, home, repetition, stores, records })
    }
    return {
      profile,
      store,
      repetitions: wish.repetitions,
      isSettled: wish.settles,
      home: made,
      tools: wish.tools,
      measures: records,
    }
  } finally {
    await stores?.stop()
    removeFolder(folder)
  }
}

class Recorder implements ToolMeasures {
  readonly steps: Record<Step, Measure[]> = { first: [], unchanged: [], changed: [], restore: [], one: [], check: [] }
  readonly proven: Measure[] = []
  readonly repositoryBytes: number[] = []
  readonly unchanged: Seen[] = []
}

interface Place {
  readonly folder: string
  readonly root: string
  readonly home: string
  readonly repetition: number
  readonly stores: Stores
  readonly records: ReadonlyMap<ToolName, Recorder>
}

async function repeat({ tools, say, settles }: EngineWish, place: Place): Promise<void> {
  const { folder, root, home, repetition, stores, records } = place
  const random = new IntegerRandom(repetition)
  const scratch = join(folder, 'tools')
  const running: Running[] = []
  for (const { name } of tools) {
    const own = join(scratch, name)
    mkdirSync(own, { recursive: true })
    const scene: Scene = { root, home, folder: own, store: stores.place(`${name}-${repetition}`) }
    const tool = openTool(name, scene)
    for (const command of tool.init()) await runCommand(command)
    running.push({ name, tool, place: scene.store })
  }
  if (settles) await settled(home, say)
  const everybody = async (step: Step, one: (of: Running, record: Recorder) => Promise<Measure>): Promise<void> => {
    for (const of of shuffled(running, random)) {
      const record = records.get(of.name) as Recorder
      const measure = await one(of, record)
      record.steps[step].push(measure)
      const { wallSeconds, cpuSeconds, peakMiB } = measure
      say(`${step} ${of.name} ${wallSeconds.toFixed(2)} s, CPU ${cpuSeconds.toFixed(2)} s, ${peakMiB.toFixed(0)} MiB`)
    }
  }
  const backUp = async ({ tool }: Running): Promise<{ measure: Measure; seen: Seen | undefined }> => {
    const { measure, out } = await measureCommand(tool.backup(), scratch)
    return { measure, seen: tool.saw?.(out) }
  }
  await everybody('first', async (of, record) => {
    const { measure } = await backUp(of)
    record.repositoryBytes.push(await stores.bytes(of.place))
    return measure
  })
  await everybody('unchanged', async (of, record) => {
    const { measure, seen } = await backUp(of)
    if (seen !== undefined) record.unchanged.push(seen)
    return measure
  })
  editHome({ out: home, seed: repetition, percent: EDIT_PERCENT })
  await everybody('changed', async (of) => (await backUp(of)).measure)
  const into = join(folder, 'restored')
  const restoring = async (action: () => Promise<Measure>): Promise<Measure> => {
    mkdirSync(into)
    try {
      return await action()
    } finally {
      rmSync(into, { recursive: true, force: true })
    }
  }
  await everybody('restore', ({ tool }) =>
    restoring(async () => {
      const { measure } = await measureCommand(tool.restore(into), scratch)
      mustBeEqual(home, tool.restoredHome(into), tool.leavesTop === true ? 'content' : 'folder')
      return measure
    }),
  )
  for (const { name, tool } of shuffled(running, random)) {
    const { restoreProven } = tool
    if (restoreProven === undefined) continue
    const measure = await restoring(async () => (await measureCommand(restoreProven(into), scratch)).measure)
    records.get(name)?.proven.push(measure)
  }
  const path = fileNear(home)
  await everybody('one', ({ tool }) =>
    restoring(async () => {
      const { measure } = await measureCommand(tool.restoreOne(into, path), scratch)
      mustBeEqual(join(home, path), tool.restoredOne?.(into, path) ?? join(tool.restoredHome(into), path), 'file')
      return measure
    }),
  )
  await everybody('check', async ({ tool }) => (await measureCommand(tool.check(), scratch)).measure)
  for (const { place: used } of running) await stores.remove(used)
  rmSync(scratch, { recursive: true, force: true })
}

function shuffled<T>(list: readonly T[], random: IntegerRandom): T[] {
  const left = [...list]
  return Array.from({ length: list.length }, () => left.splice(random.below(left.length), 1)[0] as T)
}
