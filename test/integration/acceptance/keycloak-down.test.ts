import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { keepAlarms } from '../../kit/acceptance/alarms.ts'
import { homeFiles } from '../../kit/acceptance/home-files.ts'
import { makeNebariWithKeycloak, sumOfOutcomes } from '../../kit/acceptance/nebari.ts'
import type { Report } from '../../kit/acceptance/nebari.ts'
import { workUntilDrained } from '../../kit/acceptance/queues.ts'
import { storedFiles, storedSnapshots, withStored } from '../../kit/acceptance/stored-snapshots.ts'

const USERS = 30

test.each(['after a good night', 'in the very first night'])(
  'Keycloak down for a whole run, %s: all homes are saved, one cause is reported once, nobody is missing from the sum',
  async (when) => {
    const nebari = await makeNebariWithKeycloak({
      users: USERS,
      change(settings) {
        settings.limits = { ...settings.limits, attempts: 1 }
      },
    })
    // Somebody with an account and no home: known from the good night, and to nobody in the first.
    nebari.keycloak.add('only-an-account')
    const known = when === 'after a good night' ? 1 : 0
    /** With the shared state and the three shared directories. */
    const total = USERS + known + 4
    if (known > 0) expect(await nebari.json<Report>('backup')).toMatchObject({ outcome: 'complete' })
    const alarms = keepAlarms(nebari)
    await nebari.keycloak.stop()

    const backup = await nebari.toriki(['--json', 'backup'])
    expect(backup.status).toBe(3)
    const report = backup.json<Report>()
    expect(report).toMatchObject({
      outcome: 'partial',
      // Of people their files, of shared directories all there is, of the shared state nothing.
      slices: { total, partial: USERS + known, saved: 3, failed: 1, pending: 0 },
      sources: [{ component: 'keycloak', unreachable: 'source-unreachable' }],
    })
    expect(sumOfOutcomes(report)).toBe(total)

    const seen = new Set<string>()
    await withStored(nebari.settings, async (repository) => {
      for await (const stored of storedSnapshots(repository)) {
        if (stored.snapshot.run !== report.run) continue
        const [kind, name = ''] = stored.slice.split('/')
        const directory = kind === 'user' ? nebari.home(name) : join(nebari.root, 'shared', name)
        expect(await storedFiles(stored)).toEqual(name === 'only-an-account' ? new Map() : homeFiles(directory))
        expect(stored.snapshot.missing.map(({ component }) => component)).toEqual(kind === 'user' ? ['keycloak'] : [])
        seen.add(stored.slice)
      }
    })
    expect(seen.size).toBe(USERS + known + 3)

    const causes = new Set(report.failures.map(({ component, code, message }) => `${component} ${code} ${message}`))
    expect([...causes]).toEqual(['keycloak source-unreachable The source does not answer (ECONNREFUSED).'])
    expect(report.failures).toHaveLength(USERS + 1 + known)
    const text = (await nebari.toriki(['status'])).out
    expect(text.match(/source-unreachable in keycloak/g)).toHaveLength(1)
    expect(text).toContain(`source-unreachable in keycloak, ${USERS + 1 + known} slices: `)
    expect(text).toContain('→ Check its address and that it runs; then `toriki replay`.')
    // One dead-letter alarm and one at the end, not one per person.
    await workUntilDrained(nebari)
    expect(
      alarms()
        .map(({ alarm }) => alarm)
        .sort(),
    ).toEqual(['dead-letter', 'run-ended'])
  },
)
