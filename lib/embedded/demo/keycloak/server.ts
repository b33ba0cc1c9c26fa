/**
 * The stand-in for Keycloak: the part of its REST interface that the component asks for, over a realm in memory, on a free port of this machine. For the
 * demo and for tests; the contracts of the component and of its writer run on it and on the real server, so that it cannot drift. It takes the writes that a restore
 * makes, from whoever has the rights; tests change the realm by the methods here. Limits and oddities are those of the real one, per version.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../../platform/clock.ts'
import { serverInfo } from './server-info.ts'
import { HIDDEN_SECRETS } from './settings/demo-parts.ts'
import { readBody } from './body.ts'
import { changeAFewThings } from './day-at-work.ts'
import { Refusal } from './asking.ts'
import type { Asking } from './asking.ts'
import type { Answered, Place } from './exchange.ts'
import { writeExportFolder } from './export-folder.ts'
import { fixedId } from './fixed-id.ts'
import { makeRealm } from './installer.ts'
import type { DemoAccount } from './installer.ts'
import { codeAt, counterAt, demoPassword, secretOf } from './password.ts'
import { makePassword, makePeople, makePerson } from './people.ts'
import type { DemoCredential, DemoRealm, DemoUser } from './realm.ts'
import { answerOf } from './routes.ts'
import type { DemoParts } from './settings/demo-parts.ts'
import { TokenDesk } from './token-desk.ts'
import { quirksOf } from './version.ts'
import type { DemoVersion, Quirks } from './version.ts'
import { write } from './write-routes.ts'

export interface DemoKeycloakOptions {
  readonly users: number
  readonly seed?: string
  readonly version?: DemoVersion
  /** By default a free one. */
  readonly port?: number
  /** Asked first: answers in the realm's place, or does something behind the caller's back and says nothing. */
  readonly intercept?: (request: DemoRequest) => Interception | undefined
}

export interface DemoRequest {
  readonly method: string
  /** Behind the base path: `/admin/realms/nebari/users`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
}

/** `hang`: never an answer. */
export type Interception =
  | 'hang'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }

/** A change of the day after, in words and as what it changes. */
type Patch = Partial<
  Omit<
    DemoUser,
    'id' | 'username' | 'createdTimestamp' | 'groups' | 'organizations' | 'credentials' | 'serviceAccountOf'
  >
>

const BASE = '/auth'
const ADMINISTRATOR = { username: 'root', password: 'demo-root-password' } as const

export async function startDemoKeycloak(options: DemoKeycloakOptions): Promise<DemoKeycloak> {
  const keycloak = new DemoKeycloak(options)
  await keycloak.listen(options.port ?? 0)
  return keycloak
}

export class DemoKeycloak {
  readonly version: DemoVersion
  readonly #seed: string
  readonly #users: number
  #realm: DemoRealm
  readonly #quirks: Quirks
  readonly #desk: TokenDesk
  readonly #intercept: DemoKeycloakOptions['intercept']
  readonly #poisoned = new Set<string>()
  readonly #server = createServer((request, response) => this.#handle(request, response))
  /** Passwords changed so far: dates go on by an hour each. */
  #turn = 0
  readonly #turns = new Map<string, number>()
  #requests = 0
  #writes = 0

  constructor({ users, seed = 'nebari', version = '26.7.4', intercept }: DemoKeycloakOptions) {
    this.version = version
    this.#seed = seed
    this.#users = users
    this.#realm = filledRealm(seed, version, users)
    this.#quirks = quirksOf(version)
    this.#desk = new TokenDesk(() => this.#realm, this.#quirks, ADMINISTRATOR)
    this.#intercept = intercept
  }

  /** With the base path. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${BASE}`
  }

  readonly realm = 'nebari'
  /** The account that backs up: it can only read. */
  readonly client: DemoAccount = 'toriki-backup'

  get secret(): string {
    return this.secretOf(this.client)
  }

  /** An administrator of the master realm. */
  readonly administrator = ADMINISTRATOR

  secretOf(account: DemoAccount): string {
    return [...this.#realm.clients.values()].find(({ clientId }) => clientId === account)?.secret ?? ''
  }

  /** In the order of usernames. */
  get userNames(): readonly string[] {
    return this.#realm.users.map(({ username }) => username)
  }

  /** Values that no backup may show in clear: hashes and secrets. */
  get plantedSecrets(): readonly string[] {
    const ofClients = [...this.#realm.clients.values()].flatMap(({ secret }) => (secret === undefined ? [] : [secret]))
    const ofPeople = this.#realm.users.flatMap(({ username, credentials }) => [
      ...(credentials.some(({ type }) => type === 'password') ? [this.passwordOf(username)] : []),
      ...credentials.map(secretOf),
    ])
    return [...ofClients, ...ofPeople, ADMINISTRATOR.password, 'demo-smtp-password', ...HIDDEN_SECRETS]
  }

