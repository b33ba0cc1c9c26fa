/**
 * One process of the service: the production functions over the shared store and queues, with faults of its own, workers that do what an event source
 * does, and caches that end with it.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { handle as backupSlice } from '../../functions/backup-slice.ts'
import { handle as deadLetter } from '../../functions/dead-letter.ts'
import { handle as replayRun } from '../../functions/replay-run.ts'
import { handle as settleRun } from '../../functions/settle-run.ts'
import type { Invocation } from '../../lib/backup/deadline.ts'
import type { BatchResponse, QueueRecord } from '../../lib/backup/receive-batch.ts'
import type { Alarm, RunLimits, Service } from '../../lib/backup/service.ts'
import { FaultInjector, Killed } from '../../lib/platform/fault.ts'
import type { FaultPlan } from '../../lib/platform/fault.ts'
import { faultyKeyService } from '../../lib/platform/key-service/fault.ts'
import { MemoryKeyService } from '../../lib/platform/key-service/memory.ts'
import type { MemoryKey } from '../../lib/platform/key-service/memory.ts'
import type { KeyService } from '../../lib/platform/key-service/port.ts'
import { retryKeyService } from '../../lib/platform/key-service/retry.ts'
import { faultyObjectStore } from '../../lib/platform/object-store/fault.ts'
import type { ObjectStore } from '../../lib/platform/object-store/port.ts'
import { retryObjectStore } from '../../lib/platform/object-store/retry.ts'
import { eachQueue } from '../../lib/platform/queue/each-queue.ts'
import { faultyQueues } from '../../lib/platform/queue/fault.ts'
import type { MemoryQueues } from '../../lib/platform/queue/memory.ts'
import { queueNames } from '../../lib/platform/queue/port.ts'
import type { Queue, QueueName, Queues, ReceivedMessage } from '../../lib/platform/queue/port.ts'
import { retryQueues } from '../../lib/platform/queue/retry.ts'
import type { Platform } from '../../lib/platform/platform.ts'
import type { Random } from '../../lib/platform/random.ts'
import type { MetricName } from '../../lib/platform/metrics.ts'
import { openDeployment } from '../../lib/repository/deployment-repository.ts'
import type { DeploymentRepository } from '../../lib/repository/repository.ts'
import type { RestoreService } from '../../lib/restore/service.ts'
import { OTHERS_MS } from '../../lib/restore/step-watch.ts'
import type { Scheduler } from './scheduler.ts'
import { worldWriters } from './world-writer.ts'
import type { World } from './world.ts'

/** What outlives every process. */
export interface Ground {
  readonly scheduler: Scheduler
  readonly world: World
  readonly store: ObjectStore
  readonly queues: MemoryQueues
  readonly key: MemoryKey
  readonly limits: RunLimits
  /** Everything that was logged or told, as text. */
  readonly said: string[]
  readonly alarms: Alarm[]
  /** Every figure that was ever counted. */
  readonly counted: [name: MetricName, value: number][]
  /** Bodies of all messages ever sent. */
  readonly sent: string[]
  /** Messages that were received and deleted. */
  readonly deleted: { readonly message: ReceivedMessage; readonly name: QueueName; readonly dead: boolean }[]
  /** Per snapshot object: what its writer must have seen condemned. */
  readonly looks: Map<string, ReadonlySet<string>>
  /** Secrets that the key service ever gave to the role that writes backups. */
  readonly unwrapped: Set<string>
  /** Per object: when it was created, in the order of everything. */
  readonly createdAt: Map<string, number>
  /** Objects that were created while something was only planned. */
  readonly planned: Set<string>
}

export interface ProcessOptions {
  readonly name: string
  readonly random: Random
  readonly plan: FaultPlan
  readonly workers: number
  /** How long an invocation may last; drawn for each. */
  readonly remainingMs: () => number
  readonly batchMax: number
  /** How often a message that was deleted is delivered once more, in [0, 1]. */
  readonly againShare: number
}

