/**
 * The checks that make a restore a round trip, by the whole product on real servers: saved from one, people, groups, roles and bindings deleted on the same or on
 * another version, restored there; and everybody logs in with what they logged in with before.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { canonicalJson } from '../../../lib/resources/json.ts'
import { encodeKey, formatKey } from '../../../lib/resources/key.ts'
import type { ReadResource } from '../../contract/component.ts'
import { findBelow, findIn } from '../../kit/acceptance/find-planted.ts'
import { startToriki } from '../../kit/acceptance/toriki-process.ts'
import { compareFingerprints } from '../../kit/seed-realm/compare-fingerprints.ts'
import { fingerprint } from '../../kit/seed-realm/fingerprint.ts'
import type { Fingerprint } from '../../kit/seed-realm/fingerprint.ts'
import { findGroup } from '../../kit/seed-realm/groups.ts'
import { loginWithPassword } from '../../kit/seed-realm/login.ts'
import type { KeycloakVersion } from '../../kit/servers/keycloak-install.ts'
import { startPostgres } from '../../kit/servers/postgres.ts'
import type { Postgres } from '../../kit/servers/postgres.ts'
import { waitUntil } from '../../kit/servers/wait-until.ts'
import { removeAdminsPart, removeEverybody } from './damage.ts'
import { installerPartOf } from './installer-layer.ts'
import { productBeside, seededServer } from './restore-ground.ts'
import type { Product, SeededServer } from './restore-ground.ts'
import { testUndone } from './restore-undone.ts'

export interface RoundTrip {
  readonly from: KeycloakVersion
  readonly to: KeycloakVersion
  /** People beside the named ones. */
  readonly bulk: number
  /** Also what an administrator added of groups, roles and bindings is deleted and restored. */
  readonly shared: boolean
}

interface PlanJson {
  readonly plan: string
  readonly changes: Readonly<Record<'create' | 'update' | 'delete' | 'cannot' | 'left', number>>
  readonly items: readonly PlanItemJson[]
  readonly failures: readonly object[]
}
interface PlanItemJson {
  readonly slice: string
  readonly key: string
  readonly action: string
  readonly reason?: string
  readonly lost?: readonly { readonly field: string }[]
}
interface ReportJson {
  readonly restore: string
  readonly outcome: string
  readonly verified: boolean
  readonly slices: Readonly<Record<string, number>>
  readonly failures: readonly { readonly slice: string; readonly code: string }[]
}

const ALL = ['--all', '--in-place', '--privileged'] as const