  /** Requests answered, tokens included. */
  get requests(): number {
    return this.#requests
  }

  /** What was asked to be changed, done or refused. A backup asks for nothing. */
  get writes(): number {
    return this.#writes
  }

  /** Logs in elsewhere only. */
  hasNoCredential(username: string): boolean {
    return this.#user(username).credentials.length === 0
  }

  /** What the person's one-time-code device shows now; `undefined`: there is none. */
  codeOf(username: string): string | undefined {
    const device = this.#user(username).credentials.find(({ type }) => type === 'otp')
    return device && codeAt(secretOf(device), counterAt(systemClock.now().getTime()))
  }

  isEnabled(username: string): boolean {
    return this.#user(username).enabled
  }

  userId(username: string): string {
    return this.#user(username).id
  }

  change(username: string, patch: Patch): void {
    Object.assign(this.#user(username), patch)
  }

  /** A path as names from the top. The group is made if it is not there. */
  join(username: string, ...path: readonly string[]): void {
    this.#user(username).groups.push(this.#realm.group(path).id)
  }

  renameGroup(name: string, ...path: readonly string[]): void {
    this.#realm.group(path).name = name
  }

  /** What the person logs in with, unless somebody set another one by a request. */
  passwordOf(username: string): string {
    return demoPassword(username, this.#turns.get(username) ?? 0)
  }

  setPassword(username: string): void {
    const user = this.#user(username)
    const turn = ++this.#turn
    this.#turns.set(username, turn)
    const password = makePassword(this.#realm.seed, username, Date.UTC(2026, 1, 3, turn), turn)
    user.credentials = [password, ...user.credentials.filter(({ type }) => type !== 'password')]
  }

  /** `person`: another one than who has had the name before, with another id. */
  add(username: string, person = ''): void {
    const made = makePerson(this.#realm, username, this.#realm.users.length)
    this.#realm.add(person === '' ? made : { ...made, id: fixedId(this.#realm.seed, 'user', username, person) })
  }

  remove(username: string): void {
    this.#realm.remove(this.#user(username))
  }

  /** As it was at the start. Tokens stay good. */
  reset(): void {
    this.#realm = filledRealm(this.#seed, this.version, this.#users)
    this.#turns.clear()
  }

  /** Everything but these people, as a text that changes when any of it does. */
  imageWithout(people: readonly string[]): string {
    const { settings, clients, roles, groups, defaultGroups, organizations, serviceAccounts, users } = this.#realm
    const maps = [clients, roles, groups, organizations, serviceAccounts].map((map) => [...map.values()])
    return JSON.stringify([settings, maps, defaultGroups, users.filter(({ username }) => !people.includes(username))])
  }

  /** Settings of the realm, to be changed. */
  get parts(): DemoParts {
    return this.#realm.parts
  }

  /** Nobody is left, and no error is answered. */
  removeEverybody(): void {
    for (const user of [...this.#realm.users]) this.#realm.remove(user)
  }

  setRoleAttributes(client: string | undefined, role: string, attributes: Record<string, string[]>): void {
    this.#realm.role(client, role).attributes = attributes
  }

  stopAskingForConsent(): void {
    for (const client of this.#realm.clients.values()) client.consentRequired = false
  }

  grantToGroup(client: string, role: string, ...path: readonly string[]): void {
    const { clientRoles } = this.#realm.group(path)
    clientRoles[client] = [...(clientRoles[client] ?? []), this.#realm.role(client, role).name]
  }

  changeRealm(settings: Record<string, unknown>): void {
    Object.assign(this.#realm.settings, settings)
  }

  /** What a day at work changes, in words: an address, a group, a role, a person who joins and one who leaves. */
  changeAFewThings(): readonly string[] {
    return changeAFewThings(this)
  }

  /** Every question about this person alone is answered with 500; lists go on as before. */
  poison(username: string): void {
    this.#poisoned.add(username)
  }

  mend(username: string): void {
    this.#poisoned.delete(username)
  }

  /** As the server's own database would show them, with hashes; by the person's id. */
  credentialsOf(userId: string): readonly DemoCredential[] | undefined {
    return this.#realm.user(userId)?.credentials
  }

  /** As `kc.sh export` writes it, with hashes. */
  async writeExport(folder: string): Promise<void> {
    await writeExportFolder(this.#realm, folder)
  }

  async listen(port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject)
    this.#server.listen(port, '127.0.0.1', resolve)
    await promise
  }

  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    this.#server.closeAllConnections()
    await promise
  }

  #user(username: string): DemoUser {
    const user = this.#realm.userNamed(username)
    if (user === undefined) throw new Error('there is nobody of that name in the demo')
    return user
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    this.#requests++
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    const send = (status: number, body: string | undefined, headers: Readonly<Record<string, string>> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-cache', ...headers })
      response.end(body)
    }
    const path = url.pathname.startsWith(`${BASE}/`) ? url.pathname.slice(BASE.length).replace(/\/$/, '') : undefined
    const method = request.method ?? 'GET'
    const interception = this.#intercept?.({
      method,
      path: path ?? url.pathname,
      query: url.searchParams,
      headers: request.headers,
    })
    if (interception === 'hang') return
    if (interception !== undefined) return send(interception.status, interception.body, interception.headers)
    if (path === undefined)
      return send(404, '<html><body><h1>Resource not found</h1></body></html>', { 'content-type': 'text/html' })
    if (method === 'POST' && path.endsWith('/protocol/openid-connect/token')) {
      void this.#desk
        .answer(request, path.split('/')[2] ?? '')
        .then(({ status, body }) => send(status, JSON.stringify(body)))
      return
    }
    const place: Place = { path, query: url.searchParams, headers: request.headers }
    const answered =
      method === 'GET' ? Promise.resolve().then(() => this.#read(place)) : this.#write(request, method, place)
    void answered
      .catch((error: unknown) =>
        error instanceof Refusal
          ? { status: error.status, body: error.body }
          : { status: 500, body: JSON.stringify({ error: 'unknown_error' }) },
      )
      .then(({ status, body, headers }: Answered) => send(status, body, headers))
  }

  #read(place: Place): Answered {
    const answer = place.path === '/admin/serverinfo' ? this.#info(place) : this.#answer(place)
    return answer === undefined ? { status: 204, body: undefined } : { status: 200, body: JSON.stringify(answer) }
  }

  /** One at a time, once its body is there: a write that is refused has changed nothing. */
  async #write(request: IncomingMessage, method: string, place: Place): Promise<Answered> {
    this.#writes++
    const text = await readBody(request)
    const { asking, rest, path } = this.#asking(place)
    if (this.#isPoisoned(rest, asking.query)) throw new Refusal(500, { error: 'unknown_error' })
    const { accept = '', 'content-type': type = '' } = request.headers
    let body: unknown = text
    try {
      if (type.startsWith('application/json') && text !== '') body = JSON.parse(text)
    } catch {
      throw new Refusal(400, { error: 'Cannot parse the JSON' })
    }
    const written = write(
      { ...asking, body, takesJson: accept.includes('application/json'), nowMs: systemClock.now().getTime() },
      method,
      rest,
    )
    if (written === undefined) return { status: 204, body: undefined }
    if ('answer' in written) return { status: 200, body: JSON.stringify(written.answer) }
    const location = `${this.url}${path}/${encodeURIComponent(written.created)}`
    return { status: 201, body: undefined, headers: { location } }
  }

  #answer(place: Place): unknown {
    const { asking, rest } = this.#asking(place)
    if (this.#isPoisoned(rest, asking.query)) throw new Refusal(500, { error: 'unknown_error' })
    return answerOf(asking, rest)
  }

  #info({ headers: { authorization } }: Place): object {
    const isTold = this.#quirks.tellsVersion === 'everybody' || this.#mayOf(authorization)('manage-realm')
    return serverInfo(this.#quirks.hashing, isTold ? this.version : undefined)
  }

  /** Who may change something may look at it. */
  #mayOf(authorization: string | undefined): (role: string) => boolean {
    const roles = this.#desk.rolesOf(authorization)
    if (roles === undefined) throw new Refusal(401, { error: 'HTTP 401 Unauthorized' })
    return (role) =>
      roles.has(role) ||
      roles.has('realm-admin') ||
      (role.startsWith('view-') && roles.has(`manage-${role.slice('view-'.length)}`))
  }

  #asking({ path, query, headers: { authorization } }: Place): {
    readonly asking: Asking
    readonly rest: string
    readonly path: string
  } {
    const { realm, version } = { realm: this.#realm, version: this.version }
    const may = this.#mayOf(authorization)
    const [, name, rest = ''] = /^\/admin\/realms\/([^/]+)(?:\/(.*))?$/.exec(path) ?? []
    if (name === undefined) throw new Refusal(404, { error: 'Unable to find matching target resource method' })
    if (name !== realm.name) throw new Refusal(404, { error: 'Realm not found.' })
    return { asking: { realm, version, quirks: this.#quirks, query, may }, rest, path }
  }

  #isPoisoned(path: string, query: URLSearchParams): boolean {
    if (this.#poisoned.size === 0) return false
    const username = query.get('username')
    const [kind, id = ''] = path.split('/')
    return (
      (username !== null && this.#poisoned.has(username)) ||
      (kind === 'users' && this.#poisoned.has(this.#realm.user(id)?.username ?? ''))
    )
  }
}

function filledRealm(seed: string, version: DemoVersion, users: number): DemoRealm {
  const realm = makeRealm(seed, version)
  realm.fill(makePeople(realm, users))
  return realm
}
