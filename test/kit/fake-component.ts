/**
 * A component in memory whose source a test writes: members, resources per slice, and failures by script. Keeps the promises of the port (ascending keys, a note for
 * a member that is not there, an abort that ends the reading), and counts what it was asked.
 */
import type { Component, Identity, Member } from '../../lib/components/component.ts'
import { TorikiError } from '../../lib/errors.ts'
import type { ComponentName } from '../../lib/resources/component-name.ts'
import type { JsonObject } from '../../lib/resources/json.ts'
import { compareKeys, decodeKey, encodeKey } from '../../lib/resources/key.ts'
import type { ResourceKey } from '../../lib/resources/key.ts'
import type { Resource } from '../../lib/resources/resource.ts'
import { parseSlice } from '../../lib/resources/slice.ts'
import type { Slice, SliceName } from '../../lib/resources/slice.ts'

export type FakeOperation = 'members' | 'identify' | 'source' | 'read'

export interface FakeSource {
  /** Slices this component knows, with their resources: written key → state. The key `home` is a container. */
  readonly slices: Map<SliceName, Map<string, JsonObject>>
  /** Files among them: written key → bytes. */
  readonly contents: Map<string, Buffer>
  readonly identities: Map<SliceName, Identity>
  source: JsonObject | undefined
  /** What is read of a slice that may be read in ranges. */
  identity: JsonObject
  /** Thrown by every such call while it answers an error. */
  fail: (operation: FakeOperation, slice: SliceName | undefined) => TorikiError | undefined
  /** Awaited before every resource that is read: where a test stops or aborts. */
  beforeResource: (slice: SliceName, index: number) => Promise<void> | void
}

export interface FakeComponent extends Component {
  readonly live: FakeSource
  readonly calls: Record<FakeOperation, number>
}

export interface FakeOptions {
  readonly name: ComponentName
  /** Kinds of slices it has something to say about. */
  readonly covers?: readonly Slice['kind'][]
  /** Tells people apart; the member `person` of a state says whose it is. */
  readonly identifies?: boolean
  /** May be read in ranges of keys. */
  readonly ranged?: boolean
}

export function fakeComponent({
  name,
  covers = ['shared', 'user', 'group'],
  identifies = false,
  ranged = false,
}: FakeOptions): FakeComponent {
  const live: FakeSource = {
    slices: new Map(),
    contents: new Map(),
    identities: new Map(),
    source: undefined,
    identity: { is: name },
    fail: () => undefined,
    beforeResource: () => undefined,
  }
  const calls = { members: 0, identify: 0, source: 0, read: 0 }
  const asked = (operation: FakeOperation, slice?: SliceName): void => {
    calls[operation]++
    const error = live.fail(operation, slice)
    if (error !== undefined) throw error
  }
  return {
    name,
    kinds: ['thing', 'home'],
    live,
    calls,
    covers: (slice) => covers.includes(slice.kind),
    async *doctor() {
      yield { check: `${name}: reachable`, ok: true }
    },
    async *members(): AsyncGenerator<Member> {
      asked('members')
      for (const slice of live.slices.keys()) if (slice !== 'shared') yield { slice: parseSlice(slice) }
    },
    ...(identifies
      ? {
          identify: async (slice: Slice) => {
            asked('identify', slice.name)
            return live.identities.get(slice.name)
          },
          identityOf: ({ state }: Resource) => (typeof state['person'] === 'string' ? state['person'] : undefined),
        }
      : {}),
    async source(slice) {
      asked('source', slice.name)
      return live.source ?? { fake: name }
    },
    ...(ranged
      ? {
          ranges: {
            identify: async (slice: Slice) => (live.slices.has(slice.name) ? live.identity : undefined),
            async *borders(slice: Slice) {
              yield* [...(live.slices.get(slice.name)?.keys() ?? [])].map(keyOf).sort(compareKeys)
            },
          },
        }
      : {}),
    isContainer: (key) => decodeKey(key).kind === 'home',
    async *read(slice, context): AsyncGenerator<Resource> {
      asked('read', slice.name)
      const resources = live.slices.get(slice.name)
      if (resources === undefined) {
        if (context.until !== undefined || (ranged && context.after !== undefined)) throw new TorikiError('read-failed')
        context.note({ code: `no-${name}`, message: 'Not there.' })
        return
      }
      const entries = [...resources].map(([text, state]): [ResourceKey, string, JsonObject] => [
        keyOf(text),
        text,
        state,
      ])
      entries.sort(([a], [b]) => compareKeys(a, b))
      for (const [index, [key, text, state]] of entries.entries()) {
        if (context.after !== undefined && compareKeys(key, context.after) <= 0) continue
        if (context.until !== undefined && compareKeys(key, context.until) > 0) return
        await live.beforeResource(slice.name, index)
        context.signal.throwIfAborted()
        const bytes = live.contents.get(text)
        yield { key, state, ...(bytes === undefined ? {} : { content: { parts: () => partsOf(bytes) } }) }
      }
    },
    close: async () => undefined,
  }
}

/** Writes a slice of the source: names of things → their state, in a container when asked. */
export function put(
  component: FakeComponent,
  slice: SliceName,
  things: Readonly<Record<string, JsonObject>>,
  container = false,
): void {
  component.live.slices.set(slice, new Map([...(container ? [['home', {}] as const] : []), ...Object.entries(things)]))
}

function keyOf(text: string): ResourceKey {
  return text === 'home' ? encodeKey('home') : encodeKey('thing', [text])
}

async function* partsOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes
}
