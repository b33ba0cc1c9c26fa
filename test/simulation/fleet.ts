/** The processes of a deployment: as many as are wanted, a new one for each that died, until nothing is left to do. */
import { noFaults } from '../../lib/platform/fault.ts'
import type { FaultPlan } from '../../lib/platform/fault.ts'
import type { Random } from '../../lib/platform/random.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { SimulatedProcess, sources } from './process.ts'
import type { Ground, ProcessOptions } from './process.ts'

export interface FleetOptions extends Pick<ProcessOptions, 'workers' | 'batchMax' | 'againShare' | 'remainingMs'> {
  readonly processes: number
  readonly random: Random
  /** What goes wrong in a process that is made now. */
  readonly plan: () => FaultPlan
  /** Told when everybody has stopped. */
  readonly onQuiet: () => void
}

export class Fleet {
  /** Processes that died. */
  kills = 0
  readonly #ground: Ground
  readonly #options: FleetOptions
  #processes: SimulatedProcess[] = []
  #made = 0

  constructor(ground: Ground, options: FleetOptions) {
    this.#ground = ground
    this.#options = options
  }

  killAll(): void {
    for (const process of this.#processes) process.kill()
  }

  /** One that lives. */
  some(): SimulatedProcess {
    this.#keepAlive()
    return this.#processes[Math.floor(this.#options.random.fraction() * this.#processes.length)] as SimulatedProcess
  }

  /** Keeps processes alive until `before` has ended, no message is left and nobody works. */
  async untilQuiet<T>(before?: Promise<T>): Promise<T> {
    const clock = this.#ground.scheduler.clockOf({})
    let ended = before === undefined
    let failure: unknown
    const first = before?.then(
      () => void (ended = true),
      (error: unknown) => void (failure = error),
    )
    for (;;) {
      if (failure !== undefined) throw failure as Error
      this.#keepAlive()
      await clock.sleep(10_000)
      if (!ended || this.#processes.some(({ busy, dead }) => busy > 0 && !dead) || (await this.#depth()) > 0) continue
      break
    }
    await first
    for (const process of this.#processes) process.stop()
    for (const process of this.#processes) this.#ground.scheduler.drop(process)
    this.#processes = []
    this.#options.onQuiet()
    return (await before) as T
  }

  /** Something done by hand in a process in which nothing goes wrong. */
  async calmly<T>(work: (process: SimulatedProcess) => Promise<T>): Promise<T> {
    return await this.#ground.scheduler.drive(work(this.#make(noFaults)))
  }

  async #depth(): Promise<number> {
    let sum = 0
    for (const { name, dead } of sources) {
      const { queues } = this.#ground
      const { visible, hidden, delayed } = await (dead ? queues.deadLetter(name) : queues.queue(name)).depth()
      sum += visible + hidden + delayed
    }
    return sum
  }

  #keepAlive(): void {
    for (const process of this.#processes) if (process.dead) this.kills++
    this.#processes = this.#processes.filter(({ dead }) => !dead)
    while (this.#processes.length < this.#options.processes) {
      const process = this.#make(this.#options.plan())
      process.start()
      this.#processes.push(process)
    }
  }

  #make(plan: FaultPlan): SimulatedProcess {
    const { workers, batchMax, againShare, remainingMs, random } = this.#options
    return new SimulatedProcess(this.#ground, {
      name: `p${++this.#made}`,
      random: seededRandom(random.bytes(8).toString('hex')),
      plan,
      workers,
      batchMax,
      againShare,
      remainingMs,
    })
  }
}
