/**
 * The stand-in for Keycloak: the part of its REST interface that the component asks for, over a realm in memory, on a free port of this machine. For the
 * demo and for tests; the component's contract runs on it and on the real server, so that it cannot drift. It takes no writes: the realm is
 * changed by the methods here. Limits and oddities are those of the real one, per version.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Refusal } from './asking.ts'
import { writeExportFolder } from './export-folder.ts'
import { fixedId } from './fixed-id.ts'
import { makeRealm } from './installer.ts'
import type { DemoAccount } from './installer.ts'
import { makePassword, makePeople, makePerson } from './people.ts'
import type { DemoRealm, DemoUser } from './realm.ts'
import { answerOf } from './routes.ts'
import { TokenDesk } from './token-desk.ts'
import { quirksOf } from './version.ts'
import type { DemoVersion, Quirks } from './version.ts'

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
  Pick<
    DemoUser,
    'email' | 'firstName' | 'lastName' | 'enabled' | 'attributes' | 'requiredActions' | 'realmRoles' | 'clientRoles'
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
  readonly #realm: DemoRealm
  readonly #quirks: Quirks
  readonly #desk: TokenDesk
  readonly #intercept: DemoKeycloakOptions['intercept']
  readonly #poisoned = new Set<string>()
  readonly #server = createServer((request, response) => this.#handle(request, response))
  /** Passwords changed so far: dates go on by an hour each. */
  #turn = 0
  #requests = 0
  #writes = 0

  constructor({ users, seed = 'nebari', version = '26.7.4', intercept }: DemoKeycloakOptions) {
    this.version = version
    this.#realm = makeRealm(seed, version)
    this.#realm.fill(makePeople(this.#realm, users))
    this.#quirks = quirksOf(version)
    this.#desk = new TokenDesk(this.#realm, this.#quirks, ADMINISTRATOR)
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
    const ofPeople = this.#realm.users.flatMap(({ credentials }) =>
      credentials.map(({ secretData }) => (JSON.parse(secretData) as { value: string }).value),
    )
    return [...ofClients, ...ofPeople, ADMINISTRATOR.password, 'demo-smtp-password']
  }

  /** Requests answered, tokens included. */
  get requests(): number {
    return this.#requests
  }

  /** Requests that would have changed something: none may come. */
  get writes(): number {
    return this.#writes
  }

  /** Logs in elsewhere only. */
  hasNoCredential(username: string): boolean {
    return this.#user(username).credentials.length === 0
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

  setPassword(username: string): void {
    const user = this.#user(username)
    const turn = ++this.#turn
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

  /** Nobody is left, and no error is answered. */
  removeEverybody(): void {
    for (const user of [...this.#realm.users]) this.#realm.remove(user)
  }

  setRoleAttributes(client: string | undefined, role: string, attributes: Record<string, string[]>): void {
    this.#realm.role(client, role).attributes = attributes
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
    const [first = '', second = '', third = ''] = this.userNames
    const leaving = this.userNames.at(-1) ?? ''
    const changes: string[] = []
    this.change(first, { email: `${first}@institute.example.org` })
    changes.push(`${first} has another e-mail address`)
    if (second !== '') {
      this.join(second, 'projects', 'p1')
      changes.push(`${second} joined the group /projects/p1`)
    }
    if (third !== '' && third !== leaving) {
      this.change(third, { clientRoles: { jupyterhub: ['my-perm'] } })
      changes.push(`${third} may share servers (role my-perm of jupyterhub)`)
    }
    this.add('newcomer')
    changes.push('newcomer has an account')
    if (this.userNames.length > 4) {
      this.remove(leaving)
      changes.push(`${leaving} has left: the account and the home are deleted`)
    }
    return changes
  }

  /** Every question about this person alone is answered with 500; lists go on as before. */
  poison(username: string): void {
    this.#poisoned.add(username)
  }

  mend(username: string): void {
    this.#poisoned.delete(username)
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
    try {
      if (method !== 'GET') {
        this.#writes++
        throw new Refusal(405, { error: 'The stand-in takes no writes' })
      }
      const answer = this.#answer(path, url.searchParams, request.headers.authorization)
      send(answer === undefined ? 204 : 200, answer === undefined ? undefined : JSON.stringify(answer))
    } catch (error) {
      if (error instanceof Refusal) send(error.status, error.body)
      else send(500, JSON.stringify({ error: 'unknown_error' }))
    }
  }

  #answer(path: string, query: URLSearchParams, authorization: string | undefined): unknown {
    const { realm, version } = { realm: this.#realm, version: this.version }
    const roles = this.#desk.rolesOf(authorization)
    if (roles === undefined) throw new Refusal(401, { error: 'HTTP 401 Unauthorized' })
    const may = (role: string): boolean => roles.has(role) || roles.has('realm-admin')
    if (path === '/admin/serverinfo') {
      return {
        profileInfo: { name: 'default' },
        ...(this.#quirks.tellsVersion === 'everybody' || may('realm-admin') ? { systemInfo: { version } } : {}),
      }
    }
    const [, name, rest] = /^\/admin\/realms\/([^/]+)(?:\/(.*))?$/.exec(path) ?? []
    if (name === undefined) throw new Refusal(404, { error: 'Unable to find matching target resource method' })
    if (name !== realm.name) throw new Refusal(404, { error: 'Realm not found.' })
    if (this.#isPoisoned(rest ?? '', query)) throw new Refusal(500, { error: 'unknown_error' })
    return answerOf({ realm, version, quirks: this.#quirks, query, may }, rest ?? '')
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
