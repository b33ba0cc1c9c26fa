/**
 * The writing half of a component in memory. Keeps the promises of the port: looks only at what it is asked for, writes member by member and only where live still is
 * what the change saw or wants, creates at one stroke. A test cuts it off, lets it forget members, or changes things under its feet.
 */
import type { Applied, ComponentWriter, Forecast, WriteContext } from '../../lib/components/writer.ts'
import type { Change, Wanted } from '../../lib/resources/change.ts'
import { canonicalJson } from '../../lib/resources/json.ts'
import type { JsonObject } from '../../lib/resources/json.ts'
import { compareKeys, decodeKey, encodeKey } from '../../lib/resources/key.ts'
import type { ResourceKey } from '../../lib/resources/key.ts'
import type { Resource } from '../../lib/resources/resource.ts'
import type { Slice, SliceName } from '../../lib/resources/slice.ts'
import type { FakeComponent } from './fake-component.ts'

export interface FakeWriter extends ComponentWriter {
  /** Every write so far: `create one`, `set one.size`, `delete one`, `content one`. */
  readonly written: string[]
  /** Awaited before each write; throws to cut it off. */
  beforeWrite: (slice: SliceName, write: string) => Promise<void> | void
  /** Members that it says it wrote, and did not. */
  forgets: ReadonlySet<string>
  /** What it foresees, where that is not simply "will". */
  foreseen: (key: string, change: Change, context: WriteContext) => Forecast | undefined
  /** What is kept beside the state of live things, by name. */
  readonly kept: Map<string, JsonObject>
  /** Keys that were looked at. */
  readonly looked: string[]
}

export function fakeWriter(component: FakeComponent): FakeWriter {
  const { live } = component
  const thingsOf = (slice: SliceName): Map<string, JsonObject> => {
    const things = live.slices.get(slice) ?? new Map<string, JsonObject>()
    live.slices.set(slice, things)
    return things
  }
  const writer: FakeWriter = {
    name: component.name,
    kinds: component.kinds,
    written: [],
    beforeWrite: () => undefined,
    forgets: new Set(),
    foreseen: () => undefined,
    kept: new Map(),
    looked: [],
    async *doctor() {
      yield { check: `${component.name}: can write`, ok: true }
    },
    async *look(slice, keys, context): AsyncGenerator<Resource> {
      let last: ResourceKey | undefined
      for await (const key of keys) {
        if (last !== undefined && compareKeys(last, key) >= 0) throw new RangeError('keys must ascend')
        last = key
        context.signal.throwIfAborted()
        const text = textOf(key)
        writer.looked.push(text)
        const state = live.slices.get(slice.name)?.get(text)
        const bytes = live.contents.get(text)
        if (state === undefined) continue
        const kept = writer.kept.get(text)
        yield {
          key,
          state,
          ...(kept === undefined ? {} : { kept }),
          ...(bytes === undefined ? {} : { content: { parts: () => partsOf(bytes) } }),
        }
      }
    },
    foresee: async (_slice, change, context) =>
      writer.foreseen(textOf(change.key), change, context) ?? {
        kind: 'will',
        ...(change.after === undefined ? {} : { state: change.after.state }),
        keeps: false,
        lost: [],
        needsPerson: [],
        privileged: false,
      },
    async apply(slice: Slice, change: Change): Promise<Applied> {
      const text = textOf(change.key)
      const things = thingsOf(slice.name)
      const write = async (what: string, act: () => void): Promise<void> => {
        await writer.beforeWrite(slice.name, what)
        act()
        writer.written.push(what)
      }
      const now = things.get(text)
      const { before, after } = change
      if (now === undefined) {
        if (after === undefined) return { kind: 'already', complete: false }
        if (before !== undefined) return { kind: 'conflict', fields: [] }
        const bytes = await bytesOf(after)
        const state = Object.fromEntries(Object.entries(after.state).filter(([name]) => !writer.forgets.has(name)))
        await write(`create ${text}`, () => {
          things.set(text, state)
          if (bytes !== undefined) live.contents.set(text, bytes)
        })
        return { kind: 'applied', complete: true }
      }
      const names = [...new Set([...Object.keys(now), ...Object.keys(after?.state ?? {})])].sort()
      const isLike = (side: { readonly state: JsonObject } | undefined, name: string): boolean =>
        side !== undefined && canonicalJson([now[name] ?? null]) === canonicalJson([side.state[name] ?? null])
      const strange = names.filter((name) => !isLike(before, name) && !isLike(after, name))
      if (strange.length > 0) return { kind: 'conflict', fields: strange }
      if (after === undefined) {
        await write(`delete ${text}`, () => {
          things.delete(text)
          live.contents.delete(text)
        })
        return { kind: 'applied', complete: false }
      }
      let wrote = false
      for (const name of names) {
        if (isLike(after, name)) continue
        wrote = true
        await write(`set ${text}.${name}`, () => {
          if (writer.forgets.has(name)) return
          const { [name]: _, ...rest } = things.get(text) ?? {}
          const value = after.state[name]
          things.set(text, value === undefined ? rest : { ...rest, [name]: value })
        })
      }
      const bytes = await bytesOf(after)
      if (bytes !== undefined && live.contents.get(text)?.equals(bytes) !== true) {
        wrote = true
        await write(`content ${text}`, () => void live.contents.set(text, bytes))
      }
      return { kind: wrote ? 'applied' : 'already', complete: true }
    },
    async complete(slice, change) {
      await writer.beforeWrite(slice.name, `complete ${textOf(change.key)}`)
      writer.written.push(`complete ${textOf(change.key)}`)
    },
    beside: true,
    // Names are put behind the folder's, so that keys keep their order. An `owner` is a number that may be mapped, a thing named after its person is called after the other.
    rename: ({ key, state, kept }, { folder, user, uids }) => {
      const text = textOf(key)
      const name = user !== undefined && text === user.from ? user.to : text
      const { uid } = state
      return {
        key: thingKey(folder === undefined ? name : `${folder}/${name}`),
        state: { ...state, ...(typeof uid === 'number' ? { uid: uids.get(uid) ?? uid } : {}) },
        kept,
      }
    },
    close: async () => undefined,
  }
  return writer
}

function textOf(key: ResourceKey): string {
  const { kind, segments } = decodeKey(key)
  return kind === 'home' ? 'home' : (segments[0]?.toString('utf8') ?? '')
}

/** The key of a thing, as the fake component names it. */
export function thingKey(text: string): ResourceKey {
  return text === 'home' ? encodeKey('home') : encodeKey('thing', [text])
}

async function bytesOf({ content }: Wanted): Promise<Buffer | undefined> {
  if (content === undefined) return undefined
  const parts: Uint8Array[] = []
  for await (const part of content.parts())
    parts.push(part instanceof Uint8Array ? Buffer.from(part) : Buffer.alloc(part.holeBytes))
  return Buffer.concat(parts)
}

async function* partsOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes
}