/** What was condemned when one delivery looked, or wrote what it must look after, for the last time: per prefix. */
const delivery = new AsyncLocalStorage<Map<string, ReadonlySet<string>>>()

/** Is what is done only the planning of something? */
const planning = new AsyncLocalStorage<true>()

/** How long an idle worker sleeps before it looks again. */
const IDLE_MS = 5000

export class SimulatedProcess {
  readonly name: string
  readonly injector: FaultInjector
  /** In work at this moment. */
  busy = 0
  readonly #ground: Ground
  readonly #options: ProcessOptions
  readonly #platform: Platform
  readonly #restoreKeys: KeyService
  #service: Service | undefined
  #restoreService: RestoreService | undefined
  #stopped = false

  constructor(ground: Ground, options: ProcessOptions) {
    const { scheduler } = ground
    this.name = options.name
    this.#ground = ground
    this.#options = options
    const clock = scheduler.clockOf(this)
    this.injector = new FaultInjector({ plan: options.plan, clock })
    const retry = { clock, random: options.random }
    const store = retryObjectStore(faultyObjectStore(this.#gatedStore(), this.injector), retry)
    const keysOf = (role: Role): KeyService =>
      retryKeyService(faultyKeyService(this.#gatedKeys(role), this.injector), retry)
    this.#restoreKeys = keysOf('restores')
    this.#platform = {
      store,
      keyStore: store,
      keys: keysOf('backs up'),
      queues: retryQueues(faultyQueues(this.#gatedQueues(), this.injector), retry),
      clock,
      random: options.random,
      log: { write: (level, event, fields) => void ground.said.push(JSON.stringify({ level, event, ...fields })) },
      close: async () => undefined,
    }
  }

  get dead(): boolean {
    return this.injector.killed
  }

  kill(): void {
    if (this.dead) return
    this.injector.kill()
    this.#ground.scheduler.drop(this)
    this.#ground.scheduler.note(`${this.name} is killed`)
  }

  /** Opens the deployment as a fresh process does, however often that takes. @throws Killed. */
  async service(): Promise<Service> {
    return (this.#service ??= {
      platform: this.#platform,
      repository: await this.#open(this.#platform),
      components: this.#ground.world.components((label) => this.#gate(label)),
      limits: this.#ground.limits,
      // Whatever has four resources is more than one function can read.
      ...(this.#ground.world.ranged && { readingPace: { msPerResource: 225_000, bytesPerSecond: 1_000_000_000 } }),
      metrics: {
        kept: true,
        add: (name, value) => void this.#ground.counted.push([name, value]),
        flush: () => undefined,
      },
      alarm: async (alarm) => {
        this.#ground.alarms.push(alarm)
        this.#ground.said.push(JSON.stringify(alarm))
      },
    })
  }

  /** The same with restore's own rights. @throws Killed. */
  async restoreService(): Promise<RestoreService> {
    const { world, limits } = this.#ground
    const platform = { ...this.#platform, keys: this.#restoreKeys }
    return (this.#restoreService ??= {
      platform,
      repository: await this.#open(platform),
      components: world.components((label) => this.#gate(label)),
      writers: worldWriters(world, {
        look: (label) => this.#gate(label),
        write: (subject, act) =>
          this.injector.run({ port: 'live-system', operation: 'write', subject }, async () => {
            await this.#gate(subject)
            act()
          }),
      }),
      limits: { ...limits, othersMs: OTHERS_MS },
    })
  }

  /** What is written meanwhile is known as written by planning. */
  async plan<T>(work: () => Promise<T>): Promise<T> {
    return await planning.run(true, work)
  }

  async #open(platform: Platform): Promise<DeploymentRepository> {
    for (;;) {
      try {
        return await openDeployment(platform, { name: 'campus' })
      } catch (error) {
        if (this.dead) throw new Killed()
        this.#ground.scheduler.note(
          `${this.name} cannot open the deployment: ${String((error as { code?: unknown }).code)}`,
        )
        await this.#platform.clock.sleep(5000)
      }
    }
  }

  /** Starts the workers. */
  start(): void {
    for (let worker = 0; worker < this.#options.workers; worker++) {
      this.#work().catch((error: unknown) => {
        if (!this.dead) this.#ground.said.push(`a worker ended: ${String(error)}`)
      })
    }
  }

  stop(): void {
    this.#stopped = true
  }

  invocation(): Invocation {
    const { clock } = this.#platform
    const begunMs = clock.monotonicMs()
    const remainingMs = this.#options.remainingMs()
    return {
      awsRequestId: this.#options.random.bytes(8).toString('hex'),
      getRemainingTimeInMillis: () => Math.max(0, remainingMs - (clock.monotonicMs() - begunMs)),
    }
  }

  async #work(): Promise<void> {
    const service = await this.service()
    while (!this.#stopped && !this.dead) {
      const source = await this.#visible()
      if (source === undefined) {
        await this.#platform.clock.sleep(IDLE_MS)
        continue
      }
      this.busy++
      try {
        await this.#deliver(service, source)
      } catch (error) {
        // As an event source does: what could not be received or acknowledged is received again.
        if (!this.dead)
          this.#ground.scheduler.note(
            `${this.name} could not deliver: ${String((error as { code?: unknown }).code ?? error)}`,
          )
      } finally {
        this.busy--
      }
    }
  }

