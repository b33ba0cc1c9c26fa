/**
 * A seed → some nights of a deployment: the production code of a run under disorder, faults and kills, then calm, a look at everything by the
 * independent checker, a replay, and another look. Throws `SimulationFailure` with what is wrong and what happened before.
 */
import { createSecretKey } from 'node:crypto'
import { handle as schedule } from '../../functions/schedule.ts'
import { acceptRun } from '../../lib/backup/accept-run.ts'
import { replayRun } from '../../lib/backup/replay-run.ts'
import { runReport } from '../../lib/backup/run-report.ts'
import type { Alarm, Service } from '../../lib/backup/service.ts'
import { settleRun } from '../../lib/backup/settle-run.ts'
import { TorikiError } from '../../lib/errors.ts'
import type { Fault, FaultCall, FaultPlan } from '../../lib/platform/fault.ts'
import { memoryKey } from '../../lib/platform/key-service/memory.ts'
import type { MemoryKey } from '../../lib/platform/key-service/memory.ts'
import { MemoryObjectStore } from '../../lib/platform/object-store/memory.ts'
import { refuseSecondPut } from '../../lib/platform/object-store/refuse-second-put.ts'
import { MemoryQueues } from '../../lib/platform/queue/memory.ts'
import type { Random } from '../../lib/platform/random.ts'
import type { RunReport } from '../../lib/runs/outcome.ts'
import { createDeployment, openDeployment } from '../../lib/repository/deployment-repository.ts'
import { sealJson } from '../../lib/repository/sealed-json.ts'
import type { SliceName } from '../../lib/resources/slice.ts'
import { memoryPlatform } from '../kit/memory-platform.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { checkStore } from './checker/check-store.ts'
import type { CheckedStore } from './checker/check-store.ts'
import { base32, sliceSecrets } from './checker/keys.ts'
import { unwrapLocally } from './checker/local-wrapping.ts'
import { platformFaults, troubleSource, WRITES } from './faults.ts'
import type { FaultBudget, SourceTrouble } from './faults.ts'
import { Fleet } from './fleet.ts'
import type { Ground, SimulatedProcess } from './process.ts'
import {
  checkCondemned,
  checkPeople,
  checkRecoveryPoint,
  checkReport,
  checkSuspicion,
  checkTruth,
  checkWholeness,
  coveringOf,
  slicesOf,
} from './promises.ts'
import type { History } from './promises.ts'
import { checkLocked, checkReader } from './reader.ts'
import { Scheduler } from './scheduler.ts'
import { NAMED, PLANTED, sourceNames, World } from './world.ts'
import type { SourceName } from './world.ts'

export interface SimulationOptions {
  readonly nights?: number
  /** Nothing goes wrong, and everything comes in order. */
  readonly calm?: boolean
  /** Homes are divided and read in ranges, by several at once. */
  readonly ranged?: boolean
  /** A small house: a worker, shared state and three people; on the second night one has changed and one is poisoned, and this write is the last of its process. */
  readonly small?: { readonly write: number; readonly when: 'before' | 'after' }
}

export interface Simulated {
  readonly store: MemoryObjectStore
  readonly key: MemoryKey
  readonly ground: Ground
  readonly service: () => Promise<Service>
  readonly drive: <T>(work: Promise<T>) => Promise<T>
  /** Keys that were asked to be created although something was there. */
  readonly refused: readonly string[]
  readonly counts: {
    readonly steps: number
    readonly kills: number
    readonly faults: number
    readonly snapshots: number
    readonly failures: number
    readonly suspects: number
    readonly writes: number
  }
}

export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure'
}

export async function simulate(seed: number | string, options: SimulationOptions = {}): Promise<Simulated> {
  const simulation = new Simulation(seed, options)
  try {
    return await simulation.run()
  } catch (error) {
    const what =
      error instanceof Error
        ? error instanceof SimulationFailure
          ? error.message
          : (error.stack ?? error.message)
        : String(error)
    const tail = simulation.scheduler.trace.slice(-TRACE_LINES).join('\n')
    throw new SimulationFailure(
      `seed ${seed}: ${what}\n\nAlone: TORIKI_SEED=${seed} npm test -- test/simulation\n\nLast steps:\n${tail}`,
    )
  }
}

