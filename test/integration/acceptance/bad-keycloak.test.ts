import { writeFileSync } from 'node:fs'
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Interception } from '../../../lib/embedded/demo/keycloak/server.ts'
import { makeNebariWithKeycloak, sumOfOutcomes } from '../../kit/acceptance/nebari.ts'
import type { NebariWithKeycloak, Report } from '../../kit/acceptance/nebari.ts'

const USERS = 6
/** With the shared state and the three shared directories. */
const SLICES = USERS + 4

let nebari: NebariWithKeycloak
let trouble: ((path: string) => Interception | undefined) | undefined
let good: Record<string, unknown>
beforeAll(async () => {
  nebari = await makeNebariWithKeycloak({
    users: USERS,
    change(settings) {
      settings.limits = { ...settings.limits, attempts: 1 }
      good = { ...settings.components.keycloak }
    },
    intercept: ({ path }) => trouble?.(path),
  })
  expect(await nebari.json<Report>('backup')).toMatchObject({ outcome: 'complete', slices: { saved: SLICES } })
})

const configure = (change: Record<string, unknown>): void =>
  nebari.configure((settings) => {
    settings.components.keycloak = { ...good, ...change }
  })
afterEach(async () => {
  trouble = undefined
  configure({})
  writeFileSync(nebari.secretFile, nebari.keycloak.secret)
  // Whatever it was, with it mended the same run ends well.
  expect(await nebari.json<Report>('replay')).toMatchObject({ failures: [], slices: { saved: SLICES } })
})

/** One cause, said once with a remedy, in `backup` and by `doctor`; all homes saved; nobody missing from the sum. */
async function oneCause(
  code: string,
  sentence: RegExp,
  remedy: string,
  { checks = sentence, said = 1 }: { readonly checks?: RegExp; readonly said?: number } = {},
): Promise<void> {
  const result = await nebari.toriki(['--json', 'backup'])
  expect(result.status).toBe(3)
  const report = result.json<Report>()
  expect(report).toMatchObject({ outcome: 'partial', slices: { total: SLICES, saved: 3, partial: USERS, failed: 1 } })
  expect(sumOfOutcomes(report)).toBe(SLICES)
  expect(new Set(report.failures.map((failure) => `${failure.component} ${failure.code}`))).toEqual(
    new Set([`keycloak ${code}`]),
  )
  for (const failure of report.failures) {
    expect(failure.message).toMatch(sentence)
    expect(failure.remedy).toContain(remedy)
  }
  const text = (await nebari.toriki(['status'])).out
  expect(text.match(new RegExp(`${code} in keycloak`, 'g'))).toHaveLength(said)
  const doctor = await nebari.toriki(['--json', 'doctor'])
  expect(doctor.status).toBe(1)
  const failing = doctor.json<{ check: string; ok: boolean; remedy?: string }[]>().filter(({ ok }) => !ok)
  expect(failing.map((check) => check.remedy).join('\n')).toMatch(checks)
  for (const check of failing) expect(check.check).toMatch(/^keycloak: /)
}

const html = (status: number, headers = {}): Interception => ({
  status,
  headers: { 'content-type': 'text/html', ...headers },
  body: '<!doctype html><html><body><h1>Sign in</h1></body></html>',
})

describe('Keycloak that is not as the settings say: one clear sentence with a remedy, all homes saved, nobody missing', () => {
  test('nobody listens there', async () => {
    configure({ url: 'http://127.0.0.1:1/auth' })
    await oneCause('source-unreachable', /does not answer/, 'Check its address and that it runs')
  })

  test('a wrong base path', async () => {
    configure({ url: nebari.keycloak.url.replace(/\/auth$/, '') })
    await oneCause('source-path', /no such server at that address/, 'base path (often /auth)')
  })

  test('a realm that is not there', async () => {
    configure({ realm: 'elsewhere' })
    await oneCause('source-realm', /no such realm/, 'Check `realm` in the settings')
  })

  test('a wrong secret', async () => {
    writeFileSync(nebari.secretFile, 'wrong')
    await oneCause('source-credentials', /refused our credentials/, 'Mend client and secret in the settings')
  })

  test('a client without rights: each missing right is named', async () => {
    writeFileSync(nebari.secretFile, nebari.keycloak.secretOf('toriki-powerless'))
    configure({ client: 'toriki-powerless' })
    // People need other rights than the shared state, so two sentences.
    await oneCause('source-rights', /lack.*view-users/, 'Grant', {
      checks: /view-users[\s\S]*view-realm[\s\S]*view-clients/,
      said: 2,
    })
  })

  test('a proxy that answers every question with a login page', async () => {
    trouble = () => html(200)
    await oneCause('source-unexpected', /answers, but not as Keycloak does/, 'not a login page or proxy')
  })

  test('a proxy that sends every question to a login page', async () => {
    trouble = () => html(302, { location: 'https://login.example.org/sign-in?secret=1' })
    await oneCause('source-unexpected', /sends us elsewhere/, 'address it points to')
  })

  test('a half-configured server: logins are taken, every other answer is a page', async () => {
    trouble = (path) => (path.startsWith('/admin/') ? html(200) : undefined)
    await oneCause('source-unexpected', /./, 'login page or proxy')
  })

  test('a server that always answers 503', async () => {
    trouble = () => ({ status: 503, headers: { 'retry-after': '0' }, body: 'starting' })
    await oneCause('source-busy', /asks us to wait/, 'requestsPerSecond')
  })
})
