/**
 * The contract of the port `Component`, as a suite: whoever writes a component calls `describeComponent` with a way to open it on a stand-in and on the
 * real source. It knows no component.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Check, Component, Member } from '../../lib/components/component.ts'
import { TorikiError } from '../../lib/errors.ts'
import { systemClock } from '../../lib/platform/clock.ts'
import { changedFields } from '../../lib/resources/changed-fields.ts'
import { componentNames } from '../../lib/resources/component-name.ts'
import { canonicalJson } from '../../lib/resources/json.ts'
import type { JsonObject } from '../../lib/resources/json.ts'
import { compareKeys, decodeKey, encodeKey, formatKey, parseKey } from '../../lib/resources/key.ts'
import type { ResourceKey } from '../../lib/resources/key.ts'
import type { Content, Note, Resource } from '../../lib/resources/resource.ts'
import { parseSlice, SHARED } from '../../lib/resources/slice.ts'
import type { Slice } from '../../lib/resources/slice.ts'

export interface ComponentFixture {
  readonly component: Component
  /** Every member there is, by slice name, in any order. */
  readonly members: readonly string[]
  /** Slices that are read by the tests: together they hold every kind of resource the source has. */
  readonly slices: readonly Slice[]
  /** A member that is not there, and the code of the note that says so. */
  readonly absent: { readonly slice: Slice; readonly note: string }
  /** Secret values that stand in the source: they may stand in `secrets` and `content`, and nowhere else. */
  readonly planted: readonly string[]
  /** What no `state` may hold (generated ids). */
  readonly forbiddenInState?: RegExp
  /** Changes one thing in the source; says what must show. */
  readonly changes?: readonly {
    readonly what: string
    readonly make: () => Promise<void>
    readonly slice: Slice
    readonly expected: SliceChange
  }[]
  /** The same kind of component with something wrong: opened, never written to, closed by the suite. */
  readonly broken: readonly {
    readonly what: string
    readonly open: () => Promise<Component>
    readonly code: string
    readonly slice?: Slice
    readonly failingChecks?: boolean
  }[]
  /** How many times the source was written to, where it can tell. */
  readonly writes?: () => number
  close(): Promise<void>
}

export interface SliceChange {
  readonly added?: readonly string[]
  readonly removed?: readonly string[]
  /** Written key → the fields that changed, dotted, ascending. `secrets.NAME` and `content` stand for those. */
  readonly changed?: Readonly<Record<string, readonly string[]>>
}

/** What one read gave, with contents read and digested. */
export interface ReadResult {
  readonly resources: readonly ReadResource[]
  readonly notes: readonly Note[]
}

export interface ReadResource {
  readonly key: ResourceKey
  readonly written: string
  readonly state: JsonObject
  readonly kept: JsonObject
  readonly secrets: Readonly<Record<string, string>>
  /** SHA-256 of content with holes as zeros, and its length. */
  readonly content?: { readonly digest: string; readonly bytes: number }
}

/** Reads a slice to its end. */
export async function readSlice(
  component: Component,
  slice: Slice,
  options: { readonly after?: ResourceKey; readonly until?: ResourceKey; readonly signal?: AbortSignal } = {},
): Promise<ReadResult> {
  const notes: Note[] = []
  const resources: ReadResource[] = []
  const context = {
    clock: systemClock,
    signal: options.signal ?? new AbortController().signal,
    note: (note: Note) => void notes.push(note),
    ...(options.after === undefined ? {} : { after: options.after }),
    ...(options.until === undefined ? {} : { until: options.until }),
  }
  for await (const resource of component.read(slice, context)) resources.push(await digest(resource))
  return { resources, notes }
}

/** Lists the members to the end. */
export async function listMembers(
  component: Component,
  signal = new AbortController().signal,
): Promise<readonly Member[]> {
  const members: Member[] = []
  for await (const member of component.members({ clock: systemClock, signal })) members.push(member)
  return members
}

