/**
 * The source of truth: two systems with people who come, go and change, written by a seed. What each slice was at which time is remembered, so that what
 * a backup says of it can be compared. Every name, secret and content bears a mark that must never be found in clear.
 */
import { createHash } from 'node:crypto'
import type { Component, Identity, Member } from '../../lib/components/component.ts'
import { TorikiError } from '../../lib/errors.ts'
import type { Random } from '../../lib/platform/random.ts'
import type { JsonObject } from '../../lib/resources/json.ts'
import { compareKeys, decodeKey, encodeKey } from '../../lib/resources/key.ts'
import type { ContentPart, Resource } from '../../lib/resources/resource.ts'
import { parseSlice } from '../../lib/resources/slice.ts'
import type { Slice, SliceName } from '../../lib/resources/slice.ts'

/** Stands in every secret, content and kept part. */
export const PLANTED = 'planted~secret'
/** Stands in every name of a person, group and file. */
export const NAMED = 'zqx~'

export const sourceNames = ['keycloak', 'files'] as const
export type SourceName = (typeof sourceNames)[number]

export interface Thing {
  readonly state: JsonObject
  readonly kept?: JsonObject
  readonly secrets?: Readonly<Record<string, string>>
  readonly content?: readonly ContentPart[]
}
/** Written key → thing; `home` is a container. Never changed in place. */
export type Things = ReadonlyMap<string, Thing>

/** What the checker should find of one thing. */
export interface Truth {
  readonly state: JsonObject
  readonly kept: JsonObject
  readonly contentSha256: string | undefined
  readonly secrets: Readonly<Record<string, string>>
}

/** One thing that was written to a live system. */
export interface Written {
  /** Of everything that happens, in order. */
  readonly seq: number
  readonly atMs: number
  /** A restore's id; `undefined`: somebody else. */
  readonly by: string | undefined
  readonly source: SourceName
  readonly slice: SliceName
  readonly text: string
  readonly before: Thing | undefined
  readonly after: Thing | undefined
}

export type SourceOperation = 'members' | 'identify' | 'source' | 'read'
/** What goes wrong at a call of a source; `at`: after so many resources of a read. */
export interface SourceFault {
  readonly error: TorikiError | Error
  readonly at?: number
}

export class World {
  readonly slices: Readonly<Record<SourceName, Map<SliceName, Things>>> = { keycloak: new Map(), files: new Map() }
  readonly identities = new Map<SliceName, Identity>()
  readonly root: Record<SourceName, JsonObject> = { keycloak: { realm: 'nebari' }, files: { device: 1 } }
  fault: (source: SourceName, operation: SourceOperation, slice: SliceName | undefined) => SourceFault | undefined =
    () => undefined
  /** A restore cannot make it here. */
  cannot: (source: SourceName, slice: SliceName, text: string) => boolean = () => false
  /** A write that is refused. */
  refuse: (source: SourceName, slice: SliceName, text: string, member: string) => Error | undefined = () => undefined
  /** A write that is taken, and has no effect. */
  forgets: (source: SourceName, slice: SliceName, text: string, member: string) => boolean = () => false
  nowMs: () => number = () => 0
  /** Homes may be read in ranges. */
  ranged = false
  /** Everything that was written since it began, by whom. */
  readonly journal: Written[] = []
  #seq = 0
  readonly #random: Random
  /** Every state that a slice of a source had since the last `forgetVersions`. */
  readonly #versions = new Map<string, Set<Things>>()

  constructor(random: Random) {
    this.#random = random
  }

  /** Begins a night: what was before counts no more as what may be read. */
  forgetVersions(): void {
    this.#versions.clear()
    for (const source of sourceNames)
      for (const [slice, things] of this.slices[source]) this.#remember(source, slice, things)
  }

  /** The number of what happens next: everything that is watched is numbered in one order. */
  next(): number {
    return ++this.#seq
  }

  /** Nothing of it was a restore's. */
  set(source: SourceName, slice: SliceName, things: Things): void {
    this.#put(source, slice, things, undefined)
  }

  remove(source: SourceName, slice: SliceName): void {
    this.#put(source, slice, undefined, undefined)
  }

  /** A restore writes one thing, or takes it away. */
  write(by: string, source: SourceName, slice: SliceName, text: string, thing: Thing | undefined): void {
    const things = new Map(this.slices[source].get(slice))
    if (thing === undefined) things.delete(text)
    else things.set(text, thing)
    this.#put(source, slice, things, by)
    const id = source === 'keycloak' && text === 'profile' ? thing?.kept?.['id'] : undefined
    if (typeof id === 'string' && !this.identities.has(slice))
      this.identities.set(slice, { id, createdAt: new Date('2020-01-01T00:00:00Z') })
  }

