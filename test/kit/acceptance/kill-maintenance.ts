/**
 * Nights in which a backup runs beside prune, forget, compact or check of the same histories, each a process of its own, and one of them, or both, is killed (-9) at a random moment. After each, every snapshot
 * that the policy keeps must be there and say what it said; in the end two prunes, a grace time between them, must leave nothing dead. Between nights the store is made older than the grace time:
 * its folder's times, which are what the store's clock is compared with.
 */
import { randomFillSync } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../../lib/platform/random.ts'
import { seededRandom } from '../seeded-random.ts'
import { checkIndependently } from './check-independently.ts'
import { makeNebari } from './nebari.ts'
import type { Nebari, Report } from './nebari.ts'
import { snapshotDigest, storedSnapshots, withStored } from './stored-snapshots.ts'
import { startToriki } from './toriki-process.ts'

export interface KilledMaintenance {
  /** Processes that were killed before they ended. */
  readonly kills: number
  readonly killed: Readonly<Record<string, number>>
  readonly nights: number
  /** Packs that prunes deleted, killed or not; and that compacts which were not killed packed anew. */
  readonly deleted: number
  readonly repacked: number
  /** What was not as promised, one sentence each: must be none. */
  readonly broken: readonly string[]
}

const LEASE_MS = 1_000
const AGED_MS = 25 * 3_600_000
const KEPT = 3
const PIECES = 12
const PIECE_BYTES = 400_000

const beside = {
  prune: ['prune', '--apply'],
  forget: ['forget', '--apply'],
  compact: ['compact', '--apply', '--max-dead', '0'],
  check: ['check', '--read-data'],
} as const
type Kind = keyof typeof beside
const kinds = Object.keys(beside) as readonly Kind[]

interface Ended {
  readonly status: number | NodeJS.Signals
  readonly out: string
  readonly err: string
}

/** Two people with what changes and goes, who are backed up three times. */
export async function makeWorn(): Promise<Nebari> {
  return await makeNebari({ users: 2, change: (settings) => Object.assign(settings, { retention: { last: KEPT } }) })
}

export interface KillOptions {
  readonly kills: number
  readonly seed: string
  /** Ends with order restored as soon as a night ends after this time, however few were killed. Absent: never. */
  readonly untilMs?: number
  /** Told after each night, and of what broke in it. */
  readonly progress?: (line: string) => void
}

export async function killMaintenance(nebari: Nebari, options: KillOptions): Promise<KilledMaintenance> {
  const { kills, seed, untilMs = Infinity, progress } = options
  const random = seededRandom(seed)
  const watch = new Watch(nebari)
  /** How long each takes, from its start. */
  const typicalMs: Record<string, number> = { backup: 1_500, prune: 1_000, forget: 900, compact: 1_000, check: 1_000 }
  const killed: Record<string, number> = { backup: 0, prune: 0, forget: 0, compact: 0, check: 0 }
  let [nights, deleted, repacked, told] = [0, 0, 0, 0]
  const sum = (): number => Object.values(killed).reduce((one, other) => one + other, 0)
  while (sum() < kills && nights < 3 * kills && Date.now() < untilMs) {
    workInHomes(nebari, random, nights)
    age(nebari)
    const kind = kinds[nights++ % kinds.length] as Kind
    const dies = random.fraction()
    const before = packsOf(nebari)
    const run = async (name: string, words: readonly string[], isKilled: boolean): Promise<Ended> => {
      const begunMs = performance.now()
      const child = startToriki(nebari.settings, ['--json', ...words], { leaseMs: LEASE_MS })
      if (isKilled) {
        // The first third is the start of the process, of which little is to be seen.
        const moment = sleep((0.33 + 0.67 * random.fraction()) * (typicalMs[name] ?? 0)).then(() => 'moment' as const)
        if ((await Promise.race([child.ended, moment])) === 'moment') child.kill('SIGKILL')
      }
      const status = await child.ended
      if (status === 'SIGKILL') killed[name] = (killed[name] ?? 0) + 1
      else if (status !== 0) watch.broken.push(`${name} ended with ${status}: ${child.err()}${child.out()}`)
      else typicalMs[name] = performance.now() - begunMs
      return { status, out: child.out(), err: child.err() }
    }
    const [backup, other] = await Promise.all([
      run('backup', ['backup'], dies < 0.65 && nights > 1),
      // Most of the time the other one begins while the backup is at work.
      sleep(random.fraction() * 800).then(() => run(kind, beside[kind], dies > 0.3 && nights > 1)),
    ])
    const now = new Set(packsOf(nebari))
    deleted += before.filter((pack) => !now.has(pack)).length
    if (kind === 'compact' && other.status === 0) repacked += repackedBy(other)
    let { status } = backup
    // Whoever goes on with it is killed, too, now and then.
    while (status === 'SIGKILL' && random.fraction() < 0.6) status = (await run('backup', ['backup'], true)).status
    if (status !== 0) await watch.backupToTheEnd()
    await watch.look()
    for (const sentence of watch.broken.slice(told)) progress?.(sentence)
    told = watch.broken.length
    progress?.(
      `${new Date().toISOString()} night ${nights}: ${sum()} of ${kills} killed ${JSON.stringify(killed)}, ${watch.broken.length} broken`,
    )
  }
  await watch.restoreOrder(() => age(nebari))
  return { kills: sum(), killed, nights, deleted, repacked, broken: watch.broken }
}

