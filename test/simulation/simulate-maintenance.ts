/**
 * A seed → some nights of one history: a backup, and beside it prune, compact, forget and check, each a process of its own, every call of the store in a seeded order, with kills at writes and time that
 * jumps. After each night everything is looked at, by the independent checker too; in the end two prunes must leave nothing dead. Throws `MaintenanceFailure` with what is wrong and what happened before.
 */
import { setImmediate } from 'node:timers/promises'
import { isTorikiError } from '../../lib/errors.ts'
import { silentLog } from '../../lib/log.ts'
import { memoryKey } from '../../lib/platform/key-service/memory.ts'
import { MemoryObjectStore } from '../../lib/platform/object-store/memory.ts'
import type { ObjectStore } from '../../lib/platform/object-store/port.ts'
import type { Random } from '../../lib/platform/random.ts'
import { createDeployment, openDeployment } from '../../lib/repository/deployment-repository.ts'
import { Notes } from '../../lib/repository/notes.ts'
import type { Access, SliceRepository } from '../../lib/repository/repository.ts'
import { memoryPlatform } from '../kit/memory-platform.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { expected, openForReading, readBack, resourcesOf } from '../kit/slice-source.ts'
import type { Things } from '../kit/slice-source.ts'
import { checkStore } from './checker/check-store.ts'
import { unwrapLocally } from './checker/local-wrapping.ts'
import { Scheduler } from './scheduler.ts'

export interface MaintenanceOptions {
  /** A night after three, in which everything runs at once; this write is the last of its process. Nothing else goes wrong. */
  readonly small?: { readonly write: number; readonly when: 'before' | 'after' }
}

export interface MaintenanceCounts {
  readonly writes: number
  readonly kills: number
  readonly snapshots: number
  readonly deleted: number
  readonly repacked: number
}

export class MaintenanceFailure extends Error {
  override readonly name = 'MaintenanceFailure'
}

const ANN = 'user/ann'
const HOUR_MS = 3_600_000
const TRACE_LINES = 60
/** Of these a tree is too long for a snapshot. */
const FILES = 130
const STATE = '.'.repeat(260)
/** A backup that was killed or came too late is tried again. */
const TRIES_MAX = 12

export async function simulateMaintenance(
  seed: number | string,
  options: MaintenanceOptions = {},
): Promise<MaintenanceCounts> {
  const simulation = new Simulation(seed, options)
  try {
    return await simulation.run()
  } catch (error) {
    const what = error instanceof MaintenanceFailure ? error.message : (error as Error).stack
    const tail = simulation.scheduler.trace.slice(-TRACE_LINES).join('\n')
    throw new MaintenanceFailure(
      `seed ${seed} ${JSON.stringify(options)}: ${what}\n\nAlone: TORIKI_SEED=${seed} npm test -- test/simulation/maintenance\n\nLast steps:\n${tail}`,
    )
  }
}

/** One process: after its death nothing that it waits for comes. */
interface Actor {
  readonly name: string
  dead: boolean
  readonly die: () => void
  readonly died: Promise<'killed'>
}

class Simulation {
  readonly scheduler: Scheduler
  readonly #random: Random
  readonly #small: MaintenanceOptions['small']
  readonly #store: MemoryObjectStore
  readonly #key
  readonly #counts = { writes: 0, kills: 0, snapshots: 0, deleted: 0, repacked: 0 }
  readonly #openRuns = new Set<string>()
  /** What each snapshot was when it was committed. */
  readonly #truth = new Map<string, Things>()
  /** Asked to be forgotten, whether or not that was done. */
  readonly #asked = new Set<string>()
  #kills = 0
  #counting = false
  #things: Things = {}

  constructor(seed: number | string, { small }: MaintenanceOptions) {
    this.#random = seededRandom(`maintenance ${seed}`)
    this.#small = small
    this.scheduler = new Scheduler('2026-01-01T02:00:00Z', {
      random: this.#random,
      disorder: small ? 0.3 : this.#random.fraction(),
      hurry: 0.1,
      callMsMax: 1000,
      onStep: () => this.#onStep(),
    })
    this.#store = new MemoryObjectStore({ clock: this.scheduler.clockOf({}) })
    this.#key = memoryKey(this.#random)
  }

