/**
 * Nights of backups by a process that is killed (-9) at random moments, each gone on with afterwards. Watches after every kill that all that was shown
 * before still opens and says the same, and that what is shown anew is whole. Where the moments fall differs from machine to machine; what is promised
 * holds at every moment. With workers elsewhere in the settings, it is the worker that is killed.
 */
import { randomFillSync } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../../lib/platform/random.ts'
import { seededRandom } from '../seeded-random.ts'
import { checkIndependently } from './check-independently.ts'
import { homeFiles } from './home-files.ts'
import type { FileMap } from './home-files.ts'
import { sumOfOutcomes } from './nebari.ts'
import type { Nebari, NebariWithKeycloak, Report } from './nebari.ts'
import type { StoredSnapshot } from './stored-snapshots.ts'
import { snapshotDigest, storedFiles, storedSlices, withStored } from './stored-snapshots.ts'
import { startToriki } from './toriki-process.ts'
import type { TorikiProcess } from './toriki-process.ts'
import { runUnderWay, untilRunEnds, workToTheEnd } from './workers-elsewhere.ts'

export interface KilledBackups {
  /** Processes that were killed before they ended. */
  readonly kills: number
  /** Kills that fell into an open run, and the run was gone on with. */
  readonly wentOn: number
  readonly nights: number
  readonly snapshots: number
  /** What was not as promised, one sentence each: must be none. */
  readonly broken: readonly string[]
}

/** Who works: the process that began the run, or one beside it. */
export type KilledWorkers = 'here' | 'elsewhere'

const LEASE_MS = 1_000
/** A message that was received this often is given up: more kills in one run would be another test. */
const KILLS_A_NIGHT_MAX = 3
/** Snapshots of earlier nights that are read again after a kill; at the end all of them are. */
const READ_AGAIN = 60

/** From so many snapshots on, not every look is at all of them. */
const MANY = 800
/** This share of the moments falls before the work: into the start of the process, of the run, of its messages. */
const EARLY = 0.25

export async function killBackups(
  nebari: NebariWithKeycloak,
  kills: number,
  seed: string,
  workers: KilledWorkers = 'here',
): Promise<KilledBackups> {
  const random = seededRandom(seed)
  const watch = new Watch(nebari, workers)
  const typical = { startMs: 1_000, workMs: 1_000 }
  let [killed, wentOn, nights, tries] = [0, 0, 0, 0]
  await watch.backupToTheEnd()
  await watch.look(random)
  while (killed < kills && tries < 4 * kills) {
    nights++
    workInHomes(nebari, random, nights)
    watch.nightFell()
    for (let kill = 1 + Math.floor(random.fraction() * KILLS_A_NIGHT_MAX); kill > 0 && killed < kills; kill--) {
      tries++
      const status = await backupAndKill(nebari, workers, random, typical)
      if (status === 'SIGKILL') killed++
      else if (status !== 0) watch.broken.push(`a backup ended with ${status}`)
      await watch.look(random)
      if (status === 0) break
    }
    if (await watch.backupToTheEnd()) wentOn++
    await watch.look(random)
  }
  await watch.look(undefined)
  const checked = await checkIndependently(nebari)
  watch.broken.push(...checked.violations)
  if (checked.snapshots !== watch.digests.size)
    watch.broken.push(`the checker sees ${checked.snapshots} snapshots, and ${watch.digests.size} were shown`)
  return { kills: killed, wentOn, nights, snapshots: watch.digests.size, broken: watch.broken }
}

/** How it ended: killed, or earlier by itself, from which the next moments are reckoned. */
async function backupAndKill(
  nebari: Nebari,
  workers: KilledWorkers,
  random: Random,
  typical: { startMs: number; workMs: number },
): Promise<number | NodeJS.Signals> {
  const run = workers === 'elsewhere' ? await runUnderWay(nebari) : undefined
  const beganMs = performance.now()
  const words = run === undefined ? ['--json', 'backup'] : ['work']
  const child = startToriki(nebari.settings, words, { leaseMs: LEASE_MS })
  const killed = new AbortController()
  const ending = run === undefined ? child.ended : endWith(nebari, run, child, killed.signal)
  const early = random.fraction() < EARLY
  const moment = random.fraction()
  const working = child.says('working').catch(() => undefined) // it ended first, which `ended` tells
  if (!early) {
    await working
    typical.startMs = performance.now() - beganMs
  }
  const workedMs = performance.now()
  const over = sleep(moment * (early ? typical.startMs : typical.workMs)).then(() => 'moment' as const)
  if ((await Promise.race([child.ended, over])) === 'moment') child.kill('SIGKILL')
  killed.abort()
  const status = await child.ended
  await ending
  if (status === 0) typical.workMs = 0.8 * (performance.now() - workedMs)
  return status
}

/** A worker ends with its run only when somebody ends it. */
async function endWith(nebari: Nebari, run: string, child: TorikiProcess, signal: AbortSignal): Promise<void> {
  if ((await untilRunEnds(nebari, run, signal)) === 'ended') child.kill('SIGTERM')
}

