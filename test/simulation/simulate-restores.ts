/**
 * A seed → a deployment that is backed up, damaged, and restored under disorder, faults and kills, while people work in it, a backup runs, and another restore wants the same. After each
 * restore the independent checker looks at everything; what could not be taken back is acknowledged, and restored once more in calm.
 */
import { handle as schedule } from '../../functions/schedule.ts'
import { acknowledgeSlice } from '../../lib/restore/restore-slice.ts'
import { applyRequested, beginApply } from '../../lib/restore/apply-restore.ts'
import { beginPlan, planRequested } from '../../lib/restore/plan-restore.ts'
import type { RestoreWish } from '../../lib/restore/restore-wish.ts'
import { finishPlan } from '../../lib/restore/root-plan.ts'
import { restoreReport } from '../../lib/restore/restore-report.ts'
import type { RestoreService } from '../../lib/restore/service.ts'
import type { Fault, FaultCall, FaultPlan } from '../../lib/platform/fault.ts'
import { memoryKey } from '../../lib/platform/key-service/memory.ts'
import { MemoryObjectStore } from '../../lib/platform/object-store/memory.ts'
import { refuseSecondPut } from '../../lib/platform/object-store/refuse-second-put.ts'
import { MemoryQueues } from '../../lib/platform/queue/memory.ts'
import type { Random } from '../../lib/platform/random.ts'
import { createDeployment } from '../../lib/repository/deployment-repository.ts'
import type { SliceName } from '../../lib/resources/slice.ts'
import { memoryPlatform } from '../kit/memory-platform.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { checkStore } from './checker/check-store.ts'
import type { CheckedStore } from './checker/check-store.ts'
import { unwrapLocally } from './checker/local-wrapping.ts'
import { platformFaults, WRITES } from './faults.ts'
import type { FaultBudget } from './faults.ts'
import { Fleet } from './fleet.ts'
import type { Ground, SimulatedProcess } from './process.ts'
import { checkWholeness, coveringOf } from './promises.ts'
import type { History } from './promises.ts'
import { checkMeanwhile, checkPlanned, checkRestore, restoredSlices } from './restore-promises.ts'
import { Scheduler } from './scheduler.ts'
import { SimulationFailure } from './simulate.ts'
import { damage, populate, troubleTarget, workSomewhere } from './target-trouble.ts'
import { NAMED, PLANTED, World } from './world.ts'

export interface RestoreSimulationOptions {
  readonly rounds?: number
  /** Nothing goes wrong, and everything comes in order. */
  readonly calm?: boolean
  /** A small house without disorder, in which this write of the restore is the last of its process. */
  readonly small?: { readonly write: number; readonly when: 'before' | 'after' }
}

export interface SimulatedRestores {
  readonly counts: {
    readonly steps: number
    readonly kills: number
    readonly faults: number
    readonly writes: number
    readonly verified: number
    readonly undone: number
    readonly refused: number
    readonly undoFailed: number
    readonly backups: number
  }
  /** Everything that was ever written, as text: two runs of one seed are the same. */
  readonly keys: readonly string[]
}

export async function simulateRestores(
  seed: number | string,
  options: RestoreSimulationOptions = {},
): Promise<SimulatedRestores> {
  const simulation = new RestoreSimulation(seed, options)
  try {
    return await simulation.run()
  } catch (error) {
    const what =
      error instanceof SimulationFailure || !(error instanceof Error) ? String(error) : (error.stack ?? error.message)
    const tail = simulation.scheduler.trace.slice(-TRACE_LINES).join('\n')
    throw new SimulationFailure(
      `seed ${seed}: ${what}\n\nAlone: TORIKI_SEED=${seed} npm test -- test/simulation/restores\n\nLast steps:\n${tail}`,
    )
  }
}

/** So many last steps are shown of a failing seed. */
const TRACE_LINES = 120
const MINUTE_MS = 60_000
const LONG_MS = 900_000