  async run(): Promise<MaintenanceCounts> {
    await createDeployment(this.#platform(this.#store), { name: 'campus', settings: {} })
    const nights = this.#small ? 4 : 3 + this.#draw(4)
    for (let night = 1; night <= nights; night++) {
      this.#things = this.#change(night)
      this.#kills = this.#small ? 0 : this.#draw(5)
      this.#counting = this.#small !== undefined && night === nights
      const beside = this.#small ? (night === nights ? kinds : []) : this.#drawn()
      const late = this.#small ? this.#oldest() : this.#someToForget()
      const run = `2026010${night}T020000000Z-full-0123456789`
      const all = Promise.all([
        this.#backup(run),
        ...beside.map((kind) => this.#operate(kind, late)),
        ...(this.#small && night === 2 ? [this.#operate('forget', late)] : []),
        ...(this.#small && night === 3 ? [this.#operate('prune', [])] : []),
      ])
      await this.scheduler.drive(all)
      this.#counting = false
      this.#kills = 0
      await this.#inspect(`night ${night}`)
      this.scheduler.jump((this.#small || this.#draw(4) > 0 ? 25 : 20) * HOUR_MS)
    }
    await this.#atRest()
    return this.#counts
  }

  #platform(store: ObjectStore, actor: object = {}): Parameters<typeof createDeployment>[0] {
    const clock = this.scheduler.clockOf(actor)
    const platform = memoryPlatform({ clock, random: this.#random, key: this.#key, log: silentLog })
    return { ...platform, store, keyStore: store }
  }

  /** Files come, go and change; some nights bring back what was there before, whose chunks may be dead by now. */
  #change(night: number): Things {
    const things = new Map(Object.entries(this.#things))
    const isSmall = !this.#small && this.#draw(5) === 0
    for (let file = 0; file < FILES; file++) {
      const name = `f${String(file).padStart(3, '0')}`
      if (isSmall && file > 3) things.delete(name)
      else if (this.#small ? night === 1 || file % 2 === 0 : this.#draw(3) === 0 || things.size < FILES / 2)
        things.set(name, { state: `${STATE}${file}`, content: `${this.#small ? night : this.#draw(3)} ${file}` })
    }
    return Object.fromEntries(things)
  }

  #drawn(): readonly Kind[] {
    return Array.from({ length: this.#draw(5) }, () => kinds[this.#draw(kinds.length)] as Kind)
  }

  #oldest(): readonly string[] {
    return [...this.#truth.keys()].filter((id) => !this.#asked.has(id)).slice(0, 1)
  }

  /** Never the newest. */
  #someToForget(): readonly string[] {
    return [...this.#truth.keys()].slice(0, -1).filter((id) => !this.#asked.has(id) && this.#draw(2) === 0)
  }

  async #backup(run: string): Promise<void> {
    this.#openRuns.add(run)
    for (let part = 0, tries = 1; ; tries++) {
      if (tries > TRIES_MAX) throw new MaintenanceFailure(`${run} was tried ${TRIES_MAX} times`)
      const ended = await this.#process(`backup ${run} part ${part}`, async (open) => {
        const ann = await open('write')
        const stop = new AbortController()
        const capture = await ann.capture({ run, part, signal: stop.signal })
        const stopAt = this.#small ? undefined : [undefined, undefined, this.#draw(FILES)][this.#draw(3)]
        try {
          if (capture.finished['files'] === undefined)
            await capture.store('files', stopping(this.#things, capture.resume?.after, stopAt, stop), {
              notes: new Notes(),
            })
        } catch (error) {
          if (!stop.signal.aborted) throw error
          return (await capture.checkpoint()) === 'kept' ? 'goes on' : 'again'
        }
        const { snapshot } = await capture.commit([])
        this.#truth.set(snapshot.id, this.#things)
        return 'committed'
      })
      if (ended === 'goes on') part++
      // Killed behind its commit, nobody heard of the snapshot.
      if (ended !== 'committed' && !(await this.#isCommitted(run))) continue
      this.#openRuns.delete(run)
      return
    }
  }

  async #isCommitted(run: string): Promise<boolean> {
    const [id] = this.#store
      .keys()
      .filter((key) => key.includes(`/snapshots/${run}.`))
      .map((key) => key.split('/').at(-1) ?? '')
    if (id !== undefined) this.#truth.set(id, this.#things)
    return id !== undefined
  }

  async #operate(kind: Kind, forgotten: readonly string[]): Promise<void> {
    const signal = new AbortController().signal
    const isRunOpen = (run: string): Promise<boolean> => Promise.resolve(this.#openRuns.has(run))
    await this.#process(kind, async (open) => {
      const ann = await open(kind === 'compact' || kind === 'check' ? 'read-content' : 'read-trees').catch(
        () => undefined, // there are no keys yet
      )
      if (ann === undefined) return 'nothing'
      if (kind === 'forget') {
        for (const id of forgotten) this.#asked.add(id)
        await ann.forget(forgotten)
      } else if (kind === 'prune') {
        const { deleted } = await ann.prune({ isRunOpen, apply: true, signal })
        this.#counts.deleted += deleted.packs
      } else if (kind === 'compact') {
        const { repacked, damage } = await ann.compact({
          ...{ isRunOpen, apply: true, signal, deadShareMax: 0, deadBytesMin: 1 },
        })
        this.#counts.repacked += repacked.packs
        if (damage.length > 0) throw new MaintenanceFailure(`compact says ${JSON.stringify(damage)}`)
      } else {
        const { damage } = await ann.check({ readData: () => true, signal })
        if (damage.length > 0) throw new MaintenanceFailure(`check says ${JSON.stringify(damage)}`)
      }
      return 'done'
    })
  }

  /** As a host does: what may pass is left to the next delivery. */
  async #process<T extends string>(
    name: string,
    work: (open: (access: Access) => Promise<SliceRepository>) => Promise<T>,
  ): Promise<T | 'killed' | 'failed'> {
    const actor = this.#actor(name)
    const open = async (access: Access): Promise<SliceRepository> => {
      const deployment = await openDeployment(this.#platform(this.#gated(actor), actor), { name: 'campus' })
      const slice = await deployment.openSlice(ANN, { access })
      if (slice === undefined) throw new Error('there is no history')
      return slice
    }
    const working = work(open).catch((error: unknown): T | 'failed' => {
      if (actor.dead || isTorikiError(error, 'capture-stale')) return 'failed'
      throw error
    })
    return await Promise.race([working, actor.died])
  }

  #actor(name: string): Actor {
    const { promise, resolve } = Promise.withResolvers<'killed'>()
    const actor: Actor = {
      name,
      dead: false,
      died: promise,
      die: () => {
        actor.dead = true
        this.#counts.kills++
        this.scheduler.note(`${name} is killed`)
        this.scheduler.drop(actor)
        resolve('killed')
      },
    }
    return actor
  }

  #gated(actor: Actor): ObjectStore {
    const pass = async (label: string): Promise<void> => {
      if (actor.dead) await new Promise(() => undefined)
      await this.scheduler.pass(actor, `${actor.name}: ${label}`)
    }
    const write = async (label: string, act: () => Promise<void>): Promise<void> => {
      await pass(label)
      const kill = this.#killAtWrite()
      if (kill === 'before') {
        actor.die()
        await new Promise(() => undefined)
      }
      await act()
      if (kill === 'after') {
        actor.die()
        await new Promise(() => undefined)
      }
    }
    const store = this.#store
    return {
      create: async (key, body) => await write(`create ${key}`, () => store.create(key, body)),
      delete: async (key) => await write(`delete ${key}`, () => store.delete(key)),
      get: async (key, options) => (await pass(`get ${key}`), await store.get(key, options)),
      list: async (prefix, options) => (await pass(`list ${prefix}`), await store.list(prefix, options)),
    }
  }

  #killAtWrite(): 'before' | 'after' | undefined {
    if (this.#small) {
      const isIt = this.#counting && this.#counts.writes++ === this.#small.write
      return isIt ? this.#small.when : undefined
    }
    this.#counts.writes++
    if (this.#kills === 0 || this.#draw(12) > 0) return undefined
    this.#kills--
    return this.#draw(2) === 0 ? 'before' : 'after'
  }

  /** Now and then a machine sleeps. */
  #onStep(): void {
    if (!this.#small && this.#draw(800) === 0) this.scheduler.jump(this.#draw(30) * HOUR_MS)
  }

  /** Every snapshot that nobody asked to forget is there and is what it was. */
  async #inspect(when: string): Promise<void> {
    // Whoever was killed in the middle of a request.
    await setImmediate()
    const objects = new Map(this.#store.keys().map((key) => [key, this.#store.peek(key) as Buffer]))
    const maintained = { openRuns: this.#openRuns }
    const checked = checkStore({ objects, unwrap: unwrapLocally(this.#key), maintained })
    // A pack that is gone stands in an index only until the next prune, and a writer knows.
    const wrong = checked.violations.filter(({ what }) => !/^names the pack .*, which is not there$/.test(what))
    if (wrong.length > 0) throw new MaintenanceFailure(`${when}: ${JSON.stringify(wrong.slice(0, 5))}`)
    const deployment = await openDeployment(this.#platform(this.#store), { name: 'campus' })
    const ann = await openForReading(deployment, ANN)
    const shown = new Set<string>()
    for await (const snapshot of ann.snapshots()) {
      shown.add(snapshot.id)
      const things = this.#truth.get(snapshot.id)
      if (things === undefined) throw new MaintenanceFailure(`${when}: ${snapshot.id} was never committed`)
      const found = JSON.stringify(await readBack(ann, snapshot, 'files'))
      if (found !== JSON.stringify(expected(things)))
        throw new MaintenanceFailure(`${when}: ${snapshot.id} is not what it was`)
    }
    for (const id of this.#truth.keys())
      if (!shown.has(id) && !this.#asked.has(id)) throw new MaintenanceFailure(`${when}: ${id} is gone`)
    this.#counts.snapshots = shown.size
  }

  /** Two prunes, a grace time between them: every pack has something that is needed, and nothing else is left. */
  async #atRest(): Promise<void> {
    for (let prune = 0; prune < 2; prune++) {
      this.scheduler.jump(25 * HOUR_MS)
      await this.scheduler.drive(this.#operate('prune', []))
      await this.#inspect(`prune ${prune + 1} of two`)
    }
    const objects = new Map(this.#store.keys().map((key) => [key, this.#store.peek(key) as Buffer]))
    const maintained = { openRuns: this.#openRuns }
    const { slices, violations } = checkStore({ objects, unwrap: unwrapLocally(this.#key), maintained })
    if (violations.length > 0) throw new MaintenanceFailure(`at rest: ${JSON.stringify(violations.slice(0, 5))}`)
    const [slice] = slices
    const needed = new Set(slice?.snapshots.flatMap(({ packed }) => [...packed]))
    const alive = new Set([...needed].flatMap((chunk) => slice?.packsOf.get(chunk) ?? []))
    const named = (folder: RegExp): string[] => [...objects.keys()].filter((key) => folder.test(key))
    const dead = named(/\/(packs|trees)\//).filter((key) => !alive.has(key.split('/').at(-1) ?? ''))
    const left = [...dead, ...named(/\/(condemned|checkpoints)\//)]
    if (left.length > 0) throw new MaintenanceFailure(`two prunes left ${left.join(', ')}`)
  }

  #draw(below: number): number {
    return Math.floor(this.#random.fraction() * below)
  }
}

const kinds = ['prune', 'compact', 'forget', 'check'] as const
type Kind = (typeof kinds)[number]

/** Whose time ends after so many resources. */
async function* stopping(
  things: Things,
  after: Buffer | undefined,
  stopAt: number | undefined,
  stop: AbortController,
): ReturnType<typeof resourcesOf> {
  let at = 0
  for await (const resource of resourcesOf(things, after)) {
    if (at++ === stopAt) stop.abort(new Error('time is over'))
    yield resource
  }
}