/** How a seed likes it. */
interface Manner {
  readonly processes: number
  readonly workers: number
  readonly batchMax: number
  readonly faultShare: number
  readonly heavySource: boolean
  readonly shortTime: boolean
  readonly churn: boolean
  readonly jumps: boolean
  /** Prune condemns packs while backups run. */
  readonly prune: boolean
  /** How often the queue delivers what was deleted. */
  readonly againShare: number
}

/** So many last steps are shown of a failing seed. */
const TRACE_LINES = 80
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const NO_TROUBLE: SourceTrouble = { permanent: new Set(), down: new Set() }
const LONG_MS = 900_000

class Simulation {
  readonly scheduler: Scheduler
  readonly #random: Random
  readonly #calm: boolean
  readonly #nights: number
  readonly #manner: Manner
  readonly #store: MemoryObjectStore
  readonly #refusing: ReturnType<typeof refuseSecondPut>
  readonly #ground: Ground
  readonly #world: World
  readonly #history: History = new Map()
  readonly #scanned = new Set<string>()
  readonly #budget: FaultBudget = { faults: 0, kills: 0, outage: undefined }
  readonly #small: SimulationOptions['small']
  readonly #counts = { faults: 0, snapshots: 0, failures: 0, suspects: 0, writes: 0 }
  readonly #fleet: Fleet
  #quietFaults = true
  #people = 0
  #deploymentId = ''
  #nightsBegun = 0
  readonly #emptied: (() => void)[] = []

