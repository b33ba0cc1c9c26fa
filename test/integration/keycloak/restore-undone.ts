/** What is taken back on a real server: one person of fifty, half-way; and the shared state, when it does not read back as planned. */
import { expect, test } from '@jest/globals'
import type { ReadResource } from '../../contract/component.ts'
import { realmRoles } from '../../kit/seed-realm/building.ts'
import { compareFingerprints } from '../../kit/seed-realm/compare-fingerprints.ts'
import { fingerprint } from '../../kit/seed-realm/fingerprint.ts'
import { findGroup } from '../../kit/seed-realm/groups.ts'
import { eachOf } from '../../kit/servers/admin-rest.ts'
import type { JsonObject } from '../../kit/servers/admin-rest.ts'
import { cuttingProxy } from '../../kit/servers/cutting-proxy.ts'
import type { Product, SeededServer } from './restore-ground.ts'

interface Ground {
  readonly product: Product
  readonly target: SeededServer
  /** What of the people here is not as it was saved, and was not said to be lost. */
  unlike(now: ReadonlyMap<string, ReadResource>): readonly string[]
}

interface Report {
  readonly outcome: string
  readonly slices: Readonly<Record<string, number>>
  readonly failures: readonly { readonly slice: string; readonly code: string; readonly outcome: string }[]
}

/** In this group is nobody else. */
const POISONED = 'same-leaf'
const OWN_GROUP = ['a', 'x'] as const
const PEOPLE = 50

/** Everybody is as saved before and after. */
export function testUndone(ground: () => Ground): void {
  const plan = async (...words: readonly string[]): Promise<string> => {
    const made = await ground().product.json<{ readonly plan: string; readonly failures: readonly object[] }>(
      ...['restore', 'plan', ...words, '--in-place', '--privileged'],
    )
    expect(made.failures).toEqual([])
    return made.plan
  }
  const apply = async (id: string): Promise<Report> =>
    await ground().product.json<Report>('restore', 'apply', id, '--yes')

  test('one person of fifty who cannot be restored is as before, half-way or not; forty-nine stay; the report says both', async () => {
    const { target, unlike } = ground()
    const { rest } = target
    const names = [POISONED, ...target.people.filter((name) => name !== POISONED)].slice(0, PEOPLE)
    expect(names).toHaveLength(PEOPLE)
    const [stray, own] = [await findGroup(rest, ['empty']), await findGroup(rest, OWN_GROUP)]
    const roles = await realmRoles(rest, ['realm-b'])
    await eachOf(names, 8, async (name) => {
      const id = await target.idOf(name)
      await rest.put(`/nebari/users/${id}/groups/${stray}`)
      await rest.post(`/nebari/users/${id}/role-mappings/realm`, roles)
    })
    const poisoned = await target.idOf(POISONED)
    await rest.delete(`/nebari/users/${poisoned}/groups/${own}`)
    const id = await plan(...names.flatMap((name) => ['--user', name]))
    const { id: _, ...group } = await rest.get(`/nebari/groups/${own}`)
    await rest.delete(`/nebari/groups/${own}`)
    const before = await target.readPerson(POISONED)
    const writes = async (): Promise<readonly string[]> =>
      (
        await rest.get<{ operationType: string; resourcePath: string }[]>(
          `/nebari/admin-events?max=1000&resourcePath=${encodeURIComponent(`users/${poisoned}/*`)}`,
        )
      ).map(({ operationType, resourcePath }) => `${operationType} ${resourcePath.replace(poisoned, 'ID')}`)
    const written = (await writes()).length

    const report = await apply(id)
    expect(report).toMatchObject({
      outcome: 'partial',
      slices: { total: PEOPLE, verified: PEOPLE - 1, undone: 1 },
      failures: [{ slice: `user/${POISONED}`, code: 'restore-conflict', outcome: 'undone' }],
    })
    // It was begun: out of the stray group, and back into it.
    const since = (await writes()).slice(0, -written || undefined)
    expect(since).toEqual([`CREATE users/ID/groups/${stray}`, `DELETE users/ID/groups/${stray}`])
    expect(await target.readPerson(POISONED)).toEqual(before)
    const spoilt = unlike(await target.read('backup-admin'))
    expect(spoilt.map((path) => path.split(' ')[0])).toEqual(spoilt.map(() => `user/${POISONED}`))
    expect(spoilt.length).toBeGreaterThan(0)

    await rest.post(`/nebari/groups/${await findGroup(rest, ['a'])}/children`, { ...group, name: OWN_GROUP[1] })
    expect(await apply(await plan('--user', POISONED))).toMatchObject({ outcome: 'complete' })
    expect(unlike(await target.read('backup-admin'))).toEqual([])
  }, 300_000)

  test('shared state that does not read back as planned is taken back, every key of it, and nobody is started', async () => {
    const { product, target } = ground()
    const { rest, server } = target
    const gone = ['full', 'rich1', 'rich10']
    await target.removePeople(gone)
    const changed = await findGroup(rest, ['b', 'x'])
    const edit = async (path: string, change: object): Promise<void> => {
      await rest.put(`/nebari${path}`, { ...(await rest.get<JsonObject>(`/nebari${path}`)), ...change })
    }
    await edit(`/groups/${changed}`, { attributes: { side: ['wrong'] } })
    await rest.delete(`/nebari/groups/${await findGroup(rest, ['roles-only'])}`)
    await rest.delete('/nebari/localization/de')
    const [first, second] = await realmRoles(rest, ['realm-a', 'level-one'])
    await edit(`/roles-by-id/${first?.id}`, { description: 'Changed', attributes: { team: ['red'] } })
    await rest.delete(`/nebari/roles-by-id/${second?.id}`)
    const before = await fingerprint(server)

    const proxy = await cuttingProxy(server)
    try {
      product.turnTo(target, { url: proxy.url })
      const lost = proxy.swallow('PUT', new RegExp(`/groups/${changed}$`))
      const id = await plan('--shared', ...gone.flatMap((name) => ['--user', name]))
      const report = await apply(id)
      expect(lost.count()).toBeGreaterThan(0)
      expect(report).toMatchObject({ outcome: 'rolled-back', slices: { verified: 0, undone: 1, refused: gone.length } })
      expect(report.failures).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ slice: 'shared', code: 'restore-not-verified', outcome: 'undone' }),
          ...gone.map((name) =>
            expect.objectContaining({ slice: `user/${name}`, code: 'restore-shared-failed', outcome: 'refused' }),
          ),
        ]),
      )
      expect(compareFingerprints(before, await fingerprint(server))).toEqual([])
      lost.end()
      const again = await plan('--shared', ...gone.flatMap((name) => ['--user', name]))
      expect(await apply(again)).toMatchObject({ outcome: 'complete' })
    } finally {
      product.turnTo(target)
      await proxy.stop()
    }
  }, 300_000)
}
