import { describe, expect, test } from '@jest/globals'
import { formatPlan } from '../../../../lib/cli/restore/format-plan.ts'
import type { PlanView } from '../../../../lib/cli/restore/view-plan.ts'
import { encodeKey } from '../../../../lib/resources/key.ts'
import { plainTerminal } from '../../../kit/plain-terminal.ts'

const restore = '20261121T080000000Z-restore-1f0c2d3e4a'
const id = '20261121T020005123Z-full-519931405b.1'
const none = { create: 0, update: 0, delete: 0, cannot: 0, left: 0, keep: 0 }
const empty: PlanView = {
  root: { restore, hash: 'aa', counts: none, slices: 1, failed: 0 },
  slices: ['user/ann'],
  snapshots: [{ slice: 'user/ann', id, components: ['keycloak', 'files'] }],
  components: new Map(),
  creates: { lines: [], more: 0 },
  changes: { lines: [], more: 0 },
  deletes: { lines: [], more: 0 },
  cannot: [],
  left: [],
  lost: [],
  privileged: [],
  needsPerson: [],
  folders: new Map(),
  notes: [],
  missing: [],
  target: undefined,
  failures: [],
}
const entry = (path: string): ReturnType<typeof encodeKey> => encodeKey('entry', path.split('/'))
const folder = 'restored-20261121T080000000Z'

const full: PlanView = {
  ...empty,
  root: { ...empty.root, counts: { create: 4, update: 2, delete: 0, cannot: 1, left: 1, keep: 1204 } },
  components: new Map([
    ['keycloak', { ...none, update: 1, cannot: 1, left: 1, bytes: 0 }],
    ['files', { ...none, create: 4, update: 1, keep: 1204, bytes: 20 * 2 ** 20 }],
  ]),
  creates: {
    lines: [
      { slice: 'user/ann', component: 'files', key: entry(folder), beneath: 0, bytes: 0 },
      { slice: 'user/ann', component: 'files', key: entry(`${folder}/data`), beneath: 2, bytes: 20 * 2 ** 20 },
    ],
    more: 7,
  },
  changes: {
    lines: [
      {
        slice: 'user/ann',
        component: 'keycloak',
        key: 'user/ann',
        fields: ['email', 'groups', 'secrets.password'],
        values: [
          { field: 'email', was: 'ann@old.example.org', will: 'ann@institute.example.org' },
          { field: 'groups', comes: [['projects', 'p1']], goes: [] },
        ],
      },
    ],
    more: 0,
  },
  cannot: [{ text: 'The group is not there. Restore shared state first.', count: 1, whom: ['keycloak user/ann'] }],
  left: [{ text: 'Nebari’s installer makes it anew.', count: 1, whom: ['keycloak role/x'] }],
  lost: [{ text: 'The backup does not cover its hash.', count: 1, whom: ['keycloak user/ann credentials.otp'] }],
  privileged: [{ text: 'gives a right to administrate', count: 1, whom: ['keycloak user/ann'] }],
  needsPerson: [{ text: 'Set up the one-time-code device again at the next login.', count: 1, whom: ['user/ann'] }],
  folders: new Map([[folder, 1]]),
  notes: [{ text: 'Nobody could be asked whether a server is running.', count: 1, whom: ['user/ann'] }],
  missing: [{ text: 'jupyterhub is not in the snapshot', count: 1, whom: ['user/ann'] }],
}

describe('a plan', () => {
  test('reads so, at 80 columns', () => {
    expect(formatPlan(plainTerminal(), full)).toBe(`
Plan ${restore}
user/ann as of 2026-11-21 02:00:05 UTC
  user/ann@${id}

COMPONENT  CREATE  UPDATE   KEEP  CANNOT  LEFT   BYTES
keycloak        0       1      0       1     1     0 B
files           4       1  1,204       0     0  20 MiB

+ files  ${folder}
+ files  ${folder}/data/  2 more in it, 20 MiB
  … and 7 more to create (all with --json)
~ keycloak  user/ann
    email: ann@old.example.org → ann@institute.example.org
    groups: + /projects/p1
    secret password

Files go beside what is there, into ${folder}/ (over it
instead: --in-place).

Nobody could be asked whether a server is running.

Not stored, so it does not come back:
  - jupyterhub is not in the snapshot (user/ann)

Gives rights to administrate:
  - gives a right to administrate (keycloak user/ann)

Cannot be restored:
  - The group is not there. Restore shared state first. (keycloak user/ann)

Does not come back here:
  - The backup does not cover its hash. (keycloak user/ann credentials.otp)

Needs a person afterwards:
  - Set up the one-time-code device again at the next login. (user/ann)

Is the installer’s, and left as it is:
  - Nebari’s installer makes it anew. (keycloak role/x)
`)
  })

  test.each([60, 80, 120])('has no line wider than a terminal of %i columns', (width) => {
    const long = formatPlan(plainTerminal({ width }), full)
      .split('\n')
      .filter((line) => line.length > width && !/^ {2}user\/ann@|^COMPONENT|^(keycloak|files) {2}/.test(line))
    // Ids are for copying: never cut.
    expect(long.filter((line) => !line.includes(folder))).toEqual([])
  })

  test('of several says whose each difference is, and from when to when', () => {
    const view: PlanView = {
      ...full,
      root: { ...full.root, slices: 3 },
      slices: ['shared', 'user/ann', 'user/ben'],
      snapshots: [
        { slice: 'user/ben', id: '20261121T020009000Z-full-519931405b.1', components: ['files'] },
        ...empty.snapshots,
      ],
      notes: [{ text: 'Nobody could be asked.', count: 2, whom: ['user/ann', 'user/ben'] }],
    }
    const text = formatPlan(plainTerminal(), view)
    expect(text).toContain(
      '3 slices: shared, user/ann, user/ben; as of 2026-11-21 02:00:05 to 2026-11-21\n02:00:09 UTC\n',
    )
    expect(text).toContain('~ user/ann  keycloak  user/ann\n')
    expect(text).toContain('Nobody could be asked. (user/ann, user/ben)\n')
  })

  test('that finds nothing to do says so', () => {
    const kept = { ...empty, root: { ...empty.root, counts: { ...none, keep: 12 } } }
    expect(formatPlan(plainTerminal(), kept)).toContain(
      '\nNothing to do: what is live is what is stored.\n12 resources already as stored.\n',
    )
  })

  test('that could not be made for many says why once, with a count', () => {
    const failures = [
      {
        text: 'Nothing is stored.',
        count: 40,
        whom: ['user/a', 'user/b'],
        code: 'snapshot-not-found',
        remedy: 'Look.',
      },
    ]
    const view = { ...empty, root: { ...empty.root, slices: 40, failed: 40 }, failures }
    expect(formatPlan(plainTerminal(), view)).toContain(
      '\nNothing can be restored.\n\nsnapshot-not-found, 40 slices: user/a, user/b and 38 more\n  Nothing is stored.\n  → Look.\n',
    )
  })
})
