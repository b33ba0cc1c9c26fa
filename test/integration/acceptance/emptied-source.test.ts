import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { keepAlarms } from '../../kit/acceptance/alarms.ts'
import { mountHindrance, mounts } from '../../kit/acceptance/mounts.ts'
import { makeNebari, makeNebariWithKeycloak, sumOfOutcomes } from '../../kit/acceptance/nebari.ts'
import type { Nebari, Report } from '../../kit/acceptance/nebari.ts'

const USERS = 10
const whenMountable = mountHindrance === undefined ? test : test.skip
const why = mountHindrance === undefined ? '' : ` (not run: ${mountHindrance})`

afterEach(() => mounts.release())

/** Every home holds `keep.txt`; the first night is complete. */
async function firstNight(nebari: Nebari): Promise<Nebari> {
  for (const user of nebari.users) writeFileSync(join(nebari.home(user), 'keep.txt'), `of ${user}\n`)
  expect(await nebari.json<Report>('backup')).toMatchObject({ outcome: 'complete', failures: [] })
  return nebari
}

async function latestFile({ toriki }: Nebari, user: string): Promise<string> {
  const { out, err } = await toriki(['cat', 'latest', 'files', 'keep.txt', '--user', user, '--content'])
  return out + err
}

/** Backs up two nights running, each of which must be suspect in `status` and by the alarm command, and `latest` as before; gives the second run. */
async function twoSuspectNights(nebari: Nebari, latestIsGood: () => Promise<void>): Promise<Report> {
  const alarms = keepAlarms(nebari)
  const nights: Report[] = []
  for (const night of [1, 2]) {
    const backup = await nebari.toriki(['--json', 'backup'])
    const { run } = backup.json<Report>()
    const status = await nebari.json<Report>('status')
    expect([night, status.run, status.open, status.outcome === 'complete']).toEqual([night, run, false, false])
    expect(backup.status).toBe(status.outcome === 'partial' ? 3 : 1)
    expect(sumOfOutcomes(status)).toBe(status.slices.total)
    const text = (await nebari.toriki(['status'])).out.replace(/\s+/g, ' ')
    expect(text).toMatch(/suspect/i)
    expect(text).toContain(`if it is the truth: toriki accept ${run}`)
    const told = alarms().filter((alarm) => alarm.alarm === 'suspect' && alarm.run === run)
    expect(told.map(({ message }) => message)).toEqual([expect.stringContaining(`toriki accept ${run}`)])
    await latestIsGood()
    nights.push(status)
  }
  return nights[1] as Report
}

async function accept(nebari: Nebari, run: string): Promise<void> {
  expect(await nebari.toriki(['accept', run, '--yes'])).toMatchObject({ status: 0 })
  const status = await nebari.json<Report>('status', run)
  expect(status).toMatchObject({ outcome: 'complete', slices: { suspect: 0 } })
  expect(status.sources ?? []).toEqual([])
}

const suspectSources = ({ sources = [] }: Report): readonly string[] =>
  sources.flatMap(({ component, suspect }) => (suspect === undefined ? [] : [component]))

