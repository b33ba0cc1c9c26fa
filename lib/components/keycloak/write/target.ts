/**
 * What the target has to refer to, by natural name: roles, clients, groups, providers, scopes, organizations, and what its user profile shows. Kept for a bounded
 * time; what we make ourselves is seen at once (`forget`).
 */
import * as z from 'zod'
import type { Clock } from '../../../platform/clock.ts'
import {
  clientScopesSchema,
  clientsSchema,
  flowsSchema,
  identityProvidersSchema,
  organizationsSchema,
  realmSchema,
  rolesSchema,
  userGroupsSchema,
  userProfileSchema,
} from '../answers.ts'
import type { ClientAnswer, RealmAnswer, RoleAnswer } from '../answers.ts'
import { compareText } from '../clean-json.ts'
import type { KeycloakClient } from '../client.ts'
import { readGroupTree } from '../directory.ts'
import type { GroupPlace } from '../directory.ts'
import { KeptAnswers } from '../kept-answers.ts'
import { readPages } from '../pages.ts'

/** Short: an administrator may be at work beside us. */
const KEPT_MS = 30_000
const INFO_KEPT_MS = 10 * 60_000
const WHOLE: object = { briefRepresentation: false }

const infoSchema = z.looseObject({
  systemInfo: z.looseObject({ version: z.string().nullish() }).nullish(),
  providers: z.record(z.string(), z.looseObject({ providers: z.record(z.string(), z.unknown()).nullish() })).nullish(),
})

export interface Profile {
  /** Are attributes shown that it does not declare? */
  readonly showsAll: boolean
  readonly declared: ReadonlySet<string>
}

export class Target {
  readonly client: KeycloakClient
  readonly #clock: Clock
  readonly #life: AbortSignal
  #kept: KeptAnswers<string>
  /** About the server itself: nothing that we do changes it. */
  readonly #server: KeptAnswers<'info'>

  constructor(client: KeycloakClient, clock: Clock, life: AbortSignal) {
    this.client = client
    this.#clock = clock
    this.#life = life
    this.#kept = new KeptAnswers(clock, KEPT_MS, life)
    this.#server = new KeptAnswers(clock, INFO_KEPT_MS, life)
  }

  /** Something was made or removed. */
  forget(): void {
    this.#kept = new KeptAnswers(this.#clock, KEPT_MS, this.#life)
  }