  async #deliver(service: Service, { name, dead }: Source): Promise<void> {
    const queue = dead ? service.platform.queues.deadLetter(name) : service.platform.queues.queue(name)
    const max = 1 + Math.floor(this.#options.random.fraction() * this.#options.batchMax)
    const messages = await queue.receive({ max, waitMs: 0, visibilityMs: this.#ground.limits.visibilityMs })
    if (messages.length === 0) return
    const answer = await delivery.run(new Map(), () => this.#handle(service, name, dead, messages))
    const failed = new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
    for (const message of messages) {
      if (failed.has(message.id)) continue
      await queue.delete(message.receipt)
      this.#ground.deleted.push({ message, name, dead })
      if (this.#options.random.fraction() < this.#options.againShare) await this.#again(service)
    }
  }

  /** As a queue may that did not hear everywhere of what was deleted, nor how often it was received. Nothing can be given back. */
  async #again(service: Service): Promise<void> {
    const { scheduler } = this.#ground
    const { random } = this.#options
    // Those of ticks come a hundred times as often, and change little.
    const ofTicks = random.fraction() < 0.1
    const deleted = this.#ground.deleted.filter(({ name }) => ofTicks || name !== 'settle-run')
    const one = deleted[Math.floor(random.fraction() * deleted.length)]
    if (one === undefined) return
    const { message, name, dead } = one
    scheduler.note(`${this.name} is given again what was deleted: ${message.body}`)
    const receiveCount = random.fraction() < 0.5 ? 1 : message.receiveCount
    await delivery.run(new Map(), () => this.#handle(service, name, dead, [{ ...message, receiveCount }]))
  }

  async #handle(
    service: Service,
    name: QueueName,
    dead: boolean,
    messages: readonly ReceivedMessage[],
  ): Promise<BatchResponse> {
    const event = { Records: messages.map(recordOf) }
    if (dead) return await deadLetter(service, event)
    const invocation = this.invocation()
    if (name === 'backup-slice') return await backupSlice(service, event, invocation)
    if (name === 'settle-run') return await settleRun(service, event, invocation)
    return (await replayRun(service, event, invocation)) as BatchResponse
  }

  /** A queue that has something now. Looks past the faults: an idle worker costs nothing. */
  async #visible(): Promise<Source | undefined> {
    const full: Source[] = []
    for (const source of sources) {
      const { queues } = this.#ground
      const { visible } = await (source.dead ? queues.deadLetter(source.name) : queues.queue(source.name)).depth()
      if (visible > 0) full.push(source)
    }
    return full[Math.floor(this.#options.random.fraction() * full.length)]
  }

  #gate(label: string): Promise<void> {
    return this.dead ? new Promise<void>(() => undefined) : this.#ground.scheduler.pass(this, `${this.name} ${label}`)
  }

  #gatedStore(): ObjectStore {
    const { store } = this.#ground
    return {
      create: async (key, body) => {
        await this.#gate(`create ${key}`)
        await store.create(key, body)
        this.#ground.createdAt.set(key, this.#ground.world.next())
        if (planning.getStore()) this.#ground.planned.add(key)
        // Whoever wrote a pack or an index looks once more before he commits.
        const [folder] = /^slices\/[^/]+\/(?=(packs|trees|index)\/)/.exec(key) ?? []
        if (folder !== undefined) await this.#see(`${folder}condemned/`)
        const looked = delivery.getStore()?.get(key.replace(/snapshots\/.*/, 'condemned/'))
        if (looked !== undefined) this.#ground.looks.set(key, looked)
      },
      get: async (key, options) => (await this.#gate(`get ${key}`), await store.get(key, options)),
      list: async (prefix, options) => {
        await this.#gate(`list ${prefix} ${options?.after ?? ''}`)
        const page = await store.list(prefix, options)
        if (prefix.endsWith('/condemned/')) await this.#see(prefix)
        return page
      },
      delete: async (key) => (await this.#gate(`delete ${key}`), await store.delete(key)),
    }
  }

  /** Remembers what is condemned now, for the snapshot that this delivery may commit. */
  async #see(prefix: string): Promise<void> {
    const { objects } = await this.#ground.store.list(prefix)
    delivery.getStore()?.set(prefix, new Set(objects.map(({ key }) => key)))
  }

  #gatedQueues(): Queues {
    return eachQueue(this.#ground.queues, (queue: Queue, name): Queue => ({
      send: async (messages) => {
        await this.#gate(`send ${name} ${messages.map(({ body }) => body).join(' ')}`)
        this.#ground.sent.push(...messages.map(({ body }) => body))
        await queue.send(messages)
      },
      receive: async (options) => (await this.#gate(`receive ${name}`), await queue.receive(options)),
      delete: async (receipt) => (
        await this.#gate(`acknowledge ${name} ${receipt.slice(0, 6)}`),
        await queue.delete(receipt)
      ),
      changeVisibility: async (receipt, ms) => (
        await this.#gate(`give back ${name} ${receipt.slice(0, 6)} for ${ms} ms`),
        await queue.changeVisibility(receipt, ms)
      ),
      depth: () => queue.depth(),
    }))
  }

  #gatedKeys(role: Role): KeyService {
    const { key, unwrapped } = this.#ground
    const keys = new MemoryKeyService({
      random: this.#options.random,
      key,
      mayUnwrap: ({ purpose }) => role === 'restores' || purpose !== 'content',
    })
    return {
      description: keys.description,
      wrap: async (plaintext, context) => (await this.#gate('wrap'), await keys.wrap(plaintext, context)),
      unwrap: async (wrapped, context) => {
        await this.#gate('unwrap')
        const secret = await keys.unwrap(wrapped, context)
        if (role === 'backs up') unwrapped.add(secret.toString('hex'))
        return secret
      },
    }
  }
}

type Role = 'backs up' | 'restores'

interface Source {
  readonly name: QueueName
  readonly dead: boolean
}
export const sources: readonly Source[] = queueNames.flatMap((name) => [
  { name, dead: false },
  { name, dead: true },
])

function recordOf({ id, receipt, body, receiveCount }: ReceivedMessage): QueueRecord {
  return { messageId: id, receiptHandle: receipt, body, attributes: { ApproximateReceiveCount: String(receiveCount) } }
}
