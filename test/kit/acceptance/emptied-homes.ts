/** Every home emptied, its directory still there, for two nights; then somebody says that it is the truth. What the product says at each step, for tests to compare with the promise. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Nebari, Report } from './nebari.ts'

export interface EmptiedHomes {
  /** Of each night: what the backup said, and what stands in the latest `keep.txt` of the first person. */
  readonly nights: readonly { readonly report: Report; readonly kept: string }[]
  readonly accepted: { readonly status: number; readonly report: Report; readonly kept: string }
}

/** Begin with `keepSomething`, and a backup. */
export async function emptiedHomes(nebari: Nebari): Promise<EmptiedHomes> {
  const [user = ''] = nebari.users
  const kept = async (): Promise<string> =>
    (await nebari.toriki(['cat', 'latest', 'files', 'keep.txt', '--user', user, '--content'])).out
  for (const name of nebari.users)
    for (const entry of readdirSync(nebari.home(name))) rmSync(join(nebari.home(name), entry), { recursive: true })
  const nights: { report: Report; kept: string }[] = []
  for (let night = 0; night < 2; night++) {
    const report = await nebari.json<Report>('backup')
    nights.push({ report, kept: await kept() })
  }
  const run = nights[1]?.report.run ?? ''
  const { status } = await nebari.toriki(['accept', run, '--yes'])
  return { nights, accepted: { status, report: await nebari.json<Report>('status', run), kept: await kept() } }
}

/** Something that must not be pushed out by an emptied home. */
export function keepSomething({ users, home }: Nebari): void {
  for (const user of users) writeFileSync(join(home(user), 'keep.txt'), `of ${user}\n`)
}
