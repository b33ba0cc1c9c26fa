/** `toriki restore` over real homes and the stand-in for Keycloak: a person who was lost is back, whole, and the command says so and nothing secret. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { makeNebariWithKeycloak } from '../../kit/acceptance/nebari.ts'
import type { NebariWithKeycloak } from '../../kit/acceptance/nebari.ts'
import { startToriki } from '../../kit/acceptance/toriki-process.ts'
import { waitUntil } from '../../kit/servers/wait-until.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

interface Report {
  readonly restore: string
  readonly outcome: string
  readonly verified: boolean
  readonly slices: Readonly<Record<string, number>>
}
interface Plan {
  readonly plan: string
  readonly changes: Readonly<Record<string, number>>
  readonly items: readonly { readonly component: string; readonly key: string; readonly action: string }[]
}

let nebari: NebariWithKeycloak
/** The second person: the first one administrates. */
let person: string
beforeAll(async () => {
  const secretFile = join(await temporaryFolder(), 'restore-secret')
  nebari = await makeNebariWithKeycloak({
    users: 6,
    change(settings) {
      Object.assign(settings.components.keycloak ?? {}, {
        restore: { client: 'toriki-restore', secret: `\${file:${secretFile}}` },
      })
    },
  })
  writeFileSync(secretFile, `${nebari.keycloak.secretOf('toriki-restore')}\n`)
  person = nebari.keycloak.userNames[1] ?? ''
  expect(await nebari.toriki(['backup'])).toMatchObject({ status: 0 })
}, 120_000)

const lose = (username: string): void => {
  nebari.keycloak.remove(username)
  rmSync(nebari.home(username), { recursive: true })
}
const differences = (username: string): Promise<unknown> => nebari.json('diff', 'latest', 'live', '--user', username)
const none = { added: [], removed: [], changed: [] }

const stateOf = async (restore: string): Promise<string | undefined> =>
  (await nebari.json<{ restore: string; state: string }[]>('restore', 'list')).find((one) => one.restore === restore)
    ?.state

describe('toriki restore', () => {
  test('brings back who was lost, account and home, to the byte; logs in with the old password; a second plan changes nothing', async () => {
    const { keycloak } = nebari
    const [id, password] = [keycloak.userId(person), keycloak.passwordOf(person)]
    lose(person)
    const result = await nebari.toriki(['restore', '--user', person, '--yes'])
    expect(result).toMatchObject({ status: 0 })
    expect(result.out).toMatch(/^Restore \S+: complete, took /m)
    expect(await differences(person)).toEqual(none)
    expect(keycloak.userId(person)).toBe(id)
    const response = await fetch(`${keycloak.url}/realms/nebari/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username: person, password }),
    })
    expect(response.status).toBe(200)
    const again = await nebari.json<Plan>('restore', 'plan', '--user', person, '--in-place')
    expect(again).toMatchObject({ changes: { create: 0, update: 0, delete: 0, cannot: 0 }, items: [] })
    const printed = result.out + result.err
    expect(keycloak.plantedSecrets.filter((secret) => printed.includes(secret))).toEqual([])
  }, 120_000)

  test('shows what an account was and will be, sets it back, and touches nobody else', async () => {
    const other = nebari.keycloak.userNames[2] ?? ''
    nebari.keycloak.change(person, { email: 'elsewhere@example.org', firstName: 'Another' })
    nebari.keycloak.change(other, { firstName: 'Left' })
    const { err, status } = await nebari.toriki(['restore', '-u', person, '-c', 'keycloak', '-y'])
    expect(status).toBe(0)
    expect(err).toContain('email: elsewhere@example.org → ')
    expect(err).toContain('firstName: Another → ')
    expect(await differences(person)).toEqual(none)
    expect(await differences(other)).toMatchObject({ changed: [{ component: 'keycloak', fields: ['firstName'] }] })
  }, 120_000)

  test('of everybody puts back all who were lost; what nobody lost is not written', async () => {
    for (const username of nebari.keycloak.userNames.slice(2, 4)) lose(username)
    const report = await nebari.json<Report>('restore', '--all', '--in-place', '--privileged', '--yes')
    expect(report).toMatchObject({ outcome: 'complete', verified: true, slices: { total: 10, verified: 10 } })
    for (const username of nebari.users) expect(await differences(username)).toEqual(none)
  }, 120_000)

  test('interrupted while it applies ends with 130, and resumed it ends complete', async () => {
    lose(person)
    const { plan } = await nebari.json<Plan>('restore', 'plan', '--user', person)
    const process = startToriki(nebari.settings, ['restore', 'apply', plan, '--yes'])
    // However far it comes until then: the first record of applying is there, or it has ended.
    await waitUntil('it applies', async () => ((await stateOf(plan)) === 'planned' ? undefined : true), {
      timeoutMs: 60_000,
    })
    process.kill('SIGINT')
    expect([0, 130]).toContain(await process.ended)
    const report = await nebari.json<Report>('restore', 'apply', plan, '--yes')
    expect(report).toMatchObject({ restore: plan, outcome: 'complete' })
    expect(await differences(person)).toEqual(none)
  }, 120_000)

  test('of one file puts it beside, and leaves what is there', async () => {
    const readme = join(nebari.home(person), 'README.md')
    writeFileSync(readme, 'mine now\n')
    const words = ['restore', '-u', person, '-p', 'README.md', '-y']
    expect(await nebari.toriki(words)).toMatchObject({ status: 0 })
    expect(readFileSync(readme, 'utf8')).toBe('mine now\n')
    const [folder = ''] = readdirSync(nebari.home(person)).filter((name) => name.startsWith('restored-'))
    expect(readdirSync(join(nebari.home(person), folder))).toEqual(['README.md'])
  }, 120_000)
})
