/**
 * What of the realm many people's records refer to: the group tree, which clients ask for consent, the names of user federations. Read once and kept for
 * a bounded time, so that a message about one person does not read the realm again.
 *
 * Staleness: a group that was moved or renamed shows at once (a person's groups come with their paths, which are compared) and the tree is read again. A
 * client that began to ask for consent is seen after at most `KEPT_MS`; consents given meanwhile are in the next backup.
 */
import { TorikiError } from '../../errors.ts'
import type { Clock } from '../../platform/clock.ts'
import { clientsSchema, componentsSchema, groupCountSchema, groupsSchema } from './answers.ts'
import type { GroupAnswer } from './answers.ts'
import type { KeycloakClient } from './client.ts'
import { KeptAnswers } from './kept-answers.ts'
import { readPages } from './pages.ts'

export interface GroupPlace {
  /** Names from the top: a joined path cannot tell the group `a/b` from `b` in `a`. */
  readonly segments: readonly string[]
  readonly group: GroupAnswer
}

const KEPT_MS = 5 * 60_000

export class RealmDirectory {
  readonly #client: KeycloakClient
  readonly #kept: KeptAnswers<'groups' | 'consent' | 'federations'>

  constructor(client: KeycloakClient, clock: Clock, life: AbortSignal) {
    this.#client = client
    this.#kept = new KeptAnswers(clock, KEPT_MS, life)
  }

  /** Group id → its names from the top. */
  groupPaths(signal: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.#kept.get(
      'groups',
      signal,
      async (life) =>
        new Map((await readGroupTree(this.#client, life)).map(({ segments, group }) => [group.id, segments])),
    )
  }

  /** The tree is not what it was. */
  forgetGroups(): void {
    this.#kept.forget('groups')
  }

  /** Does any client ask people for consent? Then people may have given some. */
  asksForConsent(signal: AbortSignal): Promise<boolean> {
    return this.#kept.get('consent', signal, async (life) => {
      const clients = await this.#client.read(
        { right: 'view-clients', schema: clientsSchema, request: (admin) => admin.clients.find() },
        life,
      )
      return clients.some(({ consentRequired }) => consentRequired === true)
    })
  }

  /** Component id → name, of user federations. */
  federations(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    return this.#kept.get('federations', signal, async (life) => {
      const components = await this.#client.read(
        {
          right: 'view-realm',
          schema: componentsSchema,
          request: (admin) => admin.components.find({ type: 'org.keycloak.storage.UserStorageProvider' }),
        },
        life,
      )
      return new Map(components.map(({ id, name }) => [id, name ?? '']))
    })
  }
}

/**
 * Every group with its place, parents before children, in no promised order among siblings; checked against the source's own count.
 * @throws TorikiError `source-moving` when count and tree never agree.
 */
export async function readGroupTree(client: KeycloakClient, signal: AbortSignal): Promise<readonly GroupPlace[]> {
  for (let tries = 0; tries < TREE_TRIES_MAX; tries++) {
    const top = await readPages({
      page: (first, max) =>
        client.read(
          {
            right: 'view-users',
            schema: groupsSchema,
            request: (admin) => admin.groups.find({ first, max, briefRepresentation: false }),
          },
          signal,
        ),
      identity: ({ id }) => id,
    })
    const places = (await Promise.all(top.map((group) => descend(client, group, [], signal)))).flat()
    const { count } = await client.read(
      { right: 'view-users', schema: groupCountSchema, request: (admin) => admin.groups.count() },
      signal,
    )
    if (count === places.length && new Set(places.map(({ group }) => group.id)).size === count) return places
  }
  throw new TorikiError('source-moving', { message: 'The groups changed all the time while they were listed.' })
}

const TREE_TRIES_MAX = 4

/** From 23 on a list has only a number of children, in pages of their own; before, children stand in their parents. */
async function descend(
  client: KeycloakClient,
  group: GroupAnswer,
  above: readonly string[],
  signal: AbortSignal,
): Promise<readonly GroupPlace[]> {
  const segments = [...above, group.name]
  const nested = group.subGroups ?? []
  const promised = group.subGroupCount
  const children =
    promised === undefined || promised === null || promised === nested.length
      ? nested
      : await readPages({
          page: (first, max) =>
            client.read(
              {
                right: 'view-users',
                schema: groupsSchema,
                request: (admin) =>
                  admin.groups.listSubGroups({ parentId: group.id, first, max, briefRepresentation: false }),
              },
              signal,
            ),
          identity: ({ id }) => id,
        })
  const below = await Promise.all(children.map((child) => descend(client, child, segments, signal)))
  return [{ segments, group }, ...below.flat()]
}