  realm(signal: AbortSignal): Promise<RealmAnswer> {
    const { realm } = this.client.settings
    return this.#kept.get('realm', signal, (life) =>
      this.client.read(
        { right: 'view-realm', schema: realmSchema, request: (admin) => admin.realms.findOne({ realm }) },
        life,
      ),
    )
  }

  /** By name. */
  realmRoles(signal: AbortSignal): Promise<ReadonlyMap<string, RoleAnswer>> {
    return this.#kept.get('realm-roles', signal, async (life) =>
      byName(
        await this.client.read(
          {
            right: 'view-realm',
            schema: rolesSchema,
            request: (admin) => admin.roles.find({ briefRepresentation: false }),
          },
          life,
        ),
      ),
    )
  }

  /** By client id. */
  clients(signal: AbortSignal): Promise<ReadonlyMap<string, ClientAnswer>> {
    return this.#kept.get('clients', signal, async (life) => {
      const clients = await this.client.read(
        { right: 'view-clients', schema: clientsSchema, request: (admin) => admin.clients.find() },
        life,
      )
      return new Map(clients.map((client) => [client.clientId, client]))
    })
  }

  /** By name; empty for a client that is not there. */
  async clientRoles(clientId: string, signal: AbortSignal): Promise<ReadonlyMap<string, RoleAnswer>> {
    const id = (await this.clients(signal)).get(clientId)?.id
    if (id === undefined) return new Map()
    return await this.#kept.get(`client-roles ${clientId}`, signal, async (life) =>
      byName(
        await this.client.read(
          {
            right: 'view-clients',
            schema: rolesSchema,
            request: (admin) => admin.clients.listRoles({ id, ...WHOLE }),
          },
          life,
        ),
      ),
    )
  }

  composites(id: string, signal: AbortSignal): Promise<readonly RoleAnswer[]> {
    return this.#kept.get(`composites ${id}`, signal, (life) =>
      this.client.read(
        { right: 'view-realm', schema: rolesSchema, request: (admin) => admin.roles.getCompositeRoles({ id }) },
        life,
      ),
    )
  }

  /** By `groupName`. */
  groups(signal: AbortSignal): Promise<ReadonlyMap<string, GroupPlace>> {
    return this.#kept.get('groups', signal, async (life) => {
      const places = await readGroupTree(this.client, life)
      return new Map(places.map((place) => [groupName(place.segments), place]))
    })
  }

  /** Aliases. */
  providers(signal: AbortSignal): Promise<ReadonlySet<string>> {
    return this.#kept.get('providers', signal, async (life) => {
      const providers = await readPages({
        page: (first, max) =>
          this.client.read(
            {
              right: 'view-identity-providers',
              schema: identityProvidersSchema,
              request: (admin) => admin.identityProviders.find({ first, max }),
            },
            life,
          ),
        identity: ({ alias }) => alias,
      })
      return new Set(providers.map(({ alias }) => alias))
    })
  }

  /** Client scopes: name → id. */
  scopes(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    return this.#kept.get('scopes', signal, async (life) => {
      const scopes = await this.client.read(
        { right: 'view-clients', schema: clientScopesSchema, request: (admin) => admin.clientScopes.find() },
        life,
      )
      return new Map(scopes.map(({ id, name }) => [name, id]))
    })
  }

  /** Alias → id. */
  organizations(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    return this.#kept.get('organizations', signal, async (life) => {
      const organizations = await readPages({
        page: (first, max) =>
          this.client.read(
            {
              right: 'view-organizations',
              schema: organizationsSchema,
              request: (admin) => admin.organizations.find({ first, max }),
            },
            life,
          ),
        identity: ({ id }) => id,
      })
      return new Map(organizations.map(({ id, alias, name }) => [alias ?? name, id]))
    })
  }

  /** `undefined`: this Keycloak (before 24) has none, and shows and keeps everything. */
  profile(signal: AbortSignal): Promise<Profile | undefined> {
    return this.#kept.get('profile', signal, async (life) => {
      const profile = await this.client.find(
        {
          right: 'view-realm',
          schema: userProfileSchema.or(userProfileSchema.nullable().catch(null)),
          request: async (admin) => (await admin.users.getProfile()) || null,
        },
        life,
      )
      if (profile === undefined || profile === null) return undefined
      const { attributes, unmanagedAttributePolicy: policy } = profile
      return {
        showsAll: policy !== undefined && policy !== null && policy !== 'DISABLED',
        declared: new Set((attributes ?? []).map(({ name }) => name)),
      }
    })
  }

  /** The first two numbers of the version; `undefined`: it does not tell us (26.4 tells it to nobody of the realm, newer ones to who may manage the realm). */
  async version(signal: AbortSignal): Promise<readonly [major: number, minor: number] | undefined> {
    const version = (await this.#info(signal))?.systemInfo?.version
    if (version === undefined || version === null) return undefined
    const [major = '', minor = '0'] = version.split('.')
    return [Number.parseInt(major, 10), Number.parseInt(minor, 10)]
  }

  #info(signal: AbortSignal): Promise<z.infer<typeof infoSchema> | undefined> {
    return this.#server.get('info', signal, (life) =>
      this.client.find({ right: 'view-realm', schema: infoSchema, request: (admin) => admin.serverInfo.find() }, life),
    )
  }

  /** Flows of the top level: alias → id. */
  flows(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    return this.#kept.get('flows', signal, async (life) => {
      const flows = await this.client.read(
        {
          right: 'view-realm',
          schema: flowsSchema,
          request: (admin) => admin.authenticationManagement.getFlows(),
        },
        life,
      )
      return new Map(flows.map(({ id, alias }) => [alias, id]))
    })
  }

  /** Names of groups from the top, sorted as a person's are. */
  async defaultGroups(signal: AbortSignal): Promise<string[][]> {
    const ids = await this.#kept.get('default-groups', signal, async (life) => {
      const groups = await this.client.read(
        {
          right: 'view-realm',
          schema: userGroupsSchema,
          request: (admin) => admin.realms.getDefaultGroups({ realm: this.client.settings.realm }),
        },
        life,
      )
      return new Set(groups.map(({ id }) => id))
    })
    return [...(await this.groups(signal)).values()]
      .filter(({ group }) => ids.has(group.id))
      .map(({ segments }) => ({ segments: [...segments], text: JSON.stringify(segments) }))
      .sort((a, b) => compareText(a.text, b.text))
      .map(({ segments }) => segments)
  }

  /** Names of the ways to hash a password that the target can check; `undefined`: it does not tell. */
  hashing(signal: AbortSignal): Promise<ReadonlySet<string> | undefined> {
    return this.parts(signal, 'password-hashing')
  }

  /** Names of what the target can ask a person to do; `undefined`: it does not tell. */
  requiredActions(signal: AbortSignal): Promise<ReadonlySet<string> | undefined> {
    return this.parts(signal, 'required-action')
  }

  /** Names of what the server has for these tasks (`authenticator`, `validator`, …); `undefined`: it does not tell. */
  async parts(signal: AbortSignal, ...tasks: readonly string[]): Promise<ReadonlySet<string> | undefined> {
    const told = (await this.#info(signal))?.providers ?? {}
    const known = tasks.map((task) => told[task]?.providers)
    return known.some((names) => names === undefined || names === null)
      ? undefined
      : new Set(known.flatMap((names) => Object.keys(names ?? {})))
  }
}

/** Names from the top, as one word that no name can forge. */
export function groupName(segments: readonly string[]): string {
  return JSON.stringify(segments)
}

function byName(roles: readonly RoleAnswer[]): ReadonlyMap<string, RoleAnswer> {
  return new Map(roles.map((role) => [role.name, role]))
}
