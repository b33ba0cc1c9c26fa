/** The demo's accident: a person's account and home are deleted, `toriki restore` brings them back, and the person logs in with the old password. */
import { rmSync } from 'node:fs'
import { request } from '../../platform/request.ts'
import type { DemoKeycloak } from './keycloak/server.ts'

interface Stage {
  readonly person: string
  readonly home: string
  /** Runs one command as a person would, which must end with 0. */
  run(words: readonly string[]): Promise<void>
  /** The one JSON document that a command prints. */
  ask(words: readonly string[]): Promise<unknown>
  say(text: string): void
}

/** @throws Error when the person is not back as before. */
export async function loseAndRestore(keycloak: DemoKeycloak, { person, home, run, ask, say }: Stage): Promise<void> {
  const [id, password] = [keycloak.userId(person), keycloak.passwordOf(person)]
  keycloak.remove(person)
  rmSync(home, { recursive: true })
  say(`· ${person} tries to log in: ${await logIn(keycloak, person, password)}`)
  await run(['restore', '--user', person, '--yes'])
  const answer = await logIn(keycloak, person, password)
  const { added, removed, changed } = (await ask(['diff', 'latest', 'live', '--user', person])) as Difference
  if (answer !== ACCEPTED || keycloak.userId(person) !== id || added.length + removed.length + changed.length > 0)
    throw new Error(`${person} is not back as before`)
  const device = keycloak.codeOf(person) === undefined ? '' : ' and the old one-time-code device'
  say(
    `\n${person} logs in with the old password${device}: ${answer}. The account has its old id, and account and home are as they were in the backup, to the nanosecond.`,
  )
}

interface Difference {
  readonly added: readonly unknown[]
  readonly removed: readonly unknown[]
  readonly changed: readonly unknown[]
}

const ACCEPTED = 'accepted'

/** As a program without a browser would. */
async function logIn(keycloak: DemoKeycloak, username: string, password: string): Promise<string> {
  const code = keycloak.userNames.includes(username) ? keycloak.codeOf(username) : undefined
  const form = { grant_type: 'password', client_id: 'admin-cli', username, password }
  const response = await request(`${keycloak.url}/realms/${keycloak.realm}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({ ...form, ...(code === undefined ? {} : { totp: code }) }),
  })
  const { error_description } = (await response.json()) as { readonly error_description?: string }
  return response.ok ? ACCEPTED : (error_description ?? String(response.status))
}