  #put(source: SourceName, slice: SliceName, things: Things | undefined, by: string | undefined): void {
    const before: Things = this.slices[source].get(slice) ?? new Map()
    const after: Things = things ?? new Map()
    for (const text of new Set([...before.keys(), ...after.keys()])) {
      const [old, now] = [before.get(text), after.get(text)]
      if (old === now) continue
      const at = { seq: this.next(), atMs: this.nowMs() }
      this.journal.push({ ...at, by, source, slice, text, before: old, after: now })
    }
    if (things === undefined) this.slices[source].delete(slice)
    else this.slices[source].set(slice, things)
    this.#remember(source, slice, after)
  }

  /** What may be read of it since the last `forgetVersions`, as the checker names it. Nothing known: the empty map. */
  truths(source: SourceName, slice: SliceName): ReadonlyMap<string, Truth>[] {
    const versions = this.#versions.get(`${source} ${slice}`) ?? new Set([new Map()])
    return [...versions].map(
      (things) =>
        new Map(
          [...things]
            .filter(([text]) => !isBeside(text))
            .map(([text, thing]) => [keyOf(text).toString('latin1'), truthOf(thing)]),
        ),
    )
  }

  /** A user with an account and a home. */
  addUser(name: string, size: 'small' | 'large' = 'small'): void {
    const slice: SliceName = `user/${name}`
    this.identities.set(slice, { id: `id of ${name} ${this.#text(8)}`, createdAt: new Date('2020-01-01T00:00:00Z') })
    this.set('keycloak', slice, this.#account(slice))
    this.set('files', slice, this.#home(size))
  }

  /** The name is another person's from now on. */
  handOn(slice: SliceName): void {
    this.identities.set(slice, { id: `another ${slice} ${this.#text(8)}`, createdAt: new Date('2030-01-01T00:00:00Z') })
    this.set('keycloak', slice, this.#account(slice))
    this.set('files', slice, this.#home('small'))
  }

  removeUser(slice: SliceName): void {
    for (const source of sourceNames) this.remove(source, slice)
    this.identities.delete(slice)
  }

  /** Some things of a slice change, come and go. */
  change(source: SourceName, slice: SliceName): void {
    const things = new Map(this.slices[source].get(slice))
    const texts = [...things.keys()].filter((text) => text !== 'home')
    const some = texts[Math.floor(this.#random.fraction() * texts.length)]
    if (some !== undefined)
      things.set(some, { ...(things.get(some) as Thing), state: { changed: this.#text(6), mark: NAMED } })
    things.set(`${NAMED}new ${this.#text(3)}`, this.#file(200))
    if (texts.length > 4 && some !== undefined && this.#random.fraction() < 0.5)
      things.delete(texts.find((text) => text !== some) as string)
    this.set(source, slice, things)
  }

  /** Nothing is there but empty homes. */
  empty(source: SourceName): () => void {
    const before = new Map(this.slices[source])
    const emptied = new Map<SliceName, Things>()
    for (const [slice, things] of before) {
      this.set(source, slice, new Map([...things].filter(([text]) => text === 'home')))
      emptied.set(slice, this.slices[source].get(slice) as Things)
    }
    return () => {
      // Who left meanwhile, or whose name is another person's, has nothing to come back to.
      for (const [slice, things] of before)
        if (this.slices[source].get(slice) === emptied.get(slice)) this.set(source, slice, things)
    }
  }

  /** The components that one process has; `gate` is passed before each answer. */
  components(gate: (label: string) => Promise<void>): Component[] {
    return sourceNames.map((source) => this.#component(source, gate))
  }

  #component(source: SourceName, gate: (label: string) => Promise<void>): Component {
    const covers = source === 'keycloak' ? ['shared', 'user'] : ['user', 'group']
    const ask = async (operation: SourceOperation, slice?: SliceName): Promise<SourceFault | undefined> => {
      await gate(`${source} ${operation} ${slice ?? ''}`)
      const fault = this.fault(source, operation, slice)
      if (fault !== undefined && fault.at === undefined) throw fault.error
      return fault
    }
    const listed = (): SliceName[] => [...this.slices[source].keys()].filter((slice) => slice !== 'shared')
    return {
      name: source,
      kinds: ['home', 'thing'],
      covers: (slice) => covers.includes(slice.kind),
      async *doctor() {
        yield { check: `${source}: reachable`, ok: true }
      },
      async *members(): AsyncGenerator<Member> {
        await ask('members')
        for (const slice of listed()) yield { slice: parseSlice(slice) }
      },
      ...(source === 'keycloak' && {
        identify: async (slice: Slice) => {
          await ask('identify', slice.name)
          return this.identities.get(slice.name)
        },
        identityOf: ({ kept }: Resource) => (typeof kept?.['id'] === 'string' ? kept['id'] : undefined),
      }),
      source: async (slice) => {
        await ask('source', slice.name)
        return this.root[source]
      },
      ...(source === 'files' && this.ranged && { ranges: this.#ranges(ask) }),
      isContainer: (key) => decodeKey(key).kind === 'home',
      read: (slice, context) => this.#read(source, slice, context, ask, gate),
      close: async () => undefined,
    }
  }

  #ranges(
    ask: (operation: SourceOperation, slice?: SliceName) => Promise<SourceFault | undefined>,
  ): NonNullable<Component['ranges']> {
    const keysOf = (slice: SliceName): Buffer[] =>
      [...(this.slices.files.get(slice)?.keys() ?? [])].map(keyOf).sort(compareKeys)
    return {
      identify: async ({ name }) => {
        await ask('source', name)
        return this.slices.files.has(name) ? { home: name } : undefined
      },
      async *borders({ name }) {
        await ask('source', name)
        yield* keysOf(name)
      },
    }
  }

  async *#read(
    source: SourceName,
    { name }: Slice,
    context: Parameters<Component['read']>[1],
    ask: (operation: SourceOperation, slice?: SliceName) => Promise<SourceFault | undefined>,
    gate: (label: string) => Promise<void>,
  ): AsyncGenerator<Resource> {
    const fault = await ask('read', name)
    const things = this.slices[source].get(name)
    if (things === undefined) {
      if (this.ranged && (context.after !== undefined || context.until !== undefined))
        throw new TorikiError('read-failed')
      context.note({ code: `no-${source}`, message: 'Not there.' })
      return
    }
    const ordered = [...things]
      .filter(([text]) => !isBeside(text))
      .map(([text, thing]) => ({ key: keyOf(text), thing }))
      .sort((a, b) => compareKeys(a.key, b.key))
    for (const [at, { key, thing }] of ordered.entries()) {
      if (context.after !== undefined && compareKeys(key, context.after) <= 0) continue
      if (context.until !== undefined && compareKeys(key, context.until) > 0) break
      // A home of many files is read in strides: a gate at each would only make the simulation slow.
      if (at % Math.ceil(ordered.length / 40) === 0) await gate(`${source} reads on ${name} ${at}`)
      if (fault?.at === at) throw fault.error
      context.signal.throwIfAborted()
      yield resourceOf(key, thing)
    }
    if (fault?.at !== undefined) throw fault.error
  }

  #account(slice: SliceName): Things {
    const { id = '' } = this.identities.get(slice) ?? {}
    const things = new Map<string, Thing>()
    things.set('profile', {
      state: { email: `${NAMED}${this.#text(5)}@example.org`, roles: ['a', 'b'] },
      kept: { id, mark: PLANTED },
      secrets: { password: `${PLANTED} ${this.#text(12)}` },
    })
    if (this.#random.fraction() < 0.3) things.set('long', { state: { text: `${PLANTED} ${this.#text(3000)}` } })
    return things
  }

  #home(size: 'small' | 'large'): Things {
    const things = new Map<string, Thing>([['home', { state: { mode: 0o700 } }]])
    const count = size === 'large' ? 400 : 1 + Math.floor(this.#random.fraction() * 5)
    for (let at = 0; at < count; at++) things.set(`${NAMED}file ${at}`, this.#file(size === 'large' ? 20 : 400))
    if (size === 'large' || this.#random.fraction() < 0.1) things.set(`${NAMED}long`, this.#file(400_000))
    if (this.#random.fraction() < 0.3)
      things.set(`${NAMED}holes`, {
        state: { sparse: true },
        content: Array.from({ length: 40 }, (_, at) =>
          at % 2 === 0 ? Buffer.from(`${PLANTED} ${at}`) : { holeBytes: 100 + at },
        ),
      })
    return things
  }

  #file(bytesMax: number): Thing {
    const content = Buffer.concat([
      Buffer.from(PLANTED),
      this.#random.bytes(Math.floor(this.#random.fraction() * bytesMax)),
    ])
    return { state: { size: content.length, mark: NAMED, mode: this.#text(2) }, content: [content] }
  }

  #text(bytes: number): string {
    return this.#random.bytes(bytes).toString('hex')
  }

  #remember(source: SourceName, slice: SliceName, things: Things): void {
    const key = `${source} ${slice}`
    const versions = this.#versions.get(key) ?? new Set()
    this.#versions.set(key, versions.add(things))
  }
}

/** In a folder of a restore: never backed up. */
export function isBeside(text: string): boolean {
  return text.startsWith('restored-')
}

export function keyOf(text: string): Buffer {
  return text === 'home' ? encodeKey('home') : encodeKey('thing', [text])
}

export function resourceOf(key: Buffer, { state, kept, secrets, content }: Thing): Resource {
  return {
    key,
    state,
    ...(kept && { kept }),
    ...(secrets && { secrets }),
    ...(content && {
      content: {
        async *parts() {
          yield* content
        },
      },
    }),
  }
}

export function truthOf({ state, kept = {}, secrets = {}, content }: Thing): Truth {
  const bytes =
    content &&
    Buffer.concat(content.map((part) => ('holeBytes' in part ? Buffer.alloc(part.holeBytes) : Buffer.from(part))))
  return { state, kept, secrets, contentSha256: bytes && createHash('sha256').update(bytes).digest('hex') }
}
