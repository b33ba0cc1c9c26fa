/**
 * The writing half of a world's source, as one process has it. Keeps the promises of the port: member by member, only where live still is what the change saw or
 * wants, looked at in the very moment of writing; creates at one stroke. Every write waits at a gate of its own and may be what its process does last.
 */
import { createHash } from 'node:crypto'
import type { Naming } from '../../lib/components/naming.ts'
import type { Applied, ComponentWriter, Forecast, Named } from '../../lib/components/writer.ts'
import type { Change, Wanted } from '../../lib/resources/change.ts'
import { canonicalJson } from '../../lib/resources/json.ts'
import type { JsonObject } from '../../lib/resources/json.ts'
import { decodeKey } from '../../lib/resources/key.ts'
import type { ResourceKey } from '../../lib/resources/key.ts'
import type { ContentPart, Resource } from '../../lib/resources/resource.ts'
import type { Slice, SliceName } from '../../lib/resources/slice.ts'
import { keyOf, resourceOf, sourceNames } from './world.ts'
import type { SourceName, Thing, World } from './world.ts'

/** How a process reaches the live systems. */
export interface LiveCalls {
  /** Passed before what is read. */
  readonly look: (label: string) => Promise<void>
  /** Does what is written, if nothing comes in between. */
  readonly write: (label: string, act: () => void) => Promise<void>
}

export function worldWriters(world: World, calls: LiveCalls): ComponentWriter[] {
  return sourceNames.map((source) => worldWriter(world, source, calls))
}

function worldWriter(world: World, source: SourceName, calls: LiveCalls): ComponentWriter {
  const live = (slice: SliceName, text: string): Thing | undefined => world.slices[source].get(slice)?.get(text)
  const ask = async (slice: SliceName, what: string): Promise<void> => {
    await calls.look(`${source} ${what} ${slice}`)
    const fault = world.fault(source, 'read', slice)
    if (fault !== undefined) throw fault.error
  }
  return {
    name: source,
    kinds: ['home', 'thing'],
    async *doctor() {
      yield { check: `${source}: can write`, ok: true }
    },
    async *look({ name }, keys): AsyncGenerator<Resource> {
      await ask(name, 'looks at')
      for await (const key of keys) {
        const thing = live(name, textOf(key))
        if (thing !== undefined) yield resourceOf(key, thing)
      }
    },
    async foresee({ name }, { key, before, after }): Promise<Forecast> {
      if (world.cannot(source, name, textOf(key))) return { kind: 'cannot', code: 'source-version', reason: 'Too old.' }
      return {
        kind: 'will',
        ...(after === undefined ? {} : { state: after.state }),
        keeps:
          source === 'keycloak' &&
          (before === undefined || canonicalJson(before.kept) === canonicalJson(after?.kept ?? {})),
        lost: [],
        needsPerson: [],
        privileged: false,
      }
    },
    async apply({ name }: Slice, change: Change, { restore }): Promise<Applied> {
      const text = textOf(change.key)
      const wanted = change.after && (await thingOf(change.after))
      const told = new Set<string>()
      for (;;) {
        const next = stepOf(live(name, text), change, wanted, told)
        if (next.kind === 'conflict') return { kind: 'conflict', fields: next.fields }
        if (next.kind === 'nothing')
          return { kind: told.size > 0 ? 'applied' : 'already', complete: wanted !== undefined }
        const what = `${next.member} of ${source} ${name} ${text}`
        const refused = world.refuse(source, name, text, next.member)
        if (refused !== undefined) throw refused
        await calls.write(`writes ${what}`, () => {
          // What was seen before the call may be over by now.
          const now = stepOf(live(name, text), change, wanted, told)
          if (now.kind !== 'write') return
          told.add(now.member)
          if (world.forgets(source, name, text, now.member)) return
          world.write(restore, source, name, text, now.thing)
        })
      }
    },
    complete: async ({ name }, { key }) =>
      await calls.write(`completes ${source} ${name} ${textOf(key)}`, () => undefined),
    ...(source === 'files' && {
      beside: true as const,
      rename: ({ key, state, kept }: Named, { folder }: Naming): Named => ({
        key: folder === undefined ? key : keyOf(`${folder}/${textOf(key)}`),
        state,
        kept,
      }),
    }),
    close: async () => undefined,
  }
}

type Step =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'conflict'; readonly fields: readonly string[] }
  | { readonly kind: 'write'; readonly member: string; readonly thing: Thing | undefined }

/** What has to be written next. `told`: members that were written already, whether the system kept them or not. */
function stepOf(
  live: Thing | undefined,
  { before, after }: Change,
  wanted: Thing | undefined,
  told: ReadonlySet<string>,
): Step {
  if (live === undefined) {
    if (wanted === undefined) return { kind: 'nothing' }
    if (before !== undefined) return { kind: 'conflict', fields: [] }
    return told.has('all') ? { kind: 'nothing' } : { kind: 'write', member: 'all', thing: wanted }
  }
  const strange: string[] = []
  let next: Step | undefined
  for (const part of ['state', 'kept'] as const) {
    const now = live[part] ?? {}
    for (const name of [...new Set([...Object.keys(now), ...Object.keys(after?.[part] ?? {})])].sort()) {
      const member = `${part}.${name}`
      const isLike = (side: JsonObject | undefined): boolean =>
        side !== undefined && canonicalJson([now[name] ?? null]) === canonicalJson([side[name] ?? null])
      if (isLike(after?.[part]) || told.has(member)) continue
      if (!isLike(before?.[part])) strange.push(member)
      const { [name]: _, ...rest } = now
      const value = after?.[part][name]
      next ??= {
        kind: 'write',
        member,
        thing: { ...live, [part]: value === undefined ? rest : { ...rest, [name]: value } },
      }
    }
  }
  if (strange.length > 0) return { kind: 'conflict', fields: strange }
  if (wanted === undefined) return { kind: 'write', member: 'all', thing: undefined }
  if (next !== undefined) return next
  for (const [name, secret] of Object.entries(wanted.secrets ?? {})) {
    const member = `secrets.${name}`
    if (live.secrets?.[name] === secret || told.has(member)) continue
    return { kind: 'write', member, thing: { ...live, secrets: { ...live.secrets, [name]: secret } } }
  }
  if (wanted.content !== undefined && contentDigest(wanted) !== contentDigest(live) && !told.has('content'))
    return { kind: 'write', member: 'content', thing: { ...live, content: wanted.content } }
  return { kind: 'nothing' }
}

async function thingOf({ state, kept, secrets, content }: Wanted): Promise<Thing> {
  const opened = await Promise.all(Object.entries(secrets).map(async ([name, open]) => [name, await open()] as const))
  let parts: ContentPart[] | undefined
  if (content !== undefined) {
    parts = []
    for await (const part of content.parts()) parts.push('holeBytes' in part ? part : Buffer.from(part))
  }
  return {
    state,
    ...(Object.keys(kept).length > 0 && { kept }),
    ...(opened.length > 0 && { secrets: Object.fromEntries(opened) }),
    ...(parts && { content: parts }),
  }
}

/** Holes are as zeros. */
export function contentDigest({ content }: Thing): string | undefined {
  if (content === undefined) return undefined
  const hash = createHash('sha256')
  for (const part of content) hash.update('holeBytes' in part ? Buffer.alloc(part.holeBytes) : part)
  return hash.digest('hex')
}

export function textOf(key: ResourceKey): string {
  const { kind, segments } = decodeKey(key)
  return kind === 'home' ? 'home' : (segments[0]?.toString('utf8') ?? '')
}
