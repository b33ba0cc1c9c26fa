import { describe, expect, test } from '@jest/globals'
import * as z from 'zod'
import { KeycloakClient } from '../../../../lib/components/keycloak/client.ts'
import type { Reading } from '../../../../lib/components/keycloak/client.ts'
import { TorikiError } from '../../../../lib/errors.ts'
import { startDemoKeycloak } from '../../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoKeycloak, DemoKeycloakOptions, DemoRequest } from '../../../../lib/embedded/demo/keycloak/server.ts'
import type { KeycloakSettings } from '../../../../lib/settings.ts'
import { testSettings } from '../../../contract/keycloak.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'
import { seededRandom } from '../../../kit/seeded-random.ts'

const count: Reading<number> = { right: 'view-users', schema: z.int(), request: (admin) => admin.users.count() }
const COUNT = '/admin/realms/nebari/users/count'
const never = new AbortController().signal

interface Ground {
  readonly demo: DemoKeycloak
  readonly client: KeycloakClient
  readonly clock: FakeClock
  /** Requests for the count, as they came. */
  readonly asked: DemoRequest[]
}

async function withClient(
  intercept: DemoKeycloakOptions['intercept'],
  use: (ground: Ground) => Promise<void>,
  more: Partial<KeycloakSettings> = {},
): Promise<void> {
  const asked: DemoRequest[] = []
  const demo = await startDemoKeycloak({
    users: 3,
    intercept(request) {
      if (request.path === COUNT) asked.push(request)
      return intercept?.(request)
    },
  })
  const clock = new FakeClock({ auto: true })
  const client = new KeycloakClient(testSettings(demo, { clientId: demo.client, secret: demo.secret }, more), {
    clock,
    random: seededRandom(1),
  })
  try {
    await use({ demo, client, clock, asked })
  } finally {
    await client.close()
    await demo.stop()
  }
}

describe('what may pass by itself', () => {
  test('is asked again, after the pause that the source asks for', async () => {
    let refusals = 2
    await withClient(
      ({ path }) => (path === COUNT && refusals-- > 0 ? { status: 429, headers: { 'retry-after': '7' } } : undefined),
      async ({ client, clock, asked }) => {
        expect(await client.read(count, never)).toBe(3)
        expect(asked.length).toBe(3)
        expect(clock.monotonicMs()).toBeGreaterThanOrEqual(14_000)
      },
    )
  })

  test('a source that asks for a longer pause than one attempt has gives the message back', async () => {
    await withClient(
      ({ path }) => (path === COUNT ? { status: 503, headers: { 'retry-after': '3600' } } : undefined),
      async ({ client, asked }) => {
        await expect(client.read(count, never)).rejects.toMatchObject({
          code: 'source-busy',
          retry: 'later',
          retryAfterMs: 3_600_000,
        })
        expect(asked.length).toBe(1)
      },
    )
  })

  test('an error of the server is asked about three times, then it is the queue’s', async () => {
    await withClient(
      ({ path }) => (path === COUNT ? { status: 500, body: '{"error":"User ann broke it"}' } : undefined),
      async ({ client, asked }) => {
        const error = (await client.read(count, never).catch((caught: unknown) => caught)) as TorikiError
        expect(error).toMatchObject({
          code: 'source-failed',
          retry: 'later',
          ids: { status: 500, call: 'users/count' },
        })
        expect(`${error.message} ${error.remedy} ${JSON.stringify(error.ids)} ${String(error.cause)}`).not.toContain(
          'ann',
        )
        expect(asked.length).toBe(3)
      },
    )
  })

  test('nobody listening is told after a few tries', async () => {
    await withClient(
      undefined,
      async ({ client }) => {
        await expect(client.read(count, never)).rejects.toMatchObject({
          code: 'source-unreachable',
          retry: 'later',
          message: expect.stringContaining('ECONNREFUSED'),
        })
      },
      { url: 'http://127.0.0.1:2/auth' },
    )
  })

  test('a token that is refused before its time is replaced once', async () => {
    let refusals = 1
    await withClient(
      ({ path }) =>
        path === COUNT && refusals-- > 0 ? { status: 401, body: '{"error":"HTTP 401 Unauthorized"}' } : undefined,
      async ({ client, asked }) => {
        expect(await client.read(count, never)).toBe(3)
        expect(asked[0]?.headers.authorization).not.toBe(asked[1]?.headers.authorization)
      },
    )
  })

  test('tokens that are always refused are refused credentials', async () => {
    await withClient(
      ({ path }) => (path === COUNT ? { status: 401, body: '{}' } : undefined),
      async ({ client, asked }) => {
        await expect(client.read(count, never)).rejects.toMatchObject({ code: 'source-credentials', retry: 'never' })
        expect(asked.length).toBe(2)
      },
    )
  })
})

