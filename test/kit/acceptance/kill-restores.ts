/**
 * Damage and restores, by a process that is killed (-9) at random moments and gone on with by `restore resume`, which is killed as well. Watches after every kill that what was before is
 * kept, and after every end that each person is as the snapshot holds him, or as before where the report says so. Where the moments fall differs from machine to machine; what is promised
 * holds at every moment.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../../lib/platform/random.ts'
import { canonicalJson } from '../../../lib/resources/json.ts'
import type { JsonValue } from '../../../lib/resources/json.ts'
import { openRestores } from '../../../lib/restore/restore-state.ts'
import { readRequest, requestedSlices } from '../../../lib/restore/restore-request.ts'
import { readProgress } from '../../../lib/restore/slice-log.ts'
import { seededRandom } from '../seeded-random.ts'
import { homeFiles } from './home-files.ts'
import type { FileMap } from './home-files.ts'
import type { NebariWithKeycloak } from './nebari.ts'
import { withStored } from './stored-snapshots.ts'
import { startToriki } from './toriki-process.ts'

export interface KilledRestores {
  /** Processes that were killed before they ended. */
  readonly kills: number
  /** Kills after the first write of a restore, which was then gone on with. */
  readonly wentOn: number
  readonly restores: number
  /** What was not as promised, one sentence each: must be none. */
  readonly broken: readonly string[]
}

interface Report {
  readonly restore: string
  readonly open: boolean
  readonly outcome: string
  readonly slices: Readonly<Record<'total' | 'verified' | 'undone' | 'refused' | 'undoFailed' | 'pending', number>>
  readonly failures: readonly { readonly slice: string; readonly code: string; readonly outcome: string }[]
}

/** Starting takes longer than this on no machine. */
const STARTING_MS = 1500
/** Of one restore and what goes on with it. */
const KILLS_MAX = 3
/** With rights to administrate: one of the demo's people has some, and is left out otherwise. */
const RESTORE = ['--json', 'restore', '--all', '--in-place', '--delete-extra', '--privileged', '--yes']

/** `nebari` is backed up, with an account for restoring in its settings. */
export async function killRestores(nebari: NebariWithKeycloak, kills: number, seed: string): Promise<KilledRestores> {
  const random = seededRandom(seed)
  const watch = new Watch(nebari)
  let [killed, wentOn, restores, tries] = [0, 0, 0, 0]
  watch.damage(random)
  await watch.restoreToTheEnd()
  /** How long it wrote last time. */
  let writingMs = 300
  while (killed < kills && tries < 4 * kills) {
    restores++
    watch.damage(random)
    let words: readonly string[] = RESTORE
    let begun = false
    for (let kill = 1 + Math.floor(random.fraction() * KILLS_MAX); kill > 0 && killed < kills; kill--) {
      tries++
      const child = startToriki(nebari.settings, words)
      // Most of the time goes into starting and planning, which write nothing: one in three is killed somewhere there, the others from their first write on.
      const before = begun || random.fraction() < 0.3 ? sleep(random.fraction() * STARTING_MS) : watch.beginning()
      const wait = random.fraction() * writingMs
      let wroteMs = performance.now()
      const moment = before.then(async () => {
        wroteMs = performance.now()
        await sleep(wait)
        return 'moment' as const
      })
      if ((await Promise.race([child.ended, moment])) === 'moment') child.kill('SIGKILL')
      const status = await child.ended
      watch.stop()
      if (status !== 'SIGKILL') {
        writingMs = Math.max(100, performance.now() - wroteMs)
        if (status !== 0) watch.broken.push(`a restore ended with ${status}: ${child.err()}${child.out()}`)
        break
      }
      killed++
      begun = await watch.lookAtOpen()
      if (begun) words = ['--json', 'restore', 'resume']
    }
    if (begun) {
      wentOn++
      await watch.endBy(['--json', 'restore', 'resume'])
    } else await watch.endBy(RESTORE)
  }
  return { kills: killed, wentOn, restores, broken: watch.broken }
}

class Watch {
  readonly broken: string[] = []
  readonly #nebari: NebariWithKeycloak
  /** Below the root: as the snapshots hold it, and as it was when the restore began. */
  readonly #stored: FileMap
  readonly #image: ReadonlyMap<string, string>
  #damaged: FileMap = new Map()
  #isWaiting = false

  constructor(nebari: NebariWithKeycloak) {
    this.#nebari = nebari
    this.#stored = homeFiles(nebari.root)
    this.#image = accountsOf(nebari)
  }

  /** Some homes lose some or all of what they hold, or get more; some accounts are gone or changed. */
  damage(random: Random): void {
    const { users, home, keycloak } = this.#nebari
    for (const user of users) {
      const chance = random.fraction()
      if (chance < 0.2) rmSync(home(user), { recursive: true })
      else if (chance < 0.8) {
        const names = readdirSync(home(user))
        const some = names[Math.floor(random.fraction() * names.length)]
        if (some !== undefined) rmSync(join(home(user), some), { recursive: true })
        mkdirSync(join(home(user), 'made since'))
        writeFileSync(join(home(user), 'made since', 'a file'), random.bytes(2_000))
      }
      const account = random.fraction()
      if (!keycloak.userNames.includes(user)) this.broken.push(`${user} has no account`)
      else if (account < 0.3) keycloak.remove(user)
      else if (account < 0.5) keycloak.change(user, { email: `${Math.floor(account * 1e9)}@example.org` })
    }
    this.#damaged = homeFiles(this.#nebari.root)
  }

