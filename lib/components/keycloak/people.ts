/**
 * Every person of the realm, while people come and go. Keycloak pages by offset in the order of usernames: a deletion before the offset moves the rest to
 * the left, and the next page skips as many survivors without an error (seen: 72 of 10,627; reference: keycloak.md §2.2).
 *
 * So: a page is one query of the database, and holds everybody between its first and its last name. Each page overlaps the one before; as long as
 * two neighbours share a person, nobody who was there all the time lies between them; where they share none, it is read again from further left. The first page
 * begins at the beginning, the last is not full. On top of that, the source's counts before and after, the union of two passes, and for each
 * person whom only one of them saw the proof: asked for by id, gone is 404.
 */
import pLimit from 'p-limit'
import { TorikiError } from '../../errors.ts'
import { countSchema, userBriefsSchema, userSchema } from './answers.ts'
import type { KeycloakClient } from './client.ts'
import { unexpected } from './failure.ts'

export interface Person {
  readonly id: string
  readonly username: string
  readonly isEnabled: boolean
}

const PAGE_PEOPLE = 500
/** So many may be deleted between two reads of neighbouring pages before the second is read again. */
const OVERLAP_PEOPLE = 20
/** Pages at once: 3,800 people a second from a Keycloak on two cores, against 1,100 one after the other. */
const PAGES_AT_ONCE = 8
/** Passes over a list that moves, and re-reads for one gap. */
const PASSES_MAX = 5
const GAP_TRIES_MAX = 5

interface Pass {
  readonly seen: ReadonlyMap<string, Person>
  readonly countBefore: number
  readonly countAfter: number
}

/**
 * Everybody, each once, in no promised order; service accounts are not people.
 * @throws TorikiError `source-moving` when it does not settle, `source-unexpected` when the source's count and its list never agree, and what asking throws.
 */
export async function listPeople(client: KeycloakClient, signal: AbortSignal): Promise<readonly Person[]> {
  let before = await readPass(client, signal)
  let isStill = false
  for (let pass = 2; pass <= PASSES_MAX; pass++) {
    const after = await readPass(client, signal)
    const doubtful = [...onlyIn(before.seen, after.seen), ...onlyIn(after.seen, before.seen)]
    isStill = doubtful.length === 0 && before.countBefore === after.countAfter
    const people = new Map([...before.seen, ...after.seen])
    for (const { id, person } of await prove(client, doubtful, signal)) {
      if (person === undefined) people.delete(id)
      else people.set(id, person)
    }
    // What moved in sight is the most by which a list that is right can differ from the count.
    const moved = doubtful.length + spread([before.countBefore, before.countAfter, after.countBefore, after.countAfter])
    if (Math.abs(people.size - after.countAfter) <= moved) return [...people.values()]
    before = after
  }
  throw isStill
    ? unexpected('The source counts another number of people than it lists.')
    : new TorikiError('source-moving')
}

/** One pass over all pages; its pages are read side by side. */
async function readPass(client: KeycloakClient, signal: AbortSignal): Promise<Pass> {
  const countBefore = await countPeople(client, signal)
  const seen = new Map<string, Person>()
  let at = 0
  let previous: { readonly first: number; readonly people: readonly Person[] } | undefined
  let gaps = 0
  for (let ended = false; !ended;) {
    const firsts = [at]
    // Beyond the count nothing is expected: one page at a time there, until one is not full.
    while (firsts.length < PAGES_AT_ONCE && at + firsts.length * STEP < countBefore)
      firsts.push(at + firsts.length * STEP)
    const pages = await Promise.all(
      firsts.map(async (first) => ({ first, people: await readPage(client, first, signal) })),
    )
    for (const page of pages) {
      if (previous !== undefined && !touches(previous.people, page.people)) {
        if (++gaps > GAP_TRIES_MAX) throw new TorikiError('source-moving')
        at = Math.max(0, previous.first - (gaps - 1) * PAGE_PEOPLE)
        break
      }
      gaps = 0
      for (const person of page.people) seen.set(person.id, person)
      previous = page
      at = page.first + STEP
      ended = page.people.length < PAGE_PEOPLE
      if (ended) break
    }
  }
  return { seen, countBefore, countAfter: await countPeople(client, signal) }
}

const STEP = PAGE_PEOPLE - OVERLAP_PEOPLE

/** Do two neighbouring pages share a person, so that nobody can lie between them? */
function touches(one: readonly Person[], other: readonly Person[]): boolean {
  const ids = new Set(one.map(({ id }) => id))
  return other.some(({ id }) => ids.has(id))
}

async function readPage(client: KeycloakClient, first: number, signal: AbortSignal): Promise<readonly Person[]> {
  const people = await client.read(
    {
      right: 'view-users',
      schema: userBriefsSchema,
      request: (admin) => admin.users.find({ first, max: PAGE_PEOPLE, briefRepresentation: true }),
    },
    signal,
  )
  return people.map(({ id, username, enabled }) => ({ id, username, isEnabled: enabled !== false }))
}

async function countPeople(client: KeycloakClient, signal: AbortSignal): Promise<number> {
  return client.read({ right: 'view-users', schema: countSchema, request: (admin) => admin.users.count() }, signal)
}

function onlyIn(one: ReadonlyMap<string, Person>, other: ReadonlyMap<string, Person>): readonly string[] {
  return [...one.keys()].filter((id) => !other.has(id))
}

/** Each asked for by id: there, or gone. */
async function prove(
  client: KeycloakClient,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<readonly { readonly id: string; readonly person: Person | undefined }[]> {
  const limit = pLimit(PAGES_AT_ONCE)
  return limit.map(ids, async (id) => {
    const user = await client.find(
      { right: 'view-users', schema: userSchema, request: (admin) => admin.users.findOne({ id }) },
      signal,
    )
    return { id, person: user && { id, username: user.username, isEnabled: user.enabled !== false } }
  })
}

function spread(numbers: readonly number[]): number {
  return Math.max(...numbers) - Math.min(...numbers)
}