export function describeRoundTrip({ from, to, bulk, shared }: RoundTrip): void {
  describe(`saved from Keycloak ${from}, restored to ${to}`, () => {
    let postgres: Postgres
    let product: Product
    /** What was saved from; ended once the target is another. */
    let source: SeededServer
    let target: SeededServer
    /** What the backup saw. */
    let saved: ReadonlyMap<string, ReadResource>
    /** The source, as an independent reading has it. */
    let before: Fingerprint
    let countBefore: number
    /** The target before it was damaged, and right after. */
    let whole: Fingerprint
    let damaged: Fingerprint
    let plan: PlanJson

    beforeAll(async () => {
      postgres = await startPostgres()
      source = await seededServer(postgres, from, bulk)
      product = await productBeside(source)
      const backup = await product.toriki('backup')
      expect([backup.status, backup.err]).toEqual([0, expect.anything()])
      saved = await source.read()
      before = await fingerprint(source.server)
      countBefore = await source.rest.get('/nebari/users/count')
      target = source
      if (to !== from) {
        await source.server.stop()
        target = await seededServer(postgres, to, bulk)
        product.turnTo(target)
      }
      whole = to === from ? before : await fingerprint(target.server)
      await removeEverybody(target)
      if (shared) await removeAdminsPart(target)
      damaged = await fingerprint(target.server)
      plan = await product.json<PlanJson>('restore', 'plan', ...ALL)
    }, 900_000)
    afterAll(async () => {
      await target?.server.stop()
      await postgres?.stop()
    }, 60_000)

    /** Between versions some shared state may not be possible, which the plan says; of people everything is. */
    const wholeOutcome = ({ changes }: PlanJson): string =>
      from === to || changes.cannot === 0 ? 'complete' : 'partial'
    /** What of people is not as it was saved, and was not said to be lost. Read by an administrator: the account that backs up may come from a version with fewer rights. */
    const unlike = (now: ReadonlyMap<string, ReadResource>): readonly string[] => {
      const lost = new Map(plan.items.map(({ key, lost: fields = [] }) => [key, fields.map(({ field }) => field)]))
      return [...saved]
        .filter(([key]) => key.startsWith('user/'))
        .flatMap(([key, before]) =>
          differing(before, now.get(key))
            .filter((path) => !isLost(path, lost.get(key) ?? []))
            .map((path) => `${key} ${path}`),
        )
    }
    /** Restores, and gives the report. */
    const restore = async (...words: readonly string[]): Promise<ReportJson> =>
      await product.json<ReportJson>('restore', ...words, '--in-place', '--privileged', '--yes')

    test('a plan writes nothing, and has everybody who was deleted', async () => {
      expect(plan.failures).toEqual([])
      expect(compareFingerprints(damaged, await fingerprint(target.server))).toEqual([])
      const made = plan.items.filter(({ action }) => action === 'create').map(({ key }) => key)
      expect([...saved.keys()].filter((key) => key.startsWith('user/') && !made.includes(key))).toEqual([])
    }, 300_000)

    test('everything that was planned is restored and proven', async () => {
      const report = await product.json<ReportJson>('restore', 'apply', plan.plan, '--yes')
      expect(report).toMatchObject({ outcome: wholeOutcome(plan), verified: true, failures: [] })
    }, 600_000)

    test('1, 2: a second reading equals the first, ids and dates included; what this version cannot keep was in the plan', async () => {
      expect(unlike(await target.read('backup-admin'))).toEqual([])
    }, 600_000)

    test('1: an independent reading has everybody as they were saved, less what the plan said is lost', async () => {
      const left = compareFingerprints(sortedAttributes(before), sortedAttributes(await fingerprint(target.server)))
      const lost = new Map(plan.items.map(({ key, lost: fields = [] }) => [key, fields.map(({ field }) => field)]))
      const isPlanned = (key: string, field: string): boolean =>
        (lost.get(`user/${key}`) ?? []).some((one) => one === field || one.startsWith(`${field}.`))
      expect(
        left
          .filter(({ kind }) => kind === 'user')
          .filter(({ key, change, fields }) => change !== 'updated' || !fields.every((one) => isPlanned(key, one))),
      ).toEqual([])
      if (from !== to) return
      // On the same version everything else is as it was, too.
      const refused = new Set(plan.items.filter(({ action }) => action === 'cannot').map(({ key }) => key))
      expect(left.filter(({ change }) => change === 'created')).toEqual([])
      if (refused.size === 0) expect(left).toEqual([])
    }, 300_000)

    test('4: counts of people, members and holders of roles are those of before', async () => {
      const { rest } = target
      // Who was saved: a newer version has people whom an older one cannot hold.
      const { expected } = source.seed
      expect(countBefore).toBe(expected.userCount)
      expect(await rest.get('/nebari/users/count')).toBe(countBefore)
      for (const [group, { people, serviceAccounts }] of expected.members) {
        const path = JSON.parse(group) as readonly string[]
        const members = await rest.get<object[]>(`/nebari/groups/${await findGroup(rest, path)}/members?max=100000`)
        expect([group, members.length]).toEqual([group, people + serviceAccounts])
      }
      for (const [role, count] of expected.realmRoleUsers) {
        const holders = await rest.get<{ username: string }[]>(
          `/nebari/roles/${encodeURIComponent(role)}/users?max=100000`,
        )
        const people = holders.filter(({ username }) => !username.startsWith('service-account-'))
        expect([role, people.length]).toEqual([role, count])
      }
    }, 300_000)

    test('5: nothing was made that was not in the plan', async () => {
      const { state } = await fingerprint(target.server)
      const made = (kind: string): readonly string[] =>
        Object.keys(state[kind] ?? {}).filter((key) => !Object.hasOwn(whole.state[kind] ?? {}, key))
      const planned = new Set(
        plan.items.filter(({ action }) => action === 'create' || action === 'update').map(({ key }) => key),
      )
      expect(
        Object.keys(state)
          .flatMap((kind) => made(kind).map((key) => plannedAs(kind, key)))
          .filter((key) => !planned.has(key)),
      ).toEqual([])
    }, 300_000)

    test('6: what the installer made is untouched byte by byte, secrets of its clients included', async () => {
      expect(JSON.stringify(installerPartOf(await fingerprint(target.server)))).toBe(
        JSON.stringify(installerPartOf(damaged)),
      )
    }, 300_000)

    test('7: a second restore plans nothing and writes nothing', async () => {
      const again = await product.json<PlanJson>('restore', 'plan', ...ALL)
      const { create, update, delete: removed } = again.changes
      expect([create, update, removed, again.failures]).toEqual([0, 0, 0, []])
      const before = await fingerprint(target.server)
      expect(await product.json<ReportJson>('restore', 'apply', again.plan, '--yes')).toMatchObject({ verified: true })
      expect(compareFingerprints(before, await fingerprint(target.server))).toEqual([])
    }, 600_000)

    // A login hashes an old password anew: from here on credentials are no longer those that were saved.
    test('3: everybody logs in with the old password and the old one-time code; a wrong password, disabled and pending people are refused', async () => {
      for (const { username, password, login, otp } of source.seed.users) {
        if (password === undefined || !source.people.includes(username)) continue
        const device = otp[0]
        const credentials = { username, password, ...(device === undefined ? {} : { device }) }
        const { accepted, reason } = await loginWithPassword(target.server, credentials)
        expect([username, accepted]).toEqual([username, login === 'accepted' && canLogIn(plan, username)])
        if (login === 'refused')
          expect([username, reason]).toEqual([username, expect.stringMatching(/disabled|not fully set up/i)])
        const wrong = await loginWithPassword(target.server, { ...credentials, password: `${password}-wrong` })
        expect([username, wrong.accepted]).toEqual([username, false])
      }
    }, 600_000)

    test('8: with one poisoned person among several all others are restored, and this one is named', async () => {
      const names = ['full', 'same-leaf', 'rich1', 'rich10']
      await target.removePeople(names)
      const asked = names.flatMap((name) => ['--user', name])
      const { plan: id } = await product.json<PlanJson>('restore', 'plan', ...asked, '--in-place', '--privileged')
      // Gone between the plan and the restore: the import of this person fails.
      const group = await findGroup(target.rest, ['a', 'x'])
      const { id: _, ...body } = await target.rest.get(`/nebari/groups/${group}`)
      await target.rest.delete(`/nebari/groups/${group}`)
      const report = await product.json<ReportJson>('restore', 'apply', id, '--yes')
      expect([report.outcome, report.failures.map(({ slice }) => slice)]).toEqual(['partial', ['user/same-leaf']])
      expect(report.slices).toMatchObject({ verified: 3, undone: 1 })
      expect(await target.idOf('same-leaf')).toBe('')
      for (const name of ['full', 'rich1', 'rich10']) expect([name, await target.idOf(name)]).not.toEqual([name, ''])
      const parent = await findGroup(target.rest, ['a'])
      await target.rest.post(`/nebari/groups/${parent}/children`, { name: 'x', attributes: body['attributes'] })
      expect(await restore('--user', 'same-leaf')).toMatchObject({ outcome: 'complete', verified: true })
    }, 300_000)

    test('9: a role that is missing on the target is refused before the first write', async () => {
      const role = await target.rest.get<{ id: string }>('/nebari/roles/realm-a')
      const composites = await target.rest.get<object[]>(`/nebari/roles-by-id/${role.id}/composites`)
      await target.removePeople(['direct-and-inherited'])
      await target.rest.delete('/nebari/roles/realm-a')
      const refused = await product.json<PlanJson>(
        'restore',
        'plan',
        '--user',
        'direct-and-inherited',
        '--in-place',
        '--privileged',
      )
      expect(refused.items).toMatchObject([
        { action: 'cannot', key: 'user/direct-and-inherited', reason: expect.stringContaining('realm-role/realm-a') },
      ])
      await product.json<ReportJson>('restore', 'apply', refused.plan, '--yes')
      expect(await target.idOf('direct-and-inherited')).toBe('')
      expect(await target.rest.find('/nebari/roles/realm-a')).toBeUndefined()
      const { id: _, ...body } = { ...role }
      await target.rest.post('/nebari/roles', body)
      const made = await target.rest.get<{ id: string }>('/nebari/roles/realm-a')
      await target.rest.post(`/nebari/roles-by-id/${made.id}/composites`, composites)
      const group = await findGroup(target.rest, ['projects', 'p3'])
      await target.rest.post(`/nebari/groups/${group}/role-mappings/realm`, [made])
      expect(await restore('--user', 'direct-and-inherited')).toMatchObject({ outcome: 'complete', verified: true })
      expect((await target.readPerson('direct-and-inherited'))?.state).toEqual(
        expect.objectContaining(saved.get('user/direct-and-inherited')?.state ?? {}),
      )
    }, 300_000)

    test('13: a restore whose process is killed in the middle and that is gone on with ends the same', async () => {
      const people = target.people.filter((name) => name.startsWith('bulk-') || name.startsWith('rich'))
      await target.removePeople(people)
      const again = await product.json<PlanJson>('restore', 'plan', ...ALL)
      const id = again.plan
      const running = startToriki(product.nebari.settings, ['restore', 'apply', id, '--yes'])
      const count = async (): Promise<number> => await target.rest.get('/nebari/users/count')
      const start = await count()
      await waitUntil('somebody restored', async () => ((await count()) > start ? true : undefined), {
        ...{ timeoutMs: 60_000, everyMs: 50 },
      })
      running.kill('SIGKILL')
      await running.ended
      expect(await count()).toBeLessThan(countBefore)
      const report = await product.json<ReportJson>('restore', 'resume', id)
      expect(report).toMatchObject({ outcome: wholeOutcome(again), verified: true })
      expect(unlike(await target.read('backup-admin'))).toEqual([])
    }, 600_000)

    if (from === to && shared) testUndone(() => ({ product, target, unlike }))

    // Last: about everything that was printed and stored so far.
    test('10: no secret and no password appears in what was printed, reported or stored', () => {
      const planted = [...new Set([...source.seed.plantedSecrets, ...target.seed.plantedSecrets])]
      expect(findIn('what was printed', product.printed(), planted)).toEqual([])
      expect(findIn('what was printed', product.printed(), [source.databaseUrl, target.databaseUrl])).toEqual([])
      expect([...findBelow(product.nebari.store, planted), ...findBelow(product.nebari.queue, planted)]).toEqual([])
    }, 300_000)
  })
}