  async restoreToTheEnd(): Promise<void> {
    const child = startToriki(this.#nebari.settings, RESTORE)
    if ((await child.ended) !== 0) this.broken.push(`a restore ended badly: ${child.err()}${child.out()}`)
    else this.#compare(JSON.parse(child.out()) as Report)
  }

  /** Resolves when one more restore is applied than by now: it may write from here on. */
  async beginning(): Promise<void> {
    this.#isWaiting = true
    const before = this.#applied()
    while (this.#isWaiting && this.#applied() === before) await sleep(2)
  }

  stop(): void {
    this.#isWaiting = false
  }

  #applied(): number {
    const folder = join(this.#nebari.store, 'restores')
    return readdirSync(folder).filter((restore) => existsSync(join(folder, restore, 'applied'))).length
  }

  async endBy(words: readonly string[]): Promise<void> {
    const result = await this.#nebari.toriki(words)
    if (result.out === '') {
      this.broken.push(`${words.join(' ')} ended with ${result.status}: ${result.err}`)
      return
    }
    const report = result.json<Report>()
    if (report.open || report.outcome === 'rollback-failed')
      this.broken.push(`${report.restore} ended ${report.outcome}: ${JSON.stringify(report)}`)
    this.#compare(report)
    if (await this.lookAtOpen()) this.broken.push(`${report.restore} has ended, and another restore is open`)
  }

  /** Of every restore that was begun and has not ended: whoever may have been written to has a safety snapshot. Is there one? */
  async lookAtOpen(): Promise<boolean> {
    let begun = false
    await withStored(this.#nebari.settings, async (repository) => {
      const { records } = repository
      for await (const restore of openRestores(records)) {
        begun = true
        for await (const { slice, sliceId, generation } of requestedSlices(
          records,
          await readRequest(records, restore),
        )) {
          const { safety } = await readProgress(records, { restore, sliceId })
          if (safety === undefined) continue
          const stored = await repository.openSlice(slice, { access: 'read-content', generation })
          const snapshot = await stored?.snapshot(safety).catch(() => undefined)
          if (snapshot === undefined) this.broken.push(`the safety snapshot ${slice}@${safety} is not there`)
        }
      }
    })
    return begun
  }

  /** Everybody as stored, or, where the report says that nothing was restored, as before. Nothing else lies about. */
  #compare(report: Report): void {
    const { restore, outcome, failures } = report
    const now = homeFiles(this.#nebari.root)
    const left = failures.map(({ slice }) => slice.replace('user/', 'home/').replace('group/', 'shared/'))
    for (const path of new Set([...now.keys(), ...this.#stored.keys(), ...this.#damaged.keys()])) {
      const isLeft = left.some((folder) => path === folder || path.startsWith(`${folder}/`))
      const expected = (isLeft ? this.#damaged : this.#stored).get(path)
      if (now.get(path) !== expected) this.broken.push(`${restore}: ${path} is ${now.get(path)} and not ${expected}`)
    }
    if (outcome === 'complete')
      for (const [user, account] of accountsOf(this.#nebari))
        if (account !== this.#image.get(user))
          this.broken.push(`${restore}: ${user} is ${account} and not ${this.#image.get(user)}`)
    if (failures.length > 0) this.broken.push(`${restore}: ${JSON.stringify(failures)}`)
    else if (outcome !== 'complete') this.broken.push(`${restore} ended ${outcome}: ${JSON.stringify(report)}`)
  }
}

/** Name → the whole account with its hashes, `realm` for everything else. */
function accountsOf({ keycloak, users }: NebariWithKeycloak): ReadonlyMap<string, string> {
  const realm = JSON.parse(keycloak.imageWithout([...keycloak.userNames])) as JsonValue
  const all = JSON.parse(keycloak.imageWithout([])) as readonly JsonValue[]
  const accounts = all.at(-1) as readonly {
    readonly username: string
    readonly groups: readonly string[]
    readonly consents: Readonly<Record<string, readonly string[]>>
  }[]
  const byName = new Map(accounts.map((account) => [account.username, account]))
  return new Map([
    ['realm', canonicalJson(realm)],
    ...users.map((user): [string, string] => {
      const { groups = [], consents = {}, ...account } = byName.get(user) ?? {}
      // Sets: Keycloak keeps no order of them.
      const scopes = Object.fromEntries(Object.entries(consents).map(([client, names]) => [client, [...names].sort()]))
      return [user, canonicalJson({ ...account, groups: [...groups].sort(), consents: scopes })]
    }),
  ])
}