/** What people do until the next night: some write, a few write much, one removes something, one gets another address. */
function workInHomes({ users, home, keycloak }: NebariWithKeycloak, random: Random, night: number): void {
  keycloak.change(users[night % users.length] ?? '', { email: `night-${night}@example.org` })
  for (const user of users) {
    const chance = random.fraction()
    if (chance > 0.3) continue
    const folder = join(home(user), 'nights')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'today.txt'), `night ${night}\n`)
    if (chance < 0.1) writeFileSync(join(folder, `${night % 5}.bin`), randomFillSync(Buffer.alloc(300_000)))
    if (chance < 0.03) rmSync(join(folder, `${(night + 2) % 5}.bin`), { force: true })
  }
}

class Watch {
  readonly broken: string[] = []
  /** Every snapshot that was ever shown → what it said. */
  readonly digests = new Map<string, string>()
  readonly #nebari: Nebari
  readonly #workers: KilledWorkers
  #homes = new Map<string, FileMap>()

  constructor(nebari: Nebari, workers: KilledWorkers) {
    this.#nebari = nebari
    this.#workers = workers
    this.nightFell()
  }

  /** The homes stay as they are until it is called again. */
  nightFell(): void {
    const { users, home, root } = this.#nebari
    this.#homes = new Map(users.map((user) => [`user/${user}`, homeFiles(home(user))]))
    for (const group of ['analyst', 'developer', 'users'])
      this.#homes.set(`group/${group}`, homeFiles(join(root, 'shared', group)))
  }

  /** `toriki backup` as the next person would run it. True: there was an open run, and it was gone on with. */
  async backupToTheEnd(): Promise<boolean> {
    const [last] = await this.#nebari.json<readonly Report[]>('runs', '--limit', '1')
    const result =
      this.#workers === 'here' ? await this.#nebari.toriki(['--json', 'backup']) : await workToTheEnd(this.#nebari)
    if (result.status !== 0) {
      this.broken.push(`the next backup ended with ${result.status}: ${result.err}${result.out}`)
      return false
    }
    const report = result.json<Report>()
    if (report.outcome !== 'complete' || report.open) this.broken.push(`run ${report.run} ended ${report.outcome}`)
    const slices = this.#homes.size + 1
    if (sumOfOutcomes(report) !== slices || report.slices.saved !== slices)
      this.broken.push(`run ${report.run} counts ${JSON.stringify(report.slices)}`)
    if (last?.open === true && report.run !== last.run)
      this.broken.push(`run ${last.run} was open, and ${report.run} was begun`)
    return last?.open === true
  }

  /**
   * What is new must be whole, what is known must be there and say the same. With `random`: of what is known only some is read again, and once there are
   * many, mostly only what the newest runs made is looked at.
   */
  async look(random: Random | undefined): Promise<void> {
    const isWhole = random === undefined || this.digests.size < MANY || random.fraction() < 0.1
    const shown = new Set<string>()
    await withStored(this.#nebari.settings, async (repository) => {
      for await (const slice of storedSlices(repository)) {
        for await (const stored of slice) {
          const id = idOf(stored)
          const isKnown = this.digests.has(id)
          shown.add(id)
          if (!isKnown || random === undefined || random.fraction() < READ_AGAIN / this.digests.size)
            await this.#read(stored)
          if (isKnown && !isWhole) break
        }
      }
    })
    if (!isWhole) return
    for (const id of this.digests.keys()) if (!shown.has(id)) this.broken.push(`${id} is not shown any more`)
  }

  async #read(stored: StoredSnapshot): Promise<void> {
    const id = idOf(stored)
    const before = this.digests.get(id)
    try {
      const digest = await snapshotDigest(stored)
      this.digests.set(id, digest)
      const lack = before === undefined ? await this.#lackOf(stored) : undefined
      if (lack !== undefined) this.broken.push(`${id} is not whole: ${lack}`)
      if (before !== undefined && before !== digest) this.broken.push(`${id} says something else now`)
    } catch (error) {
      this.broken.push(`${id} does not open: ${error instanceof Error ? error.stack : String(error)}`)
    }
  }

  /** What a snapshot of this night lacks, or has too much. */
  async #lackOf(stored: StoredSnapshot): Promise<string | undefined> {
    const { slice, snapshot } = stored
    const holds = Object.keys(snapshot.components).sort().join()
    const due = slice === 'shared' ? 'keycloak' : slice.startsWith('group/') ? 'files' : 'files,keycloak'
    if (holds !== due || snapshot.missing.length > 0) return `it holds ${holds} and lacks ${snapshot.missing.length}`
    if (slice.startsWith('user/') && snapshot.components['keycloak']?.resources !== 1) return 'the account is not there'
    return slice === 'shared' ? undefined : differenceOf(await storedFiles(stored), this.#homes.get(slice))
  }
}

function idOf({ slice, snapshot }: StoredSnapshot): string {
  return `${slice}@${snapshot.id}`
}

function differenceOf(stored: FileMap, home: FileMap | undefined): string | undefined {
  for (const path of new Set([...stored.keys(), ...(home?.keys() ?? [])]))
    if (stored.get(path) !== home?.get(path)) return `${path}: ${stored.get(path)} for ${home?.get(path)}`
  return undefined
}
