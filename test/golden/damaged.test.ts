/** Flip, truncate, delete, swap or replay any single object of the golden repository: `check --read-data` finds it, and says who is hit. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { isTorikiError } from '../../lib/errors.ts'
import { checkAll } from '../../lib/maintenance/check.ts'
import { openDeployment } from '../../lib/repository/deployment-repository.ts'
import { damagedGolden, damages, goldenKinds } from '../kit/damage-golden.ts'
import type { Damage } from '../kit/damage-golden.ts'
import type { GoldenRepository } from '../kit/golden-repository.ts'
import { goldenHome, readGoldenHome } from '../kit/golden-person.ts'
import { restoreGolden } from '../kit/restore-golden.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

/** What nothing stands on: its deletion loses nothing, and nothing says that it should be there. */
const HARMLESS: Readonly<Record<string, string>> = {
  'deployment record before the last': 'the last one says all',
  'checkpoint': 'its run begins anew',
  'condemned': 'prune condemns again, and nothing is deleted meanwhile',
  'newest marks': 'no snapshot was made since that could name them; test/unit/repository/check.test.ts has one that was',
  'older marks': 'each mark repeats those before it',
  'event of a run': '`toriki runs` shows the slice without a report; its snapshot counts',
  'restore record': 'that restore is not known any more, and holds nothing',
}

/** Whom the findings must name. The deployment as a whole where nothing can be opened without it. */
const HIT: Readonly<Record<string, RegExp>> = {
  'deployment record': /^(seal-broken|deployment-missing)/,
  'deployment record before the last': /^(the deployment: deployment\/1|deployment-missing)/,
  'deployment keys': /^(seal-broken|deployment-mismatch)/,
  'next generation': /^user\/bob/,
  'content pack': /^user\/ann.* files data\/large\.bin/,
  'tree pack': /^user\/ann.* files data\/many holes\.img/,
  'index': /^user\/ann: (.* files kinds\/a first name|An index object)/,
  'newest snapshot': /^user\/ann: 20260304T020000000Z-full-f4bb65ce67\.1/,
  'older snapshot': /^user\/ann: 20260302T020000000Z-full-0c5442af19\.1/,
  'forgotten snapshot that holds chunks of others': /^user\/ann: 20260304T020000000Z-full-f4bb65ce67\.1 keycloak/,
  'run': /^the deployment: .*20260304T020000000Z-full-f4bb65ce67/,
  'slices of a run': /^the deployment: .*20260304T020000000Z-full-f4bb65ce67/,
  'event of a run': /^the deployment: .*20260304T020000000Z-full-f4bb65ce67/,
  'restore record': /^the deployment: restores\//,
}

/** Those of the golden repository that hold something of the newest night. */
const WHICH: Readonly<Record<string, number>> = { 'content pack': 1, 'index': 3 }

async function found({ platform }: GoldenRepository): Promise<readonly string[]> {
  const { signal } = new AbortController()
  try {
    const repository = await openDeployment(platform, { name: 'campus' })
    const said: string[] = []
    for await (const { slice = 'the deployment', damage } of checkAll({ platform, repository }, { readPercent: 100, signal }))
      for (const { snapshot, component, key, what } of damage)
        said.push(`${slice}: ${[snapshot, component, key, what].filter((part) => part !== undefined).join(' ')}`)
    return said
  } catch (error) {
    if (!isTorikiError(error)) throw error
    return [`${error.code}: ${error.message}`]
  }
}

const table = Object.keys(goldenKinds).flatMap((kind) => damages.map((damage): [string, Damage] => [kind, damage]))

describe('check --read-data', () => {
  test.each(table)('finds a %s that was %s', async (kind, damage) => {
    const said = await found(await damagedGolden(kind, damage, WHICH[kind]))
    if (damage === 'deleted' && HARMLESS[kind] !== undefined) expect(said).toEqual([])
    else expect(said).toContainEqual(expect.stringMatching(HIT[kind] ?? /^user\/ann/))
  })
})

describe('a restore', () => {
  test.each<[string, Damage]>([
    ['content pack', 'flipped'],
    ['content pack', 'deleted'],
    ['tree pack', 'truncated'],
    ['index', 'deleted'],
  ])('out of a store with a %s that was %s brings the rest, names what it does not, and shows nothing half', async (kind, damage) => {
    const { platform } = await damagedGolden(kind, damage, WHICH[kind])
    const root = await temporaryFolder()
    mkdirSync(join(root, 'home'))
    const { step, cannot } = await restoreGolden(platform, root)
    expect(step.step).toBe('verified')
    const damaged = step.step === 'verified' ? (step.damaged?.findings ?? []) : []
    expect(damaged.length).toBeGreaterThan(0)
    const without = new Set([...cannot, ...damaged.map(({ key }) => key)])
    expect(await readGoldenHome(root)).toEqual(goldenHome(without))
  })
})