/** The written key of what an independent reading found under this kind and key. */
function plannedAs(kind: string, key: string): string {
  const parts = key.startsWith('[') ? (JSON.parse(key) as readonly string[]) : [key]
  const segments = OF_THEIR_FIRST.has(kind) ? parts.slice(0, 1) : ALONE.has(kind) ? [] : parts
  return formatKey(encodeKey(KINDS[kind] ?? kind.toLowerCase(), segments))
}
const KINDS: Readonly<Record<string, string>> = {
  ...{ clientScope: 'client-scope', realmRole: 'realm-role', clientRole: 'client-role', profile: 'user-profile' },
  ...{ requiredAction: 'required-action', identityProvider: 'identity-provider', serviceAccount: 'service-account' },
  identityProviderMapper: 'identity-provider',
}
/** Parts of what their first word names. */
const OF_THEIR_FIRST: ReadonlySet<string> = new Set(['identityProviderMapper', 'localization'])
const ALONE: ReadonlySet<string> = new Set(['profile'])

/** Members of a person that are not as they were; dates of consents are Keycloak's own. */
function differing(before: ReadResource, after: ReadResource | undefined): readonly string[] {
  if (after === undefined) return ['is not there']
  const paths: string[] = []
  const look = (one: unknown, other: unknown, path: string): void => {
    if (canonicalJson((one ?? null) as never) === canonicalJson((other ?? null) as never)) return
    const isObject = (value: unknown): value is object =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
    if (!isObject(one) || !isObject(other)) return void paths.push(path)
    for (const name of new Set([...Object.keys(one), ...Object.keys(other)]))
      look(Reflect.get(one, name), Reflect.get(other, name), path === '' ? name : `${path}.${name}`)
  }
  // What the version that was saved showed to nobody, the backup does not know.
  const { organizations, ...shown } = after.state
  look(before.state, before.state['organizations'] === undefined ? shown : { ...shown, organizations }, '')
  look(before.kept, after.kept, '')
  look(before.secrets, after.secrets, 'secrets')
  return paths
}

function isLost(path: string, lost: readonly string[]): boolean {
  return lost.some((field) => {
    const secret = field.replace(/^credentials/, 'secrets')
    return [field, secret].some((one) => path === one || path.startsWith(`${one}.`))
  })
}

/** The values of an attribute have no order that Keycloak keeps. */
function sortedAttributes({ state, kept }: Fingerprint): Fingerprint {
  const users = Object.entries(state['user'] ?? {}).map(([name, user]) => {
    const { attributes = {}, ...rest } = user as { attributes?: Record<string, string[]> }
    const sorted = Object.entries(attributes).map(([attribute, values]) => [attribute, values.toSorted()] as const)
    return [name, { ...rest, attributes: Object.fromEntries(sorted) }] as const
  })
  return { state: { ...state, user: Object.fromEntries(users) }, kept }
}

/** Was nothing of what this person logs in with lost? */
function canLogIn({ items }: PlanJson, username: string): boolean {
  const lost = items.find(({ key }) => key === `user/${username}`)?.lost ?? []
  return !lost.some(({ field }) => field.startsWith('credentials'))
}
