/**
 * The stand-in's realm in memory: what Nebari's installer makes, what its admin added, and the people. Everything has an id that the seed decides;
 * lists come in an order of the stand-in's own, as they do from the real server.
 */
import { fixedBytes, fixedId } from './fixed-id.ts'
import { DemoParts } from './settings/demo-parts.ts'

export interface DemoRole {
  readonly id: string
  readonly name: string
  description?: string
  /** Of the realm where absent. */
  readonly client?: string
  attributes: Record<string, string[]>
  composites: string[]
}

export interface DemoGroup {
  readonly id: string
  name: string
  description?: string
  readonly parent: string | undefined
  attributes: Record<string, string[]>
  realmRoles: string[]
  /** Client id → names of roles. */
  clientRoles: Record<string, string[]>
}

export interface DemoCredential {
  readonly id: string
  readonly type: string
  readonly userLabel?: string
  readonly createdDate: number
  readonly secretData: string
  readonly credentialData: string
}

export interface DemoUser {
  readonly id: string
  username: string
  email?: string
  firstName?: string
  lastName?: string
  emailVerified: boolean
  enabled: boolean
  readonly createdTimestamp: number
  notBefore: number
  attributes: Record<string, string[]>
  requiredActions: string[]
  /** Ids. */
  groups: string[]
  realmRoles: string[]
  clientRoles: Record<string, string[]>
  federatedIdentities: { identityProvider: string; userId: string; userName: string }[]
  consents: Record<string, string[]>
  organizations: string[]
  credentials: DemoCredential[]
  /** Of a service account: its client. */
  readonly serviceAccountOf?: string
}

export interface DemoClient {
  readonly id: string
  readonly clientId: string
  secret?: string
  publicClient: boolean
  bearerOnly: boolean
  serviceAccount: boolean
  consentRequired: boolean
  /** People log in through it with name and password. */
  directGrants: boolean
  redirectUris: readonly string[]
  mappers: readonly DemoMapper[]
  /** Alias. */
  browserFlow?: string
  defaultScopes: readonly string[]
  optionalScopes: readonly string[]
  /** Ids of the roles that its tokens may show. */
  roleScope: string[]
  /** Members that were written and that nothing here goes by. */
  own: Record<string, unknown>
}

export interface DemoMapper {
  readonly id: string
  readonly name: string
  readonly [member: string]: unknown
}

export interface DemoScope {
  readonly id: string
  readonly name: string
  description?: string
  readonly protocol: string
  attributes: Record<string, string>
  mappers: readonly DemoMapper[]
  newClients: 'default' | 'optional' | 'none'
  roleScope: string[]
}

export class DemoRealm {
  readonly name: string
  readonly seed: string
  readonly id: string
  readonly settings: Record<string, unknown> = {}
  readonly parts: DemoParts
  readonly clients = new Map<string, DemoClient>()
  /** By id. */
  readonly scopes = new Map<string, DemoScope>()
  readonly roles = new Map<string, DemoRole>()
  readonly groups = new Map<string, DemoGroup>()
  defaultGroups: string[] = []
  /** Counts what was made since, for ids that nobody chose. */
  serial = 0
  readonly serviceAccounts = new Map<string, DemoUser>()
  readonly organizations = new Map<
    string,
    { readonly id: string; readonly alias: string; readonly domain: string; readonly city: string }
  >()
  readonly #users = new Map<string, DemoUser>()
  /** In the order of usernames, by binary search. */
  #sorted: DemoUser[] = []

  constructor(name: string, seed: string) {
    this.name = name
    this.seed = seed
    this.id = fixedId(seed, 'realm')
    this.parts = new DemoParts(seed, this.id)
  }

  /** Everybody but service accounts, in the order of usernames. */
  get users(): readonly DemoUser[] {
    return this.#sorted
  }

  user(id: string): DemoUser | undefined {
    return this.#users.get(id) ?? this.serviceAccounts.get(id)
  }

  userNamed(username: string): DemoUser | undefined {
    const at = this.#place(username)
    return this.#sorted[at]?.username === username ? this.#sorted[at] : undefined
  }

  /** All at once: for the first ten thousand. */
  fill(users: readonly DemoUser[]): void {
    for (const user of users) this.#users.set(user.id, user)
    this.#sorted = [...this.#users.values()].sort((a, b) => (a.username < b.username ? -1 : 1))
  }

  add(user: DemoUser): void {
    this.#users.set(user.id, user)
    this.#sorted.splice(this.#place(user.username), 0, user)
  }

  remove(user: DemoUser): void {
    this.#users.delete(user.id)
    this.#sorted.splice(this.#place(user.username), 1)
  }

  role(client: string | undefined, name: string): DemoRole {
    const id = fixedId(this.seed, 'role', client ?? '', name)
    let role = this.roles.get(id)
    if (role === undefined) {
      role = { id, name, attributes: {}, composites: [], ...(client === undefined ? {} : { client }) }
      this.roles.set(id, role)
    }
    return role
  }

  group(path: readonly string[]): DemoGroup {
    const parent = path.length > 1 ? this.group(path.slice(0, -1)).id : undefined
    let group = [...this.groups.values()].find((one) => one.parent === parent && one.name === path.at(-1))
    if (group === undefined) {
      const id = fixedId(this.seed, 'group', ...path)
      group = { id, name: path.at(-1) ?? '', parent, attributes: {}, realmRoles: [], clientRoles: {} }
      this.groups.set(id, group)
    }
    return group
  }

  /** Joined, as the server does it: a slash in a name looks like one between names. */
  pathOf({ name, parent }: DemoGroup): string {
    const above = parent === undefined ? undefined : this.groups.get(parent)
    return `${above === undefined ? '' : this.pathOf(above)}/${name}`
  }

  addClient({ clientId, ...rest }: Partial<DemoClient> & Pick<DemoClient, 'clientId'>): DemoClient {
    const isSecret = rest.publicClient !== true && rest.bearerOnly !== true
    const client: DemoClient = {
      publicClient: false,
      bearerOnly: false,
      serviceAccount: false,
      consentRequired: false,
      directGrants: false,
      redirectUris: [],
      mappers: [],
      defaultScopes: ['profile', 'email', 'roles'],
      optionalScopes: ['offline_access'],
      roleScope: [],
      own: {},
      ...(isSecret
        ? { secret: `${clientId}-${fixedBytes(this.seed, 'secret', clientId).toString('hex').slice(0, 24)}` }
        : {}),
      id: fixedId(this.seed, 'client', clientId),
      ...rest,
      clientId,
    }
    this.clients.set(client.id, client)
    return client
  }

  clientNamed(clientId: string): DemoClient | undefined {
    return [...this.clients.values()].find((client) => client.clientId === clientId)
  }

  #place(username: string): number {
    let [low, high] = [0, this.#sorted.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#sorted[middle]?.username ?? '') < username) low = middle + 1
      else high = middle
    }
    return low
  }
}