describe('what is not an answer', () => {
  test('a login page with status 200', async () => {
    await withClient(
      ({ path }) =>
        path === COUNT
          ? { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Log in, ann</html>' }
          : undefined,
      async ({ client }) => {
        const error = (await client.read(count, never).catch((caught: unknown) => caught)) as TorikiError
        expect(error.code).toBe('source-unexpected')
        expect(`${error.message}${String(error.cause)}`).not.toContain('ann')
      },
    )
  })

  test('JSON of another shape', async () => {
    for (const body of ['{}', '[]', 'null', '""', '1.5']) {
      await withClient(
        ({ path }) => (path === COUNT ? { status: 200, body } : undefined),
        async ({ client }) => expect(client.read(count, never)).rejects.toMatchObject({ code: 'source-unexpected' }),
      )
    }
  })

  test('a redirect: it is not followed, and the other place gets no token', async () => {
    const other = await startDemoKeycloak({ users: 1, intercept: (request) => void elsewhere.push(request) })
    const elsewhere: DemoRequest[] = []
    try {
      await withClient(
        ({ path }) => (path === COUNT ? { status: 302, headers: { location: `${other.url}/steal?ann` } } : undefined),
        async ({ client }) => {
          await expect(client.read(count, never)).rejects.toMatchObject({
            code: 'source-unexpected',
            message: expect.stringContaining(new URL(other.url).origin),
          })
          expect(elsewhere).toEqual([])
        },
      )
    } finally {
      await other.stop()
    }
  })

  test('a missing right is named', async () => {
    await withClient(
      ({ path }) => (path === COUNT ? { status: 403, body: '{}' } : undefined),
      async ({ client }) =>
        expect(client.read(count, never)).rejects.toMatchObject({
          code: 'source-rights',
          message: expect.stringContaining('view-users'),
          remedy: expect.stringContaining('view-users'),
        }),
    )
  })

  test('404 is nothing where that may be, else an error', async () => {
    await withClient(
      ({ path }) => (path === COUNT ? { status: 404, body: '{}' } : undefined),
      async ({ client }) => {
        expect(await client.find(count, never)).toBeUndefined()
        await expect(client.read(count, never)).rejects.toMatchObject({ code: 'source-unexpected' })
      },
    )
  })
})

describe('a good neighbour', () => {
  test('no more than sixteen requests at once', async () => {
    let [now, most] = [0, 0]
    const slow: Reading<number> = {
      ...count,
      async request(admin) {
        most = Math.max(most, ++now)
        try {
          return await admin.users.count()
        } finally {
          now--
        }
      },
    }
    await withClient(undefined, async ({ client }) => {
      await Promise.all(Array.from({ length: 100 }, () => client.read(slow, never)))
      expect(most).toBe(16)
    })
  })

  test('no more requests a second than allowed', async () => {
    await withClient(
      undefined,
      async ({ client, clock }) => {
        await Promise.all(Array.from({ length: 66 }, () => client.read(count, never)))
        // Sixteen may pass at once, then ten a second.
        expect(clock.monotonicMs()).toBeGreaterThanOrEqual(5000)
      },
      { requestsPerSecond: 10 },
    )
  })

  test('one token for everybody who waits, and a new one before it ends', async () => {
    let tokens = 0
    await withClient(
      ({ method }) => void (method === 'POST' && tokens++),
      async ({ client, clock }) => {
        await Promise.all(Array.from({ length: 20 }, () => client.read(count, never)))
        expect(tokens).toBe(1)
        await clock.advance(265_000)
        await client.read(count, never)
        expect(tokens).toBe(1)
        await clock.advance(10_000)
        await client.read(count, never)
        expect(tokens).toBe(2)
      },
    )
  })
})

describe('told to stop', () => {
  test('a request without an answer ends with the reason of the signal', async () => {
    const stop = new AbortController()
    await withClient(
      ({ path }) => {
        if (path !== COUNT) return undefined
        setImmediate(() => stop.abort(new TorikiError('deadline')))
        return 'hang'
      },
      async ({ client }) => expect(client.read(count, stop.signal)).rejects.toMatchObject({ code: 'deadline' }),
    )
  })

  test('a signal without a coded reason is an interruption', async () => {
    await withClient(undefined, async ({ client, asked }) => {
      await expect(client.read(count, AbortSignal.abort(new Error('Ctrl-C')))).rejects.toMatchObject({
        code: 'interrupted',
      })
      expect(asked).toEqual([])
    })
  })
})