/** What differs between two reads, in the words of the command `diff`. */
export function compareReads(before: ReadResult, after: ReadResult): Required<SliceChange> {
  const old = new Map(before.resources.map((resource) => [resource.written, resource]))
  const now = new Map(after.resources.map((resource) => [resource.written, resource]))
  const changed: Record<string, readonly string[]> = {}
  for (const [written, one] of old) {
    const other = now.get(written)
    if (other === undefined) continue
    const fields = changedFields(comparable(one), comparable(other))
    if (fields.length > 0) changed[written] = fields
  }
  return {
    added: [...now.keys()].filter((key) => !old.has(key)),
    removed: [...old.keys()].filter((key) => !now.has(key)),
    changed,
  }
}

export function describeComponent(name: string, open: () => Promise<ComponentFixture>): void {
  describe(`component contract: ${name}`, () => {
    let fixture: ComponentFixture
    beforeAll(async () => {
      fixture = await open()
    }, 300_000)
    afterAll(async () => {
      await fixture?.component.close()
      await fixture?.close()
    }, 60_000)

    test('has a name of the house and kinds that keys can have', () => {
      expect(componentNames).toContain(fixture.component.name)
      expect(fixture.component.kinds.length).toBeGreaterThan(0)
      expect(new Set(fixture.component.kinds).size).toBe(fixture.component.kinds.length)
      for (const kind of fixture.component.kinds) expect(decodeKey(encodeKey(kind)).kind).toBe(kind)
    })

    test('lists every member exactly once', async () => {
      const names = (await listMembers(fixture.component)).map(({ slice }) => slice.name)
      expect(new Set(names).size).toBe(names.length)
      expect([...names].sort()).toEqual([...fixture.members].sort())
    })

    test('lists only members whose names read back as the same slice', async () => {
      for (const { slice } of await listMembers(fixture.component)) expect(parseSlice(slice.name)).toEqual(slice)
    })

    test('covers the slices of its members', async () => {
      for (const { slice } of await listMembers(fixture.component)) expect(fixture.component.covers(slice)).toBe(true)
    })

    test('yields keys of its own kinds, strictly ascending, that can be written and read back', async () => {
      for (const slice of fixture.slices) {
        const { resources } = await readSlice(fixture.component, slice)
        expect(resources.length).toBeGreaterThan(0)
        for (const [index, { key }] of resources.entries()) {
          expect(fixture.component.kinds).toContain(decodeKey(key).kind)
          expect(parseKey(formatKey(key), fixture.component.kinds)).toEqual(key)
          const previous = resources[index - 1]
          if (previous !== undefined) expect(compareKeys(previous.key, key)).toBeLessThan(0)
        }
      }
    })

    test('two reads of an unchanged source are equal to the byte', async () => {
      for (const slice of fixture.slices) {
        const [one, two] = [await readSlice(fixture.component, slice), await readSlice(fixture.component, slice)]
        expect(two.resources.map(bytesOf)).toEqual(one.resources.map(bytesOf))
      }
    })

    test('goes on after any key with exactly what is left', async () => {
      for (const slice of fixture.slices) {
        const whole = (await readSlice(fixture.component, slice)).resources
        const places = new Set([
          0,
          Math.floor(whole.length / 3),
          Math.floor(whole.length / 2),
          whole.length - 2,
          whole.length - 1,
        ])
        for (const place of places) {
          const after = whole[place]
          if (after === undefined) continue
          const rest = await readSlice(fixture.component, slice, { after: after.key })
          expect(rest.resources.map(bytesOf)).toEqual(whole.slice(place + 1).map(bytesOf))
        }
      }
    })

    test('a key that is not there is as good a place to go on from', async () => {
      for (const slice of fixture.slices) {
        const whole = (await readSlice(fixture.component, slice)).resources
        const place = Math.floor(whole.length / 2)
        const near = whole[place] as ReadResource
        const { kind, segments } = decodeKey(near.key)
        const between = encodeKey(kind, [...segments, ''])
        const rest = await readSlice(fixture.component, slice, { after: between })
        expect(rest.resources.map(bytesOf)).toEqual(
          whole.filter(({ key }) => compareKeys(key, between) > 0).map(bytesOf),
        )
      }
    })

    test('reads a range of keys, where it may be read in ranges, as one pass reads it', async () => {
      const { ranges } = fixture.component
      if (ranges === undefined) return expect(ranges).toBeUndefined()
      const asking = { clock: systemClock, signal: new AbortController().signal }
      for (const slice of fixture.slices) {
        const whole = (await readSlice(fixture.component, slice)).resources
        if (whole.length === 0) continue
        expect(await ranges.identify(slice, asking)).toEqual(await ranges.identify(slice, asking))
        const offered: ResourceKey[] = []
        for await (const key of ranges.borders(slice, asking)) offered.push(key)
        for (const [index, key] of offered.entries())
          expect(index === 0 || compareKeys(offered[index - 1]!, key) < 0).toBe(true)
        const third = whole[Math.floor(whole.length / 3)]!.key
        for (const borders of [[third], [offered[1], offered[3]], [whole[0]!.key, whole.at(-1)!.key]]) {
          const cuts = [undefined, ...borders.filter((key) => key !== undefined), undefined]
          const parts: ReadResource[] = []
          for (const [index, until] of cuts.slice(1).entries()) {
            const after = cuts[index]
            const range = { ...(after && { after }), ...(until && { until }) }
            parts.push(...(await readSlice(fixture.component, slice, range)).resources)
          }
          expect(parts.map(bytesOf)).toEqual(whole.map(bytesOf))
        }
      }
    })

    test('holds no generated id in a state', async () => {
      if (fixture.forbiddenInState === undefined) return expect(fixture.forbiddenInState).toBeUndefined()
      for (const slice of fixture.slices) {
        for (const { written, state } of (await readSlice(fixture.component, slice)).resources) {
          expect(`${written} ${canonicalJson(state)}`).not.toMatch(fixture.forbiddenInState)
        }
      }
    })

    test('says nothing but a note about a member who is not there', async () => {
      const { resources, notes } = await readSlice(fixture.component, fixture.absent.slice)
      expect(resources).toEqual([])
      expect(notes.map(({ code }) => code)).toContain(fixture.absent.note)
    })

    test('knows nobody behind a slice that is not there', async () => {
      if (fixture.component.identify === undefined) return expect(fixture.component.identify).toBeUndefined()
      const context = { clock: systemClock, signal: new AbortController().signal }
      expect(await fixture.component.identify(fixture.absent.slice, context)).toBeUndefined()
      if (fixture.component.covers(SHARED)) expect(await fixture.component.identify(SHARED, context)).toBeUndefined()
    })

    test('gives the same identity and the same source twice', async () => {
      const context = { clock: systemClock, signal: new AbortController().signal }
      for (const slice of fixture.slices) {
        expect(await fixture.component.identify?.(slice, context)).toEqual(
          await fixture.component.identify?.(slice, context),
        )
        expect(await fixture.component.source?.(slice, context)).toEqual(
          await fixture.component.source?.(slice, context),
        )
      }
    })

    test('keeps planted secrets out of keys, states, kept parts and notes', async () => {
      for (const slice of fixture.slices) {
        const { resources, notes } = await readSlice(fixture.component, slice)
        for (const { written, state, kept, secrets } of resources) {
          for (const secret of fixture.planted) {
            expect(
              `${written} ${canonicalJson(state)} ${canonicalJson(kept)} ${Object.keys(secrets).join(' ')}`.includes(
                secret,
              ),
            ).toBe(false)
          }
        }
        for (const note of notes)
          for (const secret of fixture.planted) expect(note.message.includes(secret)).toBe(false)
      }
    })

    test('notes are one sentence with a stable code', async () => {
      for (const slice of [...fixture.slices, fixture.absent.slice]) {
        for (const { code, message } of (await readSlice(fixture.component, slice)).notes) {
          expect(code).toMatch(/^[a-z][a-z0-9-]*$/)
          expect(message).toMatch(/^\p{Lu}.*\.$/u)
        }
      }
    })

    test('ends with `deadline` or `interrupted` when it is told to stop', async () => {
      for (const code of ['deadline', 'interrupted'] as const) {
        const stopped = AbortSignal.abort(new TorikiError(code))
        await expect(listMembers(fixture.component, stopped)).rejects.toMatchObject({ code })
        const [slice] = fixture.slices
        if (slice !== undefined)
          await expect(readSlice(fixture.component, slice, { signal: stopped })).rejects.toMatchObject({ code })
      }
    })

    test('a reader that stops early leaves the component usable', async () => {
      const [slice] = fixture.slices as [Slice]
      for await (const resource of fixture.component.read(slice, {
        clock: systemClock,
        signal: new AbortController().signal,
        note: () => undefined,
      })) {
        expect(resource.key.length).toBeGreaterThan(0)
        break
      }
      expect((await readSlice(fixture.component, slice)).resources.length).toBeGreaterThan(0)
    })

    test('the doctor finds nothing wrong where nothing is, and names each check once', async () => {
      const checks = await checksOf(fixture.component)
      expect(checks.filter(({ ok }) => !ok)).toEqual([])
      expect(checks.length).toBeGreaterThan(0)
      expect(new Set(checks.map(({ check }) => check)).size).toBe(checks.length)
    })

    test('what is broken is an error with its code, never an empty answer, and the doctor has a remedy', async () => {
      for (const { what, open: openBroken, code, slice, failingChecks = true } of fixture.broken) {
        const component = await openBroken()
        try {
          const attempt = slice === undefined ? listMembers(component) : readSlice(component, slice)
          const error: unknown = await attempt.then(
            () => undefined,
            (caught: unknown) => caught,
          )
          expect([what, error instanceof TorikiError ? error.code : error]).toEqual([what, code])
          const text = `${(error as TorikiError).message} ${(error as TorikiError).remedy} ${JSON.stringify((error as TorikiError).ids)}`
          for (const secret of fixture.planted) expect(text.includes(secret)).toBe(false)
          const failing = (await checksOf(component)).filter(({ ok }) => !ok)
          if (failingChecks) expect([what, failing.length > 0]).toEqual([what, true])
          for (const check of failing)
            expect([what, check.check, check.remedy ?? '']).toEqual([what, check.check, expect.stringMatching(/\S/)])
        } finally {
          await component.close()
        }
      }
    })

    test('nothing was written to the source', () => {
      expect(fixture.writes?.() ?? 0).toBe(0)
    })

    // Last, since they change the source.
    test('each change shows as exactly itself', async () => {
      for (const { what, make, slice, expected } of fixture.changes ?? []) {
        const before = await readSlice(fixture.component, slice)
        await make()
        const difference = compareReads(before, await readSlice(fixture.component, slice))
        expect([what, difference]).toEqual([what, { added: [], removed: [], changed: {}, ...expected }])
      }
    })
  })
}