class RestoreSimulation {
  readonly scheduler: Scheduler
  readonly #random: Random
  readonly #calm: boolean
  readonly #rounds: number
  readonly #small: RestoreSimulationOptions['small']
  readonly #faultShare: number
  readonly #store: MemoryObjectStore
  readonly #ground: Ground
  readonly #world: World
  readonly #fleet: Fleet
  readonly #history: History = new Map()
  readonly #budget: FaultBudget = { faults: 0, kills: 0, outage: undefined }
  readonly #counts = { faults: 0, writes: 0, verified: 0, undone: 0, refused: 0, undoFailed: 0, backups: 0 }
  #quiet = true
  #nights = 0
  /** Steps at which something comes in between. */
  #worksAt: number[] = []
  #killsAllAt: number | undefined
  #touched: readonly SliceName[] = []

  constructor(seed: number | string, { rounds, calm = false, small }: RestoreSimulationOptions) {
    const random = (this.#random = seededRandom(`restores ${seed}`))
    this.#calm = calm
    this.#small = small
    this.#rounds = rounds ?? 2
    const share = (of: number): boolean => !calm && random.fraction() < of
    this.#faultShare = calm ? 0 : share(0.2) ? 0 : 0.002 + random.fraction() ** 3 * 0.06
    this.scheduler = new Scheduler('2026-03-01T02:00:00Z', {
      random,
      disorder: calm ? 0 : random.fraction(),
      hurry: share(0.3) ? 0.01 : 0,
      callMsMax: calm ? 1 : share(0.3) ? 500 : 30,
      onStep: (step) => this.#onStep(step),
    })
    const clock = this.scheduler.clockOf(this)
    const limits = { parallel: 1 + this.#draw(3), attempts: 3 + this.#draw(2), shrink: 1, visibilityMs: 10 * MINUTE_MS }
    this.#store = new MemoryObjectStore({ clock })
    this.#world = new World(random)
    this.#world.nowMs = () => this.scheduler.nowMs
    this.#ground = {
      scheduler: this.scheduler,
      world: this.#world,
      store: refuseSecondPut(this.#store, 'object-exists'),
      queues: new MemoryQueues({ clock, random, receivesMax: limits.attempts, shuffle: !calm }),
      key: memoryKey(random),
      limits,
      said: [],
      alarms: [],
      counted: [],
      sent: [],
      deleted: [],
      looks: new Map(),
      unwrapped: new Set(),
      createdAt: new Map(),
      planned: new Set(),
    }
    this.#fleet = new Fleet(this.#ground, {
      processes: share(0.6) ? 2 : 1,
      workers: calm ? 1 : 1 + this.#draw(2),
      batchMax: 1,
      againShare: 0,
      random,
      remainingMs: () => LONG_MS,
      plan: () => this.#plan(),
      onQuiet: () => void (this.#quiet = true),
    })
  }

  async run(): Promise<SimulatedRestores> {
    populate(this.#world, this.#random, this.#small === undefined ? 2 + this.#draw(3) : 2)
    const { key, queues } = this.#ground
    const setup = memoryPlatform({
      clock: this.scheduler.clockOf(this),
      random: this.#random,
      store: this.#store,
      queues,
      key,
    })
    await createDeployment(setup, { name: 'campus', settings: { deployment: 'campus' } })
    await this.#backUp()
    for (let round = 1; round <= this.#rounds; round++) {
      this.scheduler.note(`--- round ${round}`)
      await this.#round(round)
      this.scheduler.jump(60 * MINUTE_MS)
    }
    const { steps } = this.scheduler
    return { counts: { steps, kills: this.#fleet.kills, ...this.#counts }, keys: this.#store.keys() }
  }

  async #round(round: number): Promise<void> {
    if (!this.#calm && this.#draw(3) === 0) await this.#backUp()
    const slices = this.#storedSlices()
    damage(this.#world, this.#random, slices)
    this.#touched = slices
    const wishes = [this.#wish(slices), ...(!this.#calm && this.#draw(4) === 0 ? [this.#wish(slices)] : [])]
    if (!this.#calm) troubleTarget(this.#world, this.#random, slices)
    this.#openBudget()
    const meanwhile = !this.#calm && this.#draw(3) === 0 ? [this.#trigger()] : []
    const all = Promise.all([...wishes.map((wish, at) => this.#restore(wish, `${round}.${at}`)), ...meanwhile])
    const done = await this.scheduler.drive(this.#fleet.untilQuiet(all))
    const restores = done.filter((one) => one !== undefined)
    for (const [at, restore] of restores.entries()) await this.#inspect(restore, wishes[at] ?? { slices: [] })
    this.#world.fault = () => undefined
    this.#world.refuse = () => undefined
    this.#world.forgets = () => false
    this.#world.cannot = () => false
    for (const restore of restores) await this.#acknowledge(restore)
    await this.#restoreInCalm(slices, restores)
  }

  #storedSlices(): SliceName[] {
    return [...this.#nightly]
  }
  /** Slices of which something is stored. */
  readonly #nightly = new Set<SliceName>()

  #wish(slices: readonly SliceName[]): RestoreWish {
    const some = this.#calm || this.#draw(2) === 0 ? slices : slices.filter(() => this.#draw(2) === 0)
    const chosen = some.length === 0 ? slices : some
    return {
      slices: [...chosen].sort(() => this.#draw(3) - 1),
      inPlace: this.#calm || this.#draw(3) > 0,
      deleteExtra: this.#calm || this.#draw(2) === 0,
      ...(!this.#calm && this.#draw(5) === 0 ? { components: ['files' as const] } : {}),
    }
  }

  /** The whole walk of one restore, by whatever processes there are. Gives its id once everything has ended. */
  async #restore(wish: RestoreWish, cause: string): Promise<string | undefined> {
    const components = wish.components
    const slices = (wish.slices ?? []).filter(
      (slice) => components === undefined || coveringOf(slice).some((one) => components.includes(one)),
    )
    if (slices.length === 0) return undefined
    const { restore } = await this.#insist(async (service) => await beginPlan(service, { ...wish, slices }, cause))
    await Promise.all(
      this.#deliveries(slices).map((slice) =>
        this.#insist(async (service, _attempt, process) => {
          await process.plan(() => planRequested(service, { restore, slice }, NEVER))
        }),
      ),
    )
    await this.#insist(async (service, _attempt, process) => await process.plan(() => finishPlan(service, restore)))
    if (!this.#calm) for (let some = this.#draw(3); some > 0; some--) this.#somebodyWorks()
    await this.#insist((service) => beginApply(service, restore))
    await Promise.all(
      this.#deliveries(slices).map((slice) =>
        this.#insist((service, attempt) => applyRequested(service, { restore, slice, attempt, signal: NEVER })),
      ),
    )
    return restore
  }

  /** In any order, some of them twice. */
  #deliveries(slices: readonly SliceName[]): SliceName[] {
    if (this.#calm) return [...slices]
    return [...slices, ...slices.filter(() => this.#draw(2) === 0)].sort(() => this.#draw(3) - 1)
  }

  /** As a queue and its host do: delivered again until it is done, to whatever process there is. */
  async #insist<T>(
    act: (service: RestoreService, attempt: number, process: SimulatedProcess) => Promise<T>,
  ): Promise<T> {
    const clock = this.scheduler.clockOf({})
    for (let attempt = 1; ;) {
      const process = this.#fleet.some()
      try {
        const work = process.restoreService().then((service) => act(service, attempt, process))
        const answer = await Promise.race([work.then((value) => ({ value })), this.#death(process)])
        if (answer !== 'dead') return answer.value
        attempt++
      } catch (error) {
        const code = String((error as { code?: unknown }).code ?? error)
        this.scheduler.note(`a delivery failed: ${code}`)
        // Who waits for others uses up none of his own tries.
        if (code !== 'restore-waits') attempt++
      }
      await clock.sleep(this.#draw(2 * MINUTE_MS))
    }
  }

  async #death(process: SimulatedProcess): Promise<'dead'> {
    const clock = this.scheduler.clockOf({})
    while (!process.dead) await clock.sleep(10_000)
    return 'dead'
  }

  async #inspect(restore: string, { deleteExtra = false }: RestoreWish): Promise<void> {
    const store = this.#look()
    const report = await this.#fleet.calmly((process) =>
      process.restoreService().then((service) => restoreReport(service, restore)),
    )
    const { slices } = report
    const wrong = [
      ...checkRestore(store, this.#ground, restore, { deleteExtra }),
      ...(report.open || slices.pending > 0 ? [`${restore} is open`] : []),
      ...(slices.verified + slices.undone + slices.refused + slices.undoFailed === slices.total
        ? []
        : [`${restore} does not add up`]),
      ...restoredSlices(store, this.#ground, restore).flatMap(({ slice, steps, written, plan: { counts } }) => {
        const ended = steps.at(-1)?.step.step
        const touched = new Set(written.map(({ source, text }) => `${source} ${text}`)).size
        const planned = counts.create + counts.update + counts.delete
        // Somebody else may have made what was planned.
        return ended === 'verified' && touched > planned
          ? [`${restore} touched ${touched} things of ${slice}, and planned ${planned}`]
          : []
      }),
    ]
    this.#fail(wrong)
    this.#counts.verified += slices.verified
    this.#counts.undone += slices.undone
    this.#counts.refused += slices.refused
    this.#counts.undoFailed += slices.undoFailed
  }

  /** What could not be taken back keeps everybody else off, until a person has seen it. */
  async #acknowledge(restore: string): Promise<void> {
    const failed = restoredSlices(this.#look(), this.#ground, restore).filter(
      ({ steps }) => steps.at(-1)?.step.step === 'undo-failed',
    )
    for (const { slice, sliceId } of failed) {
      const [other] = await this.#calmly([slice], `of ${slice}, which is kept by ${restore}`)
      const keeping = other?.steps.at(-1)?.step
      if (keeping?.step !== 'refused' || keeping.code !== 'restore-busy')
        this.#fail([`${slice} was not taken back by ${restore}, and another restore is ${String(keeping?.step)}`])
      await this.#fleet.calmly((process) =>
        process.restoreService().then((service) => acknowledgeSlice(service, { restore, sliceId })),
      )
    }
  }

  /** Now that nothing hinders, everything comes back; then there is nothing left to do. */
  async #restoreInCalm(slices: readonly SliceName[], before: readonly string[]): Promise<void> {
    for (const time of ['first', 'second'] as const) {
      for (const { slice, steps, plan, restore } of await this.#calmly(
        slices,
        `the ${time} time after ${before.join()}`,
      )) {
        const last = steps.at(-1)?.step
        if (last?.step !== 'verified')
          this.#fail([`in calm, ${restore} ended ${String(last?.step)} ${String(last?.code)} in ${slice}`])
        const { counts } = plan
        if (time === 'second' && counts.create + counts.update + counts.delete > 0)
          this.#fail([`${restore} plans ${JSON.stringify(counts)} in ${slice}, which was restored just before`])
      }
    }
  }

  async #calmly(slices: readonly SliceName[], cause: string): Promise<ReturnType<typeof restoredSlices>> {
    const restore = await this.#fleet.calmly(async (process) => {
      const service = await process.restoreService()
      const wish = { slices, inPlace: true, deleteExtra: true }
      const { restore: id } = await beginPlan(service, wish, cause)
      for (const slice of slices) await process.plan(() => planRequested(service, { restore: id, slice }, NEVER))
      await beginApply(service, id)
      for (const slice of [...slices].sort((a, b) => Number(b === 'shared') - Number(a === 'shared')))
        await applyRequested(service, { restore: id, slice, attempt: this.#ground.limits.attempts, signal: NEVER })
      return id
    })
    const store = this.#look()
    this.#fail(checkRestore(store, this.#ground, restore, { deleteExtra: true }))
    return restoredSlices(store, this.#ground, restore)
  }

  /** The store as the independent checker sees it, which finds nothing wrong. */
  #look(): CheckedStore {
    const objects = new Map(this.#store.keys().map((path) => [path, this.#store.peek(path) as Buffer]))
    const store = checkStore({ objects, unwrap: unwrapLocally(this.#ground.key) })
    this.#fail([
      ...checkWholeness(store, objects, this.#history),
      ...checkPlanned(this.#ground),
      ...checkMeanwhile(store, this.#ground),
      ...this.#checkSecrecy(objects),
    ])
    return store
  }

  readonly #scanned = new Set<string>()

  #checkSecrecy(objects: ReadonlyMap<string, Buffer>): string[] {
    const wrong: string[] = []
    for (const [path, bytes] of objects) {
      if (this.#scanned.has(path)) continue
      this.#scanned.add(path)
      if (path.includes(NAMED)) wrong.push(`${path} bears a name`)
      for (const mark of [NAMED, PLANTED]) if (bytes.includes(mark)) wrong.push(`${path} holds ${mark} in clear`)
    }
    for (const line of this.#ground.said.splice(0))
      for (const mark of [NAMED, PLANTED]) if (line.includes(mark)) wrong.push(`the log says ${mark}: ${line}`)
    for (const body of this.#ground.sent.splice(0)) if (body.includes(PLANTED)) wrong.push(`a message holds a secret`)
    return wrong
  }

  #fail(wrong: readonly string[]): void {
    if (wrong.length > 0) throw new SimulationFailure(wrong.slice(0, 10).join('\n'))
  }

  async #backUp(): Promise<void> {
    await this.scheduler.drive(this.#fleet.untilQuiet(this.#trigger()))
    for (const source of ['keycloak', 'files'] as const)
      for (const slice of this.#world.slices[source].keys()) this.#nightly.add(slice)
  }

  async #trigger(): Promise<undefined> {
    const night = ++this.#nights
    this.#counts.backups++
    const clock = this.scheduler.clockOf({})
    for (;;) {
      const process = this.#fleet.some()
      try {
        const work = process.service().then((service) => {
          const invocation = { ...process.invocation(), awsRequestId: `night ${night}` }
          return schedule(service, {}, invocation)
        })
        if ((await Promise.race([work, this.#death(process)])) !== 'dead') return undefined
      } catch (error) {
        this.scheduler.note(`the trigger failed: ${String((error as { code?: unknown }).code ?? error)}`)
      }
      await clock.sleep(MINUTE_MS)
    }
  }

  #openBudget(): void {
    if (this.#small !== undefined) this.#quiet = false
    if (this.#faultShare === 0) return
    this.#quiet = false
    const { steps, nowMs } = this.scheduler
    this.#budget.faults = 30
    this.#budget.kills = this.#draw(6)
    const fromMs = nowMs + this.#draw(3 * MINUTE_MS)
    const ports = ['object-store', 'live-system', 'key-service'] as const
    this.#budget.outage =
      this.#draw(5) > 0
        ? undefined
        : { port: ports[this.#draw(3)] as (typeof ports)[number], fromMs, untilMs: fromMs + this.#draw(10 * MINUTE_MS) }
    this.#killsAllAt = this.#draw(3) === 0 ? steps + this.#draw(1500) : undefined
    this.#worksAt = Array.from({ length: this.#draw(6) }, () => steps + this.#draw(1500)).sort((a, b) => a - b)
  }

  #onStep(step: number): void {
    if (this.#quiet) return
    if (this.#killsAllAt !== undefined && step >= this.#killsAllAt) {
      this.#killsAllAt = undefined
      this.#fleet.killAll()
    }
    while ((this.#worksAt[0] ?? Number.POSITIVE_INFINITY) <= step) {
      this.#worksAt.shift()
      this.#somebodyWorks()
    }
  }

  #somebodyWorks(): void {
    this.scheduler.note(`somebody works: ${workSomewhere(this.#world, this.#random, this.#touched)}`)
  }

  #plan(): FaultPlan {
    const note = (line: string): void => {
      this.#counts.faults++
      this.scheduler.note(line)
    }
    const faults = platformFaults(this.#random, this.#faultShare, this.#budget, () => this.scheduler.nowMs, note)
    return (call) => {
      if (this.#quiet) return undefined
      return this.#small === undefined ? faults(call) : this.#killAtWrite(call)
    }
  }

  /** Counts writes, and ends the process at the one that was asked for. */
  #killAtWrite(call: FaultCall): Fault | undefined {
    if (this.#small === undefined || !WRITES.has(call.operation)) return undefined
    return this.#counts.writes++ === this.#small.write ? { kind: `kill-${this.#small.when}` } : undefined
  }

  #draw(below: number): number {
    return Math.floor(this.#random.fraction() * below)
  }
}

const NEVER = new AbortController().signal
