import { describe, expect, test } from '@jest/globals'
import type { Interception } from '../../../../lib/embedded/demo/keycloak/server.ts'
import { keycloakComponent } from '../../../../lib/components/keycloak/component.ts'
import { startDemoKeycloak } from '../../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoKeycloak, DemoRequest } from '../../../../lib/embedded/demo/keycloak/server.ts'
import { listMembers } from '../../../contract/component.ts'
import { testSettings } from '../../../contract/keycloak.ts'
import { seededRandom } from '../../../kit/seeded-random.ts'

const PAGES = /^\/admin\/realms\/nebari\/users$/

async function withDemo<T>(
  users: number,
  intercept: (demo: DemoKeycloak, request: DemoRequest) => Interception | undefined,
  use: (demo: DemoKeycloak) => Promise<T>,
): Promise<T> {
  const demo: DemoKeycloak = await startDemoKeycloak({ users, intercept: (request) => intercept(demo, request) })
  try {
    return await use(demo)
  } finally {
    await demo.stop()
  }
}

async function namesOf(demo: DemoKeycloak): Promise<readonly string[]> {
  const component = keycloakComponent(testSettings(demo, { clientId: demo.client, secret: demo.secret }))
  try {
    return (await listMembers(component)).map(({ slice }) => (slice.kind === 'shared' ? '' : slice.label))
  } finally {
    await component.close()
  }
}

describe('everybody is listed', () => {
  test.each([0, 1, 99, 100, 101, 499, 500, 501, 980, 1501])('%d people', async (users) => {
    await withDemo(
      users,
      () => undefined,
      async (demo) => expect([...(await namesOf(demo))].sort()).toEqual([...demo.userNames].sort()),
    )
  })

  test('who are disabled are flagged, service accounts are no people', async () => {
    await withDemo(
      60,
      () => undefined,
      async (demo) => {
        demo.change('ann', { enabled: false })
        const component = keycloakComponent(testSettings(demo, { clientId: demo.client, secret: demo.secret }))
        const members = await listMembers(component)
        await component.close()
        expect(members.find(({ slice }) => slice.name === 'user/ann')?.flags).toEqual(['disabled'])
        expect(members.find(({ slice }) => slice.name === 'user/ben')?.flags).toBeUndefined()
        expect(members.filter(({ slice }) => slice.name.includes('service-account'))).toEqual([])
      },
    )
  })
})

describe('while people come and go', () => {
  // After each page somebody is deleted and somebody added, anywhere in the order of names.
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'no surviving person is missing and nobody is listed twice (seed %d)',
    async (seed) => {
      const random = seededRandom(seed)
      const there = new Set<string>()
      let serial = 0
      const churn = (demo: DemoKeycloak, { path }: DemoRequest): undefined => {
        if (!PAGES.test(path)) return
        for (let times = Math.floor(random.fraction() * 30); times > 0; times--) {
          const names = demo.userNames
          const leaving = names[Math.floor(random.fraction() * names.length)]
          if (leaving === undefined) break
          demo.remove(leaving)
          there.delete(leaving)
          if (random.fraction() < 0.5)
            demo.add(`${'abcdefghijklmnopqrstuvwxyz'.charAt(Math.floor(random.fraction() * 26))}-new-${++serial}`)
        }
      }
      await withDemo(4000, churn, async (demo) => {
        for (const name of demo.userNames) there.add(name)
        const names = await namesOf(demo)
        expect([...there].filter((name) => !names.includes(name))).toEqual([])
        expect(new Set(names).size).toBe(names.length)
      })
    },
  )

  test('a plain reader of pages misses survivors under the same changes: the test above can fail', async () => {
    const random = seededRandom(1)
    await withDemo(
      4000,
      () => undefined,
      async (demo) => {
        const there = new Set(demo.userNames)
        const seen = new Set<string>()
        for (let first = 0; first < 4000; first += 500) {
          for (const name of demo.userNames.slice(first, first + 500)) seen.add(name)
          for (let times = 0; times < 15; times++) {
            const leaving = demo.userNames[Math.floor(random.fraction() * demo.userNames.length)] ?? ''
            demo.remove(leaving)
            there.delete(leaving)
          }
        }
        expect([...there].filter((name) => !seen.has(name)).length).toBeGreaterThan(0)
      },
    )
  })

  test('more deletions between two pages than pages overlap are found out and read again', async () => {
    let pages = 0
    const there = new Set<string>()
    const churn = (demo: DemoKeycloak, { path }: DemoRequest): undefined => {
      if (!PAGES.test(path) || ++pages !== 3) return
      for (const leaving of demo.userNames.slice(0, 300)) {
        demo.remove(leaving)
        there.delete(leaving)
      }
    }
    await withDemo(3000, churn, async (demo) => {
      for (const name of demo.userNames) there.add(name)
      const names = await namesOf(demo)
      expect([...there].filter((name) => !names.includes(name))).toEqual([])
    })
  })
})

describe('a list that cannot be believed is an error', () => {
  test('a server that gives short pages', async () => {
    const cap = (demo: DemoKeycloak, { path, query }: DemoRequest): undefined => {
      if (PAGES.test(path) && Number(query.get('max')) > 100) query.set('max', '100')
      return void demo
    }
    await withDemo(1200, cap, async (demo) =>
      expect(namesOf(demo)).rejects.toMatchObject({ code: 'source-unexpected' }),
    )
  })

  test('a count that never agrees with the list', async () => {
    const lie = (_: DemoKeycloak, { path }: DemoRequest): Interception | undefined =>
      path.endsWith('/users/count') ? { status: 200, body: '70' } : undefined
    await withDemo(60, lie, async (demo) => expect(namesOf(demo)).rejects.toMatchObject({ code: 'source-unexpected' }))
  })

  test('somebody who may only search, and is shown nobody', async () => {
    await withDemo(
      60,
      () => undefined,
      async (demo) => {
        const component = keycloakComponent(
          testSettings(demo, { clientId: 'toriki-powerless', secret: demo.secretOf('toriki-powerless') }),
        )
        await expect(listMembers(component)).rejects.toMatchObject({
          code: 'source-rights',
          message: expect.stringContaining('view-users'),
        })
        await component.close()
      },
    )
  })
})