/** Everything the doctor says. */
export async function checksOf(component: Component): Promise<readonly Check[]> {
  const checks: Check[] = []
  for await (const check of component.doctor()) checks.push(check)
  return checks
}

function bytesOf({ written, state, kept, secrets, content }: ReadResource): string {
  return `${written} ${canonicalJson(state)} ${canonicalJson(kept)} ${canonicalJson(secrets)} ${content?.digest ?? '-'}`
}

function comparable({ state, secrets, content }: ReadResource): JsonObject {
  return {
    ...state,
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
    ...(content === undefined ? {} : { content: content.digest }),
  }
}

async function digest({ key, state, kept = {}, secrets = {}, content }: Resource): Promise<ReadResource> {
  const read = content === undefined ? undefined : await readContent(content)
  const settled = content?.settle?.() ?? {}
  return {
    key,
    written: formatKey(key),
    state: { ...state, ...settled },
    kept,
    secrets,
    ...(read === undefined ? {} : { content: read }),
  }
}

async function readContent(content: Content): Promise<{ digest: string; bytes: number }> {
  const hash = createHash('sha256')
  const zeros = Buffer.alloc(64 * 1024)
  let bytes = 0
  for await (const part of content.parts()) {
    if (part instanceof Uint8Array) hash.update(part)
    const length = part instanceof Uint8Array ? part.length : part.holeBytes
    if (!(part instanceof Uint8Array)) {
      // A hole of a terabyte is not hashed byte by byte: its place and length are.
      if (length > 16 * 1024 * 1024) hash.update(`hole ${bytes} ${length}`)
      else
        for (let left = length; left > 0; left -= zeros.length)
          hash.update(zeros.subarray(0, Math.min(left, zeros.length)))
    }
    bytes += length
  }
  return { digest: hash.digest('hex'), bytes }
}
