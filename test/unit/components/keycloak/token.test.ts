import { describe, expect, test } from '@jest/globals'
import { TokenSource } from '../../../../lib/components/keycloak/token.ts'
import { startDemoKeycloak } from '../../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoKeycloak, Interception } from '../../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoVersion } from '../../../../lib/embedded/demo/keycloak/version.ts'
import type { KeycloakSettings } from '../../../../lib/settings.ts'
import { testSettings } from '../../../contract/keycloak.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'

const transport = { options: { redirect: 'manual' as const }, close: () => Promise.resolve() }

async function withDemo(
  options: { readonly version?: DemoVersion; readonly answer?: Interception },
  use: (demo: DemoKeycloak) => Promise<void>,
): Promise<void> {
  const demo = await startDemoKeycloak({
    users: 1,
    ...(options.version === undefined ? {} : { version: options.version }),
    intercept: () => options.answer,
  })
  try {
    await use(demo)
  } finally {
    await demo.stop()
  }
}

function source(demo: DemoKeycloak, more: Partial<KeycloakSettings> = {}, clock = new FakeClock()): TokenSource {
  return new TokenSource(testSettings(demo, { clientId: demo.client, secret: demo.secret }, more), { clock, transport })
}

describe('logging in', () => {
  test.each(['26.7.4', '26.3.4'] as const)(
    'a wrong password is refused credentials, whether it is answered with 400 or 401 (%s)',
    async (version) => {
      await withDemo({ version }, async (demo) => {
        const login = {
          username: demo.administrator.username,
          password: 'planted-wrong-password',
          adminRealm: 'master',
        }
        const error: unknown = await source(demo, { login })
          .get()
          .catch((caught: unknown) => caught)
        expect(error).toMatchObject({ code: 'source-credentials', ids: { status: version === '26.7.4' ? 400 : 401 } })
        expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('planted-wrong-password')
      })
    },
  )

  test('a client without a service account is told what it lacks', async () => {
    await withDemo({}, async (demo) => {
      const login = { client: 'lab-portal', secret: demo.secretOf('lab-portal' as never) }
      await expect(source(demo, { login }).get()).rejects.toMatchObject({
        code: 'source-credentials',
        remedy: expect.stringContaining('service account'),
      })
    })
  })

  test('a realm that is not there, and a path that is not there', async () => {
    await withDemo({}, async (demo) => {
      await expect(source(demo, { realm: 'elsewhere' }).get()).rejects.toMatchObject({ code: 'source-realm' })
      await expect(source(demo, { url: demo.url.replace('/auth', '') }).get()).rejects.toMatchObject({
        code: 'source-path',
      })
    })
  })

  test.each<readonly [string, Interception, string]>([
    ['a login page', { status: 200, body: '<html></html>' }, 'source-unexpected'],
    ['JSON without a token', { status: 200, body: '{"ok":true}' }, 'source-unexpected'],
    ['a token without an end', { status: 200, body: '{"access_token":"x","expires_in":0}' }, 'source-unexpected'],
    ['a page that refuses', { status: 403, body: '<html>blocked</html>' }, 'source-unexpected'],
    ['a redirect', { status: 302, headers: { location: 'https://login.example/' } }, 'source-unexpected'],
    ['a page that is not found', { status: 404, body: '<html></html>' }, 'source-path'],
    ['a server in trouble', { status: 502, body: '' }, 'source-failed'],
    ['a server that asks to wait', { status: 503, body: '' }, 'source-busy'],
    ['more than anybody answers', { status: 200, body: 'x'.repeat(5_000_000) }, 'source-unexpected'],
  ])('%s', async (_, answer, code) => {
    await withDemo({ answer }, async (demo) => expect(source(demo).get()).rejects.toMatchObject({ code }))
  })

  test('what failed is asked for again by the next who needs it', async () => {
    let fail = true
    const demo = await startDemoKeycloak({ users: 1, intercept: () => (fail ? { status: 502 } : undefined) })
    const tokens = source(demo)
    await expect(tokens.get()).rejects.toMatchObject({ code: 'source-failed' })
    fail = false
    expect(await tokens.get()).not.toBe('')
    await demo.stop()
  })
})

describe('an administrator’s token', () => {
  test('is renewed in the administrator’s own realm before it ends, and by a new login when the session is over', async () => {
    const grants: string[] = []
    let sessionEnded = false
    const demo = await startDemoKeycloak({
      users: 1,
      intercept({ path }) {
        grants.push(path)
        return sessionEnded && grants.length === 3 ? { status: 400, body: '{"error":"invalid_grant"}' } : undefined
      },
    })
    const clock = new FakeClock()
    const tokens = source(demo, { login: { ...demo.administrator, adminRealm: 'master' } }, clock)
    const first = await tokens.get()
    await clock.advance(41_000)
    const second = await tokens.get()
    expect(second).not.toBe(first)
    sessionEnded = true
    await clock.advance(41_000)
    expect(await tokens.get()).not.toBe(second)
    expect(new Set(grants)).toEqual(new Set(['/realms/master/protocol/openid-connect/token']))
    expect(grants.length).toBe(4)
    expect(await tokens.roles()).toContain('realm-admin')
    await demo.stop()
  })
})

describe('the roles that a token names', () => {
  test('are those of realm-management; none where it names none or cannot be read', async () => {
    await withDemo({}, async (demo) => {
      expect(await source(demo).roles()).toContain('view-users')
      expect(
        await source(demo, {
          login: { client: 'toriki-powerless', secret: demo.secretOf('toriki-powerless') },
        }).roles(),
      ).toBeUndefined()
    })
    await withDemo({ answer: { status: 200, body: '{"access_token":"opaque","expires_in":60}' } }, async (demo) =>
      expect(await source(demo).roles()).toBeUndefined(),
    )
  })
})
