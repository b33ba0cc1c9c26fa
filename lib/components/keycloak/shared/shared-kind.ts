/** What a kind of shared state is to the reader of the slice `shared`, and what it reads with. */
import type { JsonObject } from '../../../resources/json.ts'
import type { ClientAnswer, RealmAnswer } from '../answers.ts'
import { clientsSchema, flowsSchema, realmSchema } from '../answers.ts'
import type { KeycloakClient, Reading } from '../client.ts'
import { readGroupTree } from '../directory.ts'
import type { GroupPlace } from '../directory.ts'

export interface SharedKind {
  readonly kind: string
  /** Everything of this kind, in any order, each with its own segments. @throws what asking throws. */
  read(reader: SharedReader): Promise<readonly Draft[]>
}

/** A resource before its secrets are taken out. */
export interface Draft {
  readonly segments: readonly string[]
  readonly body: JsonObject
  readonly kept?: JsonObject
  /** Secrets that came by themselves, beside those that stand in the body. */
  readonly secrets?: Readonly<Record<string, string>>
}

/** Asks; what several kinds need is asked for once in a read of the slice, never kept for the next. */
export class SharedReader {
  readonly signal: AbortSignal
  readonly client: KeycloakClient
  readonly organizations: 'off' | 'open' | 'closed' | 'missing'
  /** Says what is not covered, about a resource of the kind that is being read, or about the slice. */
  readonly say: (code: string, message: string, segments?: readonly string[]) => void
  /** Is this one asked for? A kind that asks for each of its resources spares the others. */
  readonly wants: (segments: readonly string[]) => boolean
  #realm: Promise<RealmAnswer> | undefined
  #clients: Promise<readonly ClientAnswer[]> | undefined
  #groups: Promise<readonly GroupPlace[]> | undefined
  #flows: Promise<ReadonlyMap<string, string>> | undefined

  constructor({
    client,
    signal,
    organizations,
    say,
    wants = () => true,
  }: Pick<SharedReader, 'client' | 'signal' | 'organizations' | 'say'> & Partial<Pick<SharedReader, 'wants'>>) {
    this.client = client
    this.signal = signal
    this.organizations = organizations
    this.say = say
    this.wants = wants
  }

  ask<T>(reading: Reading<T>): Promise<T> {
    return this.client.read(reading, this.signal)
  }

  /** `undefined` where there is no such thing. */
  find<T>(reading: Reading<T>): Promise<T | undefined> {
    return this.client.find(reading, this.signal)
  }

  realm(): Promise<RealmAnswer> {
    const { realm } = this.client.settings
    return (this.#realm ??= this.ask({
      right: 'view-realm',
      schema: realmSchema,
      request: (admin) => admin.realms.findOne({ realm }),
    }))
  }

  clients(): Promise<readonly ClientAnswer[]> {
    return (this.#clients ??= this.ask({
      right: 'view-clients',
      schema: clientsSchema,
      request: (admin) => admin.clients.find(),
    }))
  }

  /** Id → natural name. */
  async clientIds(): Promise<ReadonlyMap<string, string>> {
    return new Map((await this.clients()).map(({ id, clientId }) => [id, clientId]))
  }

  groups(): Promise<readonly GroupPlace[]> {
    return (this.#groups ??= readGroupTree(this.client, this.signal))
  }

  /** Id → alias of a flow. */
  flowAliases(): Promise<ReadonlyMap<string, string>> {
    return (this.#flows ??= this.ask({
      right: 'view-realm',
      schema: flowsSchema,
      request: (admin) => admin.authenticationManagement.getFlows(),
    }).then((flows) => new Map(flows.map(({ id, alias }) => [id, alias]))))
  }
}