describe('two nights running', () => {
  test('half of the homes gone: suspect both times, latest is the good one; accepted, it is the truth', async () => {
    const nebari = await firstNight(await makeNebari({ users: USERS }))
    const [gone = '', ...others] = nebari.users
    for (const user of nebari.users.slice(0, USERS / 2)) rmSync(nebari.home(user), { recursive: true })
    const left = others.at(-1) ?? ''
    writeFileSync(join(nebari.home(left), 'keep.txt'), 'changed\n')
    const last = await twoSuspectNights(nebari, async () => {
      expect(await latestFile(nebari, gone)).toBe(`of ${gone}\n`)
      expect(await latestFile(nebari, left)).toBe(`of ${left}\n`)
    })
    expect(suspectSources(last)).toEqual(['files'])
    await accept(nebari, last.run)
    expect(await latestFile(nebari, left)).toBe('changed\n')
    // Those who left keep their last good one.
    expect(await latestFile(nebari, gone)).toBe(`of ${gone}\n`)
    expect(await nebari.json<Report>('backup')).toMatchObject({ outcome: 'complete', slices: { suspect: 0 } })
  })

  test('the root replaced by an empty one: suspect both times, latest is the good one; accepted, it is the truth', async () => {
    const nebari = await firstNight(await makeNebari({ users: USERS }))
    renameSync(nebari.root, `${nebari.root}-away`)
    for (const folder of ['home', 'shared']) mkdirSync(join(nebari.root, folder), { recursive: true })
    const last = await twoSuspectNights(nebari, async () => expect(await latestFile(nebari, 'ann')).toBe('of ann\n'))
    expect(suspectSources(last)).toEqual(['files'])
    await accept(nebari, last.run)
    // Who comes back on the new disk is doubted once more, since a history of files goes on from another root.
    mkdirSync(nebari.home('ann'))
    writeFileSync(join(nebari.home('ann'), 'keep.txt'), 'anew\n')
    const back = await nebari.json<Report>('backup')
    expect(back).toMatchObject({ slices: { total: 1, saved: 1, suspect: 1 } })
    await accept(nebari, back.run)
    expect(await latestFile(nebari, 'ann')).toBe('anew\n')
  })

  test('every home emptied, its directory still there: suspect both times, latest is the good one; accepted, it is the truth', async () => {
    const nebari = await firstNight(await makeNebari({ users: USERS }))
    for (const user of nebari.users)
      for (const entry of readdirSync(nebari.home(user))) rmSync(join(nebari.home(user), entry), { recursive: true })
    const last = await twoSuspectNights(nebari, async () => expect(await latestFile(nebari, 'ann')).toBe('of ann\n'))
    expect(last.slices).toMatchObject({ total: USERS + 3, saved: USERS + 3, suspect: USERS })
    await accept(nebari, last.run)
    expect(await latestFile(nebari, 'ann')).toContain('resource-not-found')
    expect(await nebari.json<Report>('backup')).toMatchObject({ outcome: 'complete', slices: { suspect: 0 } })
  })

  test('the homes on another disk than before, as full as ever: suspect both times; accepted, it is the truth', async () => {
    const nebari = await firstNight(await makeNebari({ users: USERS }))
    renameSync(nebari.root, `${nebari.root}-away`)
    cpSync(`${nebari.root}-away`, nebari.root, { recursive: true, verbatimSymlinks: true })
    writeFileSync(join(nebari.home('ann'), 'keep.txt'), 'changed\n')
    const last = await twoSuspectNights(nebari, async () => expect(await latestFile(nebari, 'ann')).toBe('of ann\n'))
    expect(last.slices).toMatchObject({ saved: USERS + 3, suspect: USERS + 3 })
    await accept(nebari, last.run)
    expect(await latestFile(nebari, 'ann')).toBe('changed\n')
    expect(await nebari.json<Report>('backup')).toMatchObject({ outcome: 'complete', slices: { suspect: 0 } })
  })

  test('an empty realm: suspect both times, latest is the good one, homes are saved as ever; accepted, it is the truth', async () => {
    const nebari = await makeNebariWithKeycloak({ users: USERS })
    await firstNight(nebari)
    const account = async (user: string): Promise<number> =>
      (await nebari.toriki(['cat', 'latest', 'keycloak', `user/${user}`, '--user', user])).status
    nebari.keycloak.removeEverybody()
    const last = await twoSuspectNights(nebari, async () => expect(await account('ann')).toBe(0))
    expect(suspectSources(last)).toEqual(['keycloak'])
    expect(last.slices).toMatchObject({ total: USERS + 4, saved: USERS + 4, failed: 0 })
    expect(await latestFile(nebari, 'ann')).toBe('of ann\n')
    await accept(nebari, last.run)
    expect(await account('ann')).toBe(1)
    expect(await nebari.json<Report>('backup')).toMatchObject({ outcome: 'complete', slices: { suspect: 0 } })
  })

  whenMountable(
    `an unmounted root, its mount point bare: suspect both times, latest is the good one; mounted again, all is well${why}`,
    async () => {
      const nebari = await makeNebari({ users: USERS })
      const volume = join(nebari.root, 'home')
      const mountPoint = join(nebari.folder, 'mnt')
      mkdirSync(mountPoint)
      nebari.configure((settings) => {
        settings.components.files = { root: mountPoint, home: '{user}' }
      })
      mounts.bind(volume, mountPoint)
      await firstNight(nebari)
      mounts.unmount(mountPoint)
      const last = await twoSuspectNights(nebari, async () => expect(await latestFile(nebari, 'ann')).toBe('of ann\n'))
      expect(suspectSources(last)).toEqual(['files'])
      mounts.bind(volume, mountPoint)
      expect(await nebari.json<Report>('backup')).toMatchObject({
        outcome: 'complete',
        slices: { saved: USERS, suspect: 0 },
      })
    },
  )

  whenMountable(
    `an unmounted root that lacks the homes' directory: nothing is stored, told both times, latest is the good one; mounted again, the run is replayed${why}`,
    async () => {
      const nebari = await makeNebari({ users: USERS })
      const mountPoint = join(nebari.folder, 'mnt')
      mkdirSync(mountPoint)
      nebari.configure((settings) => {
        settings.components.files = { root: mountPoint, home: 'home/{user}', group: 'shared/{group}' }
      })
      mounts.bind(nebari.root, mountPoint)
      await firstNight(nebari)
      mounts.unmount(mountPoint)
      const alarms = keepAlarms(nebari)
      let run = ''
      for (const night of [1, 2]) {
        const backup = await nebari.toriki(['--json', 'backup'])
        const status = await nebari.json<Report>('status')
        run = status.run
        expect([night, backup.status]).toEqual([night, 1])
        expect(status).toMatchObject({
          outcome: 'failed',
          slices: { total: USERS + 3, failed: USERS + 3, saved: 0 },
          sources: [{ component: 'files', unreachable: 'root-missing' }],
        })
        expect(alarms().find((alarm) => alarm.alarm === 'run-ended' && alarm.run === run)).toMatchObject({
          outcome: 'failed',
          failures: [{ component: 'files', code: 'root-missing', count: USERS + 3 }],
        })
        expect(await latestFile(nebari, 'ann')).toBe('of ann\n')
      }
      mounts.bind(nebari.root, mountPoint)
      expect(await nebari.json<Report>('replay')).toMatchObject({ run, slices: { saved: USERS + 3 }, failures: [] })
    },
  )
})