function repackedBy({ out }: Ended): number {
  return (JSON.parse(out) as { readonly repacked: { readonly packs: number } }).repacked.packs
}

function packsOf({ store }: Nebari): string[] {
  return readdirSync(store, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\/(packs|trees)\/[^/]+$/.test(name),
  )
}

/** Some pieces change, and everybody's old ones come back now and then: chunks that are dead by then. */
function workInHomes({ users, home }: Nebari, random: Random, night: number): void {
  for (const user of users) {
    const folder = join(home(user), 'pieces')
    mkdirSync(folder, { recursive: true })
    for (let piece = 0; piece < PIECES; piece++) {
      const file = join(folder, `${piece}.bin`)
      const chance = random.fraction()
      if (night === 0 || chance < 0.35) {
        const bytes = randomFillSync(Buffer.alloc(PIECE_BYTES))
        const old = chance < 0.15 ? seededRandom(`${piece} ${night % 4}`).bytes(PIECE_BYTES) : bytes
        writeFileSync(file, old)
      } else if (chance > 0.93) rmSync(file, { force: true })
    }
  }
}

/** Everything that is stored is a day and an hour older, each as much. Only while nothing runs: who works counts on a clock that does not jump. */
function age({ store }: Nebari): void {
  for (const name of readdirSync(store, { recursive: true, encoding: 'utf8' })) {
    const path = join(store, name)
    const before = new Date(statSync(path).mtimeMs - AGED_MS)
    utimesSync(path, before, before)
  }
}

class Watch {
  readonly broken: string[] = []
  readonly #nebari: Nebari
  /** Every snapshot that was ever shown → what it said, oldest first in each slice. */
  readonly #digests = new Map<string, Map<string, string>>()

  constructor(nebari: Nebari) {
    this.#nebari = nebari
  }

  /** What a killed backup left is gone on with. */
  async backupToTheEnd(): Promise<void> {
    const result = await this.#nebari.toriki(['--json', 'backup'])
    if (result.status !== 0) this.broken.push(`the next backup ended with ${result.status}: ${result.err}${result.out}`)
    else if (result.json<Report>().outcome !== 'complete') this.broken.push('the next backup is not complete')
  }

  async look(): Promise<void> {
    const shown = new Set<string>()
    await withStored(this.#nebari.settings, async (repository) => {
      for await (const stored of storedSnapshots(repository)) {
        const { slice, snapshot } = stored
        shown.add(`${slice}@${snapshot.id}`)
        const known = this.#digests.get(slice) ?? new Map<string, string>()
        this.#digests.set(slice, known)
        try {
          const digest = await snapshotDigest(stored)
          const before = known.get(snapshot.id)
          if (before !== undefined && before !== digest)
            this.broken.push(`${slice}@${snapshot.id} says something else now`)
          known.set(snapshot.id, digest)
        } catch (error) {
          this.broken.push(
            `${slice}@${snapshot.id} does not open: ${error instanceof Error ? error.stack : String(error)}`,
          )
        }
      }
    })
    for (const [slice, known] of this.#digests)
      for (const id of [...known.keys()].toSorted((a, b) => (a < b ? 1 : -1)).slice(0, KEPT))
        if (!shown.has(`${slice}@${id}`)) this.broken.push(`${slice}@${id}, which the policy keeps, is gone`)
  }

  /** Two prunes, a grace time before each; then everything is sound, and a third has nothing to do. */
  async restoreOrder(makeOlder: () => void): Promise<void> {
    await this.backupToTheEnd()
    for (let prune = 0; prune < 2; prune++) {
      makeOlder()
      const { status, err } = await this.#nebari.toriki(['--json', 'prune', '--apply'])
      if (status !== 0) this.broken.push(`prune ended with ${status}: ${err}`)
    }
    await this.look()
    const checked = await this.#nebari.toriki(['--json', 'check', '--read-data'])
    if (checked.status !== 0) this.broken.push(`check ended with ${checked.status}: ${checked.out}`)
    makeOlder()
    const { deleted, condemned, waiting, kept } =
      await this.#nebari.json<
        Record<'deleted' | 'condemned' | 'waiting' | 'kept', { readonly packs: number; readonly snapshots?: number }>
      >('prune')
    for (const [what, { packs, snapshots = 0 }] of Object.entries({ deleted, condemned, waiting }))
      if (packs + snapshots > 0)
        this.broken.push(`after two prunes a third: ${what} ${packs} packs and ${snapshots} snapshots`)
    const independent = await checkIndependently(this.#nebari, { openRuns: new Set() })
    this.broken.push(...independent.violations)
    const { packs, deadContent } = independent
    if (packs !== kept.packs) this.broken.push(`${packs} packs are stored, of which ${kept.packs} are needed`)
    this.broken.push(...deadContent.map((pack) => `nothing needs the pack ${pack}`))
  }
}
