import { expect, test } from '@jest/globals'
import { hubServers } from '../../../../lib/components/jupyterhub/running-servers.ts'
import { systemClock } from '../../../../lib/platform/clock.ts'
import { answeringServer } from '../../../kit/servers/answering-server.ts'
import type { Answer, SeenRequest } from '../../../kit/servers/answering-server.ts'

const TOKEN = 'a-token-of-the-hub'
const caller = { kind: 'service', name: 'toriki', scopes: ['read:servers', 'list:users'] }
const running = { ready: true, stopped: false, pending: null, url: '/user/ann/' }
const stopped = { ready: false, stopped: true, pending: null }
const json = (body: unknown, status = 200): Answer => ({ status, body: JSON.stringify(body) })
const missing = json({ status: 404, message: 'Not Found' }, 404)

/** A hub that knows these people, by name; each with its servers. */
const hubOf =
  (people: Readonly<Record<string, object>>) =>
  ({ url }: SeenRequest): Answer => {
    if (url === '/base/hub/api/user') return json(caller)
    const name = decodeURIComponent(url.replace('/base/hub/api/users/', ''))
    return Object.hasOwn(people, name) ? json({ name, ...people[name] }) : missing
  }

async function ask(answer: (request: SeenRequest) => Answer, user = 'ann', signal = new AbortController().signal) {
  await using server = await answeringServer(answer)
  const hub = hubServers({ url: `${server.endpoint}/base`, token: TOKEN })
  const said = await hub.ask(user, { clock: systemClock, signal })
  return { said, seen: server.seen }
}

test.each([
  ['runs', { '': running }, 'yes'],
  ['has a name', { lab: running }, 'yes'],
  ['is starting', { '': { ready: false, pending: 'spawn' } }, 'yes'],
  ['is stopping', { '': { ready: false, pending: 'stop', stopped: false } }, 'yes'],
  ['is stopped', { '': stopped, lab: stopped }, 'no'],
  ['is not there', {}, 'no'],
])('a server that %s', async (_title, servers, kind) => {
  expect((await ask(hubOf({ ann: { servers } }))).said).toEqual({ kind })
})

test('nobody whom the hub does not know has a server', async () => {
  expect((await ask(hubOf({ bob: { servers: { '': running } } }))).said).toEqual({ kind: 'no' })
})

test('a name is asked for as it is, then as the hub keeps names, and cannot lead elsewhere', async () => {
  expect((await ask(hubOf({ ann: { servers: { '': running } } }), 'Ann')).said).toEqual({ kind: 'yes' })
  const { seen } = await ask(hubOf({}), '../user?x=')
  expect(seen.map(({ url }) => url)).toEqual([
    '/base/hub/api/user',
    ...Array(2).fill('/base/hub/api/users/..%2Fuser%3Fx%3D'),
  ])
})

test('only reads, and proves its right once', async () => {
  await using server = await answeringServer(hubOf({ ann: { servers: {} } }))
  const hub = hubServers({ url: `${server.endpoint}/base`, token: TOKEN })
  const context = { clock: systemClock, signal: new AbortController().signal }
  for (let times = 0; times < 3; times++) await hub.ask('ann', context)
  expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'GET /base/hub/api/user',
    ...Array(3).fill('GET /base/hub/api/users/ann'),
  ])
  expect(new Set(server.seen.map(({ headers }) => headers.authorization))).toEqual(new Set([`token ${TOKEN}`]))
})

const unknown: readonly (readonly [string, (request: SeenRequest) => Answer, RegExp])[] = [
  [
    'a token that may not see servers',
    () => json({ ...caller, scopes: ['list:users', 'read:servers!user=ann'] }),
    /lacks the scope read:servers/,
  ],
  [
    'a token that is refused',
    () => json({ status: 403, message: 'Missing or invalid credentials.' }, 403),
    /refused the token/,
  ],
  ['another service at that address', () => ({ status: 200, body: '<html>Welcome</html>' }), /not JupyterHub’s API/],
  ['nothing at that address', () => missing, /no JupyterHub at the configured address/],
  ['a hub that is not up', () => ({ status: 503, body: 'Service Unavailable' }), /status 503/],
  ['a connection that breaks', () => ({ status: 200, breaks: 'before' }), /did not answer/],
  [
    'an answer that is cut off',
    () => ({ status: 200, headers: { 'content-length': '99' }, body: '{', breaks: 'within' }),
    /did not answer/,
  ],
  [
    'a person without servers in the answer',
    ({ url }) => (url.endsWith('/user') ? json(caller) : json({ name: 'ann' })),
    /did not say which servers/,
  ],
  ['an answer without end', () => ({ status: 200, body: 'x'.repeat(5 * 1024 * 1024) }), /too long/],
]

test.each(unknown)('%s is no answer, and says why without names', async (_title, answer, why) => {
  const { said } = await ask(answer)
  expect(said).toMatchObject({ kind: 'unknown', why: expect.stringMatching(why) })
  expect(JSON.stringify(said)).not.toMatch(new RegExp(`${TOKEN}|127\\.0\\.0\\.1|ann\\b`))
})

test('a redirect is not followed: the token goes nowhere else', async () => {
  await using other = await answeringServer(() => json(caller))
  const { said } = await ask(() => ({ status: 302, headers: { location: `${other.endpoint}/hub/api/user` } }))
  expect(said).toMatchObject({ kind: 'unknown', why: expect.stringContaining('302') })
  expect(other.seen).toEqual([])
})

test('a wish to stop ends it', async () => {
  const stop = new AbortController()
  const asked = ask(
    () => {
      stop.abort()
      return { status: 200, breaks: 'never' }
    },
    'ann',
    stop.signal,
  )
  await expect(asked).rejects.toMatchObject({ code: 'interrupted' })
})