  constructor(seed: number | string, { nights, calm = false, small, ranged = false }: SimulationOptions) {
    const random = (this.#random = seededRandom(`simulation ${seed}`))
    this.#calm = calm
    this.#small = small
    this.#nights = nights ?? (this.#draw(3) === 0 ? 2 : 3)
    const share = (of: number): boolean => !calm && random.fraction() < of
    this.#manner = {
      processes: share(0.5) ? 2 : 1,
      workers: small ? 1 : calm ? 2 : 1 + this.#draw(3),
      batchMax: share(0.3) ? 4 : 1,
      faultShare: calm ? 0 : share(0.15) ? 0 : 0.002 + random.fraction() ** 3 * 0.08,
      heavySource: share(0.3),
      shortTime: share(0.4),
      // Ranges are not all read at one time: what changes between them is as nobody ever saw it whole.
      churn: share(0.25) && !ranged,
      jumps: share(0.2),
      prune: share(0.4),
      againShare: share(0.4) ? 0.3 : 0,
    }
    this.scheduler = new Scheduler('2026-03-01T02:00:00Z', {
      random,
      disorder: calm ? 0 : random.fraction(),
      hurry: share(0.3) ? 0.01 : 0,
      callMsMax: calm ? 1 : share(0.3) ? 500 : 30,
      onStep: () => this.#onStep(),
    })
    const clock = this.scheduler.clockOf(this)
    const limits = {
      parallel: 1 + this.#draw(3),
      attempts: 3 + this.#draw(2),
      shrink: 0.3,
      visibilityMs: 10 * MINUTE_MS,
      rpoMs: 1.5 * DAY_MS,
    }
    this.#store = new MemoryObjectStore({ clock })
    this.#refusing = refuseSecondPut(this.#store, 'object-exists')
    this.#world = new World(random)
    this.#world.ranged = ranged
    this.#ground = {
      scheduler: this.scheduler,
      world: this.#world,
      store: this.#refusing,
      queues: new MemoryQueues({ clock, random, receivesMax: limits.attempts, shuffle: !calm }),
      key: memoryKey(random),
      limits,
      said: [],
      alarms: [] as Alarm[],
      counted: [],
      sent: [],
      deleted: [],
      looks: new Map(),
      unwrapped: new Set(),
      createdAt: new Map(),
      planned: new Set(),
    }
    const { processes, workers, batchMax, againShare, shortTime } = this.#manner
    this.#fleet = new Fleet(this.#ground, {
      processes,
      workers,
      batchMax,
      againShare,
      random,
      // The handler keeps a minute for its checkpoint.
      remainingMs: () =>
        shortTime && !this.#quietFaults && this.#draw(4) > 0 ? MINUTE_MS + this.#draw(1200) : LONG_MS,
      plan: () => this.#plan(),
      onQuiet: () => {
        this.#quietFaults = true
        this.#writing = false
      },
    })
  }

  async run(): Promise<Simulated> {
    this.#populate()
    const setup = memoryPlatform({
      clock: this.scheduler.clockOf(this),
      random: this.#random,
      store: this.#store,
      queues: this.#ground.queues,
      key: this.#ground.key,
    })
    this.#deploymentId = (await createDeployment(setup, { name: 'campus', settings: { deployment: 'campus' } })).id
    for (let night = 1; night <= this.#nights; night++) {
      this.scheduler.note(`--- night ${night}`)
      await this.#night(night)
      this.scheduler.jump(DAY_MS - 2 * MINUTE_MS * this.#draw(60))
    }
    await this.#lookAtAll()
    const { steps } = this.scheduler
    return {
      store: this.#store,
      key: this.#ground.key,
      ground: this.#ground,
      service: () => this.#calmly((service) => Promise.resolve(service)),
      drive: (work) => this.scheduler.drive(work),
      refused: this.#refusing.refused,
      counts: { steps, kills: this.#fleet.kills, ...this.#counts },
    }
  }

  /** At the end, the production reader sees what the checker does, and nobody without the right sees content. */
  async #lookAtAll(): Promise<void> {
    const objects = this.#objects()
    const { slices } = checkStore({ objects, unwrap: unwrapLocally(this.#ground.key) })
    const platform = memoryPlatform({
      clock: this.scheduler.clockOf(this),
      random: this.#random,
      store: this.#store,
      queues: this.#ground.queues,
      key: this.#ground.key,
    })
    const wrong = await checkReader(await openDeployment(platform, { name: 'campus' }), slices)
    const locked = await this.#calmly((service) =>
      checkLocked(service.repository, slices, objects, this.#ground.unwrapped),
    )
    if (wrong.length + locked.length > 0) throw new SimulationFailure([...wrong, ...locked].slice(0, 10).join('\n'))
  }

  #objects(): Map<string, Buffer> {
    return new Map(this.#store.keys().map((path) => [path, this.#store.peek(path) as Buffer]))
  }

  #populate(): void {
    const world = this.#world
    world.set(
      'keycloak',
      'shared',
      new Map([['realm', { state: { realm: 'nebari', mark: NAMED }, secrets: { smtp: `${PLANTED} smtp` } }]]),
    )
    world.set(
      'files',
      `group/${NAMED}lab`,
      new Map([
        ['home', { state: {} }],
        [`${NAMED}data`, { state: {}, content: [Buffer.from(`${PLANTED} data`)] }],
      ]),
    )
    const users = this.#small ? 3 : 3 + this.#draw(3)
    for (let user = 0; user < users; user++)
      world.addUser(
        this.#newName(),
        user === 0 && !this.#small && (this.#draw(2) === 0 || this.#manner.shortTime) ? 'large' : 'small',
      )
  }

  #newName(): string {
    const kind = ['ann', 'bob@example.org', 'Ünal', 'c.d-e'][this.#people % 4] as string
    return `${NAMED}${kind}${++this.#people}`
  }

  async #night(night: number): Promise<void> {
    const random = this.#random
    const world = this.#world
    const restore = night === 1 || this.#small ? [] : this.#changeSource()
    world.forgetVersions()
    const trouble = this.#small
      ? this.#poison(night)
      : this.#calm
        ? NO_TROUBLE
        : troubleSource(world, random, this.#manner.heavySource)
    const before = this.#lastRun
    this.#nightsBegun++
    this.#openBudget()
    const trigger = await this.#trigger(night)
    const { run } = trigger
    if (run === before) throw new SimulationFailure(`the night's trigger was refused because of ${run}`)
    if (this.#small && night === 1) {
      this.#lastRun = run
      return
    }
    const report = await this.#inspect(run, before, { hindered: trouble, replayed: false })
    this.#counts.failures += report.failures.length
    this.#counts.suspects += report.slices.suspect
    await this.#mend(run, before, trouble, report)
    // An emptied source is so for one night or two: the second is as suspect as the first.
    if (this.#draw(2) === 0) for (const bring of this.#emptied.splice(0)) bring()
    this.#emptied.push(...restore)
    if (this.#draw(3) === 0) for (const bring of this.#emptied.splice(0)) bring()
    this.#lastRun = run
  }

  #lastRun: string | undefined
  #writing = false

  /** The small house: on the second night one person has changed, and one home cannot be read. */
  #poison(night: number): SourceTrouble {
    if (night === 1) return NO_TROUBLE
    const [first, second] = [...this.#world.slices.files.keys()].filter((slice) => slice.startsWith('user/')) as [
      SliceName,
      SliceName,
    ]
    this.#world.change('files', first)
    this.#world.fault = (source, operation, slice) =>
      source === 'files' && operation === 'read' && slice === second
        ? { error: new TorikiError('home-unreadable') }
        : undefined
    this.#writing = true
    return { permanent: new Set([`files ${second}` as const]), down: new Set() }
  }

  /** Counts writes, and ends the process at the one that was asked for. */
  #killAtWrite(call: FaultCall): Fault | undefined {
    if (!this.#writing || this.#small === undefined || !WRITES.has(call.operation)) return undefined
    return this.#counts.writes++ === this.#small.write ? { kind: `kill-${this.#small.when}` } : undefined
  }

  /** Replays: first what may pass while the rest is still broken, then all of it. Then nothing is left to replay. */
  async #mend(run: string, before: string | undefined, trouble: SourceTrouble, report: RunReport): Promise<void> {
    let last = report
    if (report.failures.length > 0 && trouble.permanent.size + trouble.down.size > 0) {
      // What failed only so often has passed by now; what is broken stays so.
      this.#world.fault = (source, _operation, slice) => this.#stillBroken(trouble, source, slice)
      await this.#replay(run)
      last = await this.#inspect(run, before, { hindered: trouble, replayed: true })
    }
    this.#world.fault = () => undefined
    if (last.failures.length > 0) {
      const replayed = await this.#replay(run)
      if (replayed.length !== new Set(last.failures.map(({ slice }) => slice)).size)
        throw new SimulationFailure(`replay sent ${replayed.length} slices of ${last.failures.length} failures`)
      last = await this.#inspect(run, before, { hindered: undefined, replayed: true })
    }
    if (last.outcome === 'cancelled') return
    if (last.slices.suspect > 0 && this.#draw(2) === 0) {
      await this.#calmly((service) => acceptRun(service, { run }))
      last = await this.#inspect(run, before, { hindered: undefined, replayed: true })
      if (last.slices.suspect > 0) throw new SimulationFailure(`${run} is accepted and still suspect`)
    }
    const keys = this.#store.keys().length
    const again = await this.#replay(run)
    if (again.length > 0 || this.#store.keys().length !== keys)
      throw new SimulationFailure(
        `a replay of ${run}, which is whole, wrote ${this.#store.keys().length - keys} objects and sent ${again.length} slices`,
      )
  }

  #stillBroken(
    { permanent, down }: SourceTrouble,
    source: SourceName,
    slice: SliceName | undefined,
  ): ReturnType<World['fault']> {
    if (!down.has(source) && (slice === undefined || !permanent.has(`${source} ${slice}`))) return undefined
    return { error: new Error(`still broken for ${NAMED}somebody`) }
  }

  async #replay(run: string): Promise<readonly string[]> {
    const { replayed } = await this.#calmly((service) => replayRun(service, { run }))
    await this.scheduler.drive(this.#fleet.untilQuiet())
    return replayed
  }

  /** People come, go and change; sometimes a source is emptied for a night. Gives what brings it back. */
  #changeSource(): (() => void)[] {
    const world = this.#world
    const users = [...world.slices.keycloak.keys()].filter((slice) => slice.startsWith('user/'))
    const some = (): SliceName => users[this.#draw(users.length)] as SliceName
    for (const source of sourceNames) if (this.#draw(3) > 0) world.change(source, some())
    if (this.#draw(3) === 0) world.addUser(this.#newName())
    if (this.#draw(4) === 0) world.handOn(some())
    if (this.#draw(6) === 0 && users.length > 3) world.removeUser(some())
    if (this.#draw(4) === 0) world.change('files', `group/${NAMED}lab`)
    if (!this.#calm && this.#draw(4) === 0) return [world.empty(this.#draw(2) === 0 ? 'files' : 'keycloak')]
    return []
  }

  #openBudget(): void {
    const { faultShare, jumps } = this.#manner
    if (faultShare === 0 || this.#small) return
    this.#quietFaults = false
    const nowMs = this.scheduler.nowMs
    this.#budget.faults = 40
    this.#budget.kills = this.#draw(8)
    const fromMs = nowMs + this.#draw(5 * MINUTE_MS)
    const ports = ['object-store', 'queue', 'key-service'] as const
    this.#budget.outage =
      this.#draw(5) > 0
        ? undefined
        : { port: ports[this.#draw(3)] as (typeof ports)[number], fromMs, untilMs: fromMs + this.#draw(20 * MINUTE_MS) }
    this.#jumpAt = jumps ? this.scheduler.steps + this.#draw(1500) : undefined
    this.#killAllAt = this.#draw(4) === 0 ? this.scheduler.steps + this.#draw(1500) : undefined
  }

  #jumpAt: number | undefined
  #killAllAt: number | undefined
  #churnAt: number | undefined

  #onStep(): void {
    const { steps } = this.scheduler
    if (this.#jumpAt !== undefined && steps >= this.#jumpAt) {
      this.#jumpAt = undefined
      this.scheduler.jump(this.#draw(14 * 60) * MINUTE_MS)
    }
    if (this.#killAllAt !== undefined && steps >= this.#killAllAt && !this.#quietFaults) {
      this.#killAllAt = undefined
      this.#fleet.killAll()
    }
    if (this.#churnAt !== undefined && steps >= this.#churnAt && !this.#quietFaults) {
      this.#churnAt = undefined
      const slices = [...this.#world.slices.files.keys()]
      this.#world.change('files', slices[this.#draw(slices.length)] as SliceName)
    }
  }

  /** Prune's first phase, for a pack of this slice. Deletes nothing. */
  #condemn(sliceId: string): void {
    const packs = this.#store
      .keys()
      .filter((path) => /\/(packs|trees)\//.test(path) && path.startsWith(`slices/${sliceId}/`))
    const pack = (packs[this.#draw(packs.length)] ?? '').split('/')[3]
    const keys = this.#store.peek(`keys/${sliceId}/1`)
    if (pack === undefined || keys === undefined) return
    const path = `slices/${sliceId}/condemned/${base32(this.#random.bytes(16))}`
    const { treeKey } = sliceSecrets(keys, unwrapLocally(this.#ground.key), this.#deploymentId, sliceId)
    const document = { since: new Date(this.scheduler.nowMs).toISOString(), packs: [pack], snapshots: [] }
    this.#store.replace(
      path,
      sealJson({ parentKey: createSecretKey(treeKey), kind: 'condemned', path, random: this.#random }, document),
    )
    this.scheduler.note(`condemned ${pack} of ${sliceId}`)
  }

  /** The night's trigger, delivered once, or twice at once, and again until it is answered; then everything until nothing is left to do. */
  async #trigger(night: number): Promise<{ readonly run: string }> {
    const time = new Date(this.scheduler.nowMs).toISOString()
    const byRule = this.#draw(2) === 0
    const event = byRule ? { 'detail-type': 'Scheduled Event', source: 'aws.events', time } : {}
    const deliver = async (): Promise<string> => {
      const owner = {}
      const clock = this.scheduler.clockOf(owner)
      for (;;) {
        const process = this.#fleet.some()
        try {
          const answer = await Promise.race([this.#invoke(process, event, night), this.#death(process, clock)])
          if (answer === 'dead') continue
          if ('refused' in answer) return answer.run
          if ('run' in answer) return answer.run
          throw new SimulationFailure('the trigger was answered with a preview')
        } catch (error) {
          if (error instanceof SimulationFailure) throw error
          // As the host of a function does: an invocation that failed is tried again.
          this.scheduler.note(`the trigger failed: ${String((error as { code?: unknown }).code ?? error)}`)
        }
        await clock.sleep(MINUTE_MS)
      }
    }
    const all = (async () => {
      const runs = await Promise.all(Array.from({ length: this.#calm || this.#draw(2) === 0 ? 1 : 2 }, deliver))
      if (new Set(runs).size !== 1)
        throw new SimulationFailure(`two deliveries of one trigger gave ${runs.join(' and ')}`)
      this.#byHand(runs[0] as string)
      return { run: runs[0] as string }
    })()
    this.#churnAt = this.#manner.churn && !this.#manner.shortTime ? this.scheduler.steps + this.#draw(800) : undefined
    return await this.scheduler.drive(this.#fleet.untilQuiet(all))
  }

  async #invoke(
    process: SimulatedProcess,
    event: object,
    night: number,
  ): Promise<Awaited<ReturnType<typeof schedule>>> {
    const service = await process.service()
    return await schedule(service, event, { ...process.invocation(), awsRequestId: `night ${night}` })
  }

  async #death(process: SimulatedProcess, clock: { sleep(ms: number): Promise<void> }): Promise<'dead'> {
    while (!process.dead) await clock.sleep(10_000)
    return 'dead'
  }

  /** Messages that nobody should send, but people and queues do. */
  #byHand(run: string): void {
    if (this.#calm) return
    const queue = this.#ground.queues.queue('backup-slice')
    const again = queue.bodies().filter(() => this.#draw(4) === 0)
    if (again.length > 0) void queue.send(again.map((body) => ({ body })))
    if (this.#draw(10) === 0) void queue.send([{ body: 'what is this' }])
    if (this.#draw(10) === 0)
      void this.#ground.queues.queue('replay-run').send([{ body: JSON.stringify({ v: 1, kind: 'replay-run', run }) }])
  }

  #plan(): FaultPlan {
    const { faultShare } = this.#manner
    const note = (line: string): void => {
      this.#counts.faults++
      this.scheduler.note(line)
    }
    const faults = platformFaults(this.#random, faultShare, this.#budget, () => this.scheduler.nowMs, note)
    return (call) => {
      if (this.#small) return this.#killAtWrite(call)
      if (this.#quietFaults) return undefined
      // While a worker is between its two looks.
      const [, sliceId] = /^slices\/([^/]+)\/(packs|trees|index)\//.exec(call.subject) ?? []
      // Where many functions work on one slice, each reads all that is condemned: then it comes seldomer.
      const seldom = this.#world.ranged ? 15 : 3
      if (this.#manner.prune && sliceId !== undefined && this.#draw(seldom) === 0) this.#condemn(sliceId)
      return faults(call)
    }
  }

  async #calmly<T>(work: (service: Service) => Promise<T>): Promise<T> {
    return await this.#fleet.calmly((process) => process.service().then(work))
  }

  /** Everything there is to hold against the promises. */
  async #inspect(
    run: string,
    before: string | undefined,
    { hindered, replayed }: { readonly hindered: SourceTrouble | undefined; readonly replayed: boolean },
  ): Promise<RunReport> {
    const settled = this.#store.keys().some((path) => path.startsWith(`runs/${run}/summaries/`))
    await this.#calmly((service) => settleRun(service, { run }))
    const report = await this.#calmly((service) => runReport(service, run))
    const objects = this.#objects()
    const store = checkStore({ objects, unwrap: unwrapLocally(this.#ground.key) })
    this.#counts.snapshots = store.slices.reduce((sum, { snapshots }) => sum + snapshots.length, 0)
    const mayFail = (slice: SliceName): boolean => {
      if (!replayed && !this.#calm) return true
      if (hindered === undefined) return false
      return coveringOf(slice).some(
        (source) => hindered.down.has(source) || hindered.permanent.has(`${source} ${slice}`),
      )
    }
    const wrong = [
      ...(settled ? [] : [`${run} ended and its ticks did not settle it`]),
      ...checkRecoveryPoint(store, run, {
        counted: this.#ground.counted.findLast(([name]) => name === 'PeopleBeyondRpo')?.[1],
        nowMs: this.scheduler.nowMs,
        rpoMs: this.#ground.limits.rpoMs ?? 0,
      }),
      ...this.#ground.alarms
        .filter(({ alarm }) => alarm === 'no-backup')
        .map(({ run: open }) => `a missing backup is told because of ${open}`),
      ...checkWholeness(store, objects, this.#history),
      ...checkTruth(store, run, this.#world),
      ...checkSuspicion(store, run),
      ...checkPeople(store),
      ...checkCondemned(store, this.#ground.looks),
      ...checkReport(store, report, { members: this.#members(store, run, before), mayFail }),
      ...this.#checkRuns(store),
      ...this.#checkSecrecy(objects),
    ]
    if (wrong.length > 0) throw new SimulationFailure(wrong.slice(0, 10).join('\n'))
    return report
  }

  /** Who must be in the run: all whom a source lists, and whom one that could not be listed gave the run before. */
  #members(store: CheckedStore, run: string, before: string | undefined): ReadonlySet<string> {
    const { sources: listings } = store.records.get(`runs/${run}/run`) as {
      sources: Record<string, { unreachable?: string }>
    }
    const members = new Set<string>(['shared'])
    for (const source of sourceNames) {
      if (listings[source]?.unreachable === undefined)
        for (const slice of this.#world.slices[source].keys()) members.add(slice)
      else if (before !== undefined)
        for (const { slice, known } of slicesOf(store, before)) if (known.includes(source)) members.add(slice)
    }
    return members
  }

  #checkRuns(store: CheckedStore): string[] {
    // Two deliveries that did not see each other may open two; one of them cancels its own.
    const runs = [...store.records.keys()].filter(
      (path) => /^runs\/[^/]+\/run$/.test(path) && !store.records.has(path.replace(/run$/, 'cancelled')),
    )
    return runs.length === this.#nightsBegun ? [] : [`${runs.length} runs in ${this.#nightsBegun} nights`]
  }

  #checkSecrecy(objects: ReadonlyMap<string, Buffer>): string[] {
    const wrong: string[] = []
    for (const [path, bytes] of objects) {
      if (this.#scanned.has(path)) continue
      this.#scanned.add(path)
      if (path.includes(NAMED)) wrong.push(`${path} bears a name`)
      for (const mark of [NAMED, PLANTED]) if (bytes.includes(mark)) wrong.push(`${path} holds ${mark} in clear`)
    }
    for (const line of this.#ground.said)
      for (const mark of [NAMED, PLANTED])
        if (line.includes(mark)) wrong.push(`the log or an alarm says ${mark}: ${line}`)
    for (const body of this.#ground.sent) if (body.includes(PLANTED)) wrong.push(`a message holds a secret: ${body}`)
    this.#ground.said.length = 0
    this.#ground.sent.length = 0
    return wrong
  }

  #draw(below: number): number {
    return Math.floor(this.#random.fraction() * below)
  }
}
