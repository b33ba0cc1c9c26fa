/**
 * The contract of the port `ComponentWriter`, as a suite: whoever writes the writing half of a component calls `describeWriter` with a way to open it on a target that
 * may be written to. It knows no component.
 */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Component } from '../../lib/components/component.ts'
import type { Applied, ComponentWriter, Forecast, WriteContext } from '../../lib/components/writer.ts'
import { systemClock } from '../../lib/platform/clock.ts'
import type { Change } from '../../lib/resources/change.ts'
import { canonicalJson } from '../../lib/resources/json.ts'
import type { JsonObject } from '../../lib/resources/json.ts'
import { compareKeys, decodeKey, encodeKey, formatKey } from '../../lib/resources/key.ts'
import type { ResourceKey } from '../../lib/resources/key.ts'
import type { Slice } from '../../lib/resources/slice.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { heldOf, hold, textOf, textsOf, wantedOf } from './held-slice.ts'
import type { Held, HeldSlice } from './held-slice.ts'

export interface WriterFixture {
  readonly writer: ComponentWriter
  /** Reads what the writer writes. */
  readonly component: Component
  readonly slice: Slice
  /** Brings the target from any state to the one that is restored from: every kind of resource in it that can be made. */
  fill(): Promise<void>
  /** Then changes, removes and adds resources of all kinds: what a restore finds. */
  spoil(): Promise<void>
  /** Somebody changes this resource, which is there, so that one of `fields` differs from all that was seen and wanted. */
  interfere(key: ResourceKey): Promise<void>
  /** Everything of the target that is not the slice's, as a text that changes when any of it does. */
  outside(): Promise<string>
  /** How many times the target was written to. */
  writes(): number
  /** Every write from the `count`th on fails as if the process were gone; `undefined`: no longer. */
  cutAt(count: number | undefined): void
  /** What stands in the target under temporary names, which `read` does not show: nothing, when all is done. */
  readonly temporary?: () => readonly string[]
  /** Members of `state` that move by themselves while others are written; they are compared when all is done. */
  readonly settles?: readonly string[]
  /** Members of `kept` that this target gives anew to what is made anew; they are passed over. */
  readonly renews?: readonly string[]
  /** Checks of `doctor` that fail by what this fixture is. */
  readonly lacks?: readonly string[]
  close(): Promise<void>
}

export interface WriterSuite {
  /** Of a whole restore that is taken back after each: so many, chosen by a seed; or before every single write, which takes minutes. */
  readonly cutOffs: number | 'all'
}

export function describeWriter(
  name: string,
  open: () => Promise<WriterFixture>,
  { cutOffs }: WriterSuite = { cutOffs: 4 },
): void {
  describe(`writer contract: ${name}`, () => {
    let fixture: WriterFixture
    beforeEach(async () => {
      fixture = await open()
    }, 300_000)
    afterEach(async () => {
      fixture.cutAt(undefined)
      await fixture.writer.close()
      await fixture.component.close()
      await fixture.close()
    }, 60_000)

    const context = (): WriteContext => ({
      clock: systemClock,
      signal: new AbortController().signal,
      restore: '20261121T020000000Z-restore-1f0c2d3e4a',
      options: { installerOwned: false, privileged: false },
    })
    const read = async (): Promise<HeldSlice> => {
      const reading = { clock: systemClock, signal: new AbortController().signal, note: () => undefined }
      return await hold(fixture.component.read(fixture.slice, reading), fixture.renews)
    }
    const look = async (keys: readonly ResourceKey[]): Promise<HeldSlice> =>
      await hold(fixture.writer.look(fixture.slice, ascending(keys), context()), fixture.renews)

    /** What was, what is, and what each change between them is foreseen to give. */
    async function prepare(): Promise<Prepared> {
      await fixture.fill()
      const wanted = await read()
      await fixture.spoil()
      const before = await read()
      return { before, ...(await plan(before, wanted)) }
    }

    async function plan(before: HeldSlice, wanted: HeldSlice): Promise<Omit<Prepared, 'before'>> {
      const changes = changesBetween(before, wanted, fixture.writer.kinds)
      const planned = new Set(changes.filter(({ after }) => after !== undefined).map(({ key }) => formatKey(key)))
      const asking = { ...context(), planned }
      const items: Item[] = []
      const foreseen: { key: string; forecast: Forecast }[] = []
      for (const change of changes) {
        const forecast = await fixture.writer.foresee(fixture.slice, change, asking)
        foreseen.push({ key: formatKey(change.key), forecast })
        if (forecast.kind !== 'will') continue
        const state = change.after === undefined ? undefined : (forecast.state ?? change.after.state)
        items.push({ change, ...(state === undefined ? {} : { state }) })
      }
      return { items, foreseen }
    }

    /** As the core applies: creates and updates, what is to be completed in reverse, deletes. */
    async function applyAll(items: readonly Item[]): Promise<readonly Applied[]> {
      const results: Applied[] = []
      for (const isDelete of [false, true]) {
        const again: Change[] = []
        const changes = items.map(({ change }) => change).filter(({ after }) => (after === undefined) === isDelete)
        for (let at = 0; at < changes.length; at += TOGETHER) {
          const batch = changes.slice(at, at + TOGETHER)
          const made = await applyTogether(batch)
          results.push(...made)
          if (made.some(({ kind }) => kind === 'conflict')) return results
          for (const [index, applied] of made.entries())
            if (applied.kind !== 'conflict' && applied.complete) again.push(batch[index] as Change)
        }
        again.reverse()
        if (fixture.writer.completeMany !== undefined)
          await fixture.writer.completeMany(fixture.slice, again, context())
        else for (const change of again) await fixture.writer.complete(fixture.slice, change, context())
      }
      await fixture.writer.flush?.(fixture.slice, context())
      return results
    }

    async function applyTogether(changes: readonly Change[]): Promise<readonly Applied[]> {
      if (fixture.writer.applyMany !== undefined)
        return await fixture.writer.applyMany(fixture.slice, changes, context())
      const results: Applied[] = []
      for (const change of changes) results.push(await applyOne(change))
      return results
    }

    /** Every touched resource is as foreseen, and nothing else moved. */
    async function expectForeseen({ items, before }: Pick<Prepared, 'items' | 'before'>): Promise<void> {
      expect(fixture.temporary?.() ?? []).toEqual([])
      const now = await read()
      const expected = new Map([...before].map(([key, held]) => [key, textOf(held)]))
      for (const { change, state } of items) {
        const key = formatKey(change.key)
        if (state === undefined || change.after === undefined) expected.delete(key)
        else expected.set(key, textOf(await heldOf(change.key, { ...change.after, state })))
      }
      expect(new Map([...now].map(([key, held]) => [key, textOf(held)]))).toEqual(expected)
    }

    test('doctor says nothing that fails where all is well', async () => {
      const checks = []
      for await (const check of fixture.writer.doctor()) checks.push(check)
      expect(checks.length).toBeGreaterThan(0)
      expect(checks.filter(({ ok }) => !ok).map(({ check }) => check)).toEqual(fixture.lacks ?? [])
    })

    test('has the kinds of the reader, each once', () => {
      expect([...fixture.writer.kinds].sort()).toEqual([...fixture.component.kinds].sort())
    })

    test('a look gives for named keys what a read gives, and passes over what is not there', async () => {
      await fixture.fill()
      const all = await read()
      const keys = [...all.values()].map(({ key }) => key)
      expect(textsOf(await look(keys))).toEqual(textsOf(all))
      for (const [index, key] of keys.entries()) {
        if (index % 3 !== 0) continue
        const { kind, segments } = decodeKey(key)
        const missing = encodeKey(kind, [...segments.slice(0, -1), 'nobody-has-this'])
        const found = await look([key, missing].sort(compareKeys))
        expect([...found.values()].map(textOf)).toEqual([textOf(all.get(formatKey(key)) as Held)])
      }
    })

    test('looking and foreseeing write nothing', async () => {
      await fixture.fill()
      const wanted = await read()
      await fixture.spoil()
      const [before, outside, writes] = [await read(), await fixture.outside(), fixture.writes()]
      await look([...wanted.values()].map(({ key }) => key))
      await plan(before, wanted)
      expect(fixture.writes()).toBe(writes)
      expect(textsOf(await read())).toEqual(textsOf(before))
      expect(await fixture.outside()).toBe(outside)
    })

    test('what is applied reads back as foreseen, and nothing else changed', async () => {
      const prepared = await prepare()
      const outside = await fixture.outside()
      const kinds = new Set(prepared.items.map(({ change }) => kindOf(change)))
      expect([...kinds].sort()).toEqual(['create', 'delete', 'update'])
      const results = await applyAll(prepared.items)
      expect(results.filter(({ kind }) => kind === 'conflict')).toEqual([])
      await expectForeseen(prepared)
      expect(await fixture.outside()).toBe(outside)
    })

    test('what is there then plans nothing further that would be made', async () => {
      const prepared = await prepare()
      await applyAll(prepared.items)
      const now = await read()
      for (const { change, state } of prepared.items) {
        const held = now.get(formatKey(change.key))
        expect([formatKey(change.key), held?.state]).toEqual([formatKey(change.key), state])
      }
    })

    test('applied twice it is the same as once', async () => {
      const prepared = await prepare()
      await applyAll(prepared.items)
      const once = await read()
      const results = await applyAll(prepared.items)
      expect(results.filter(({ kind }) => kind === 'conflict')).toEqual([])
      expect(textsOf(await read())).toEqual(textsOf(once))
    })

    test('taken back it is as it was', async () => {
      const prepared = await prepare()
      await applyAll(prepared.items)
      const backwards = await undo(prepared, applyOne)
      expect(backwards).toEqual([])
      expect(textsOf(await read())).toEqual(textsOf(prepared.before))
    })

    test('what somebody changed since is a conflict, and nothing is written over it', async () => {
      const prepared = await prepare()
      for (const { change } of prepared.items.filter(({ change: { before } }) => before !== undefined)) {
        await fixture.interfere(change.key)
        const [now, outside] = [await read(), await fixture.outside()]
        const applied = await fixture.writer.apply(fixture.slice, change, context())
        expect([formatKey(change.key), applied.kind]).toEqual([formatKey(change.key), 'conflict'])
        expect(textsOf(await read())).toEqual(textsOf(now))
        expect(await fixture.outside()).toBe(outside)
      }
    }, 120_000)

    test('cut off before any write and made again, each change ends as if it had not been cut off', async () => {
      const prepared = await prepare()
      let cuts = 0
      for (const { change } of [...prepared.items].sort(madeFirst)) {
        for (let at = 1; ; at++) {
          fixture.cutAt(at)
          const wasCut = await fixture.writer.apply(fixture.slice, change, context()).then(
            () => false,
            () => true,
          )
          fixture.cutAt(undefined)
          if (!wasCut) break
          cuts++
          if (at === 1 || change.before !== undefined || change.after === undefined) continue
          // A create shows itself whole or not at all.
          const shown = (await look([change.key])).get(formatKey(change.key))
          const whole = prepared.items.find((item) => item.change === change)?.state
          if (shown !== undefined) expect(canonicalJson(without(shown.state))).toBe(canonicalJson(without(whole ?? {})))
        }
      }
      expect(cuts).toBeGreaterThan(prepared.items.length)
      await applyAll(prepared.items)
      await expectForeseen(prepared)
    }, 120_000)

    test(
      'cut off anywhere it can be taken back',
      async () => {
        const prepared = await prepare()
        const before = fixture.writes()
        await applyAll(prepared.items)
        const total = fixture.writes() - before
        expect(await undo(prepared, applyOne)).toEqual([])
        expect(total).toBeGreaterThan(prepared.items.length)
        for (const at of chosenCuts(total, cutOffs)) {
          fixture.cutAt(at)
          await applyAll(prepared.items).catch((error: unknown) => error)
          fixture.cutAt(undefined)
          const conflicts = await undo(prepared, applyOne)
          expect([at, conflicts, fixture.temporary?.() ?? []]).toEqual([at, [], []])
          expect([at, textsOf(await read())]).toEqual([at, textsOf(prepared.before)])
        }
      },
      cutOffs === 'all' ? 3_600_000 : 60_000,
    )

    /** As the core takes back: in reverse, what is not as before. */
    async function undo(
      { items, before }: Prepared,
      one: (change: Change) => Promise<Applied>,
    ): Promise<readonly string[]> {
      const conflicts: string[] = []
      const again: Change[] = []
      const order = [...items.filter(isMade), ...items.filter((item) => !isMade(item))]
      for (const { change, state } of order.reverse()) {
        const was = before.get(formatKey(change.key))
        const back: Change = {
          key: change.key,
          ...(change.after === undefined
            ? {}
            : { before: { state: state ?? change.after.state, kept: change.after.kept } }),
          ...(was === undefined ? {} : { after: wantedOf(was) }),
        }
        const applied = await one(back)
        if (applied.kind === 'conflict') conflicts.push(`${formatKey(change.key)}: ${applied.fields.join(', ')}`)
        else if (applied.complete) again.push(back)
      }
      for (const change of again.reverse()) await fixture.writer.complete(fixture.slice, change, context())
      return conflicts
    }

    async function applyOne(change: Change): Promise<Applied> {
      return await fixture.writer.apply(fixture.slice, change, context())
    }

    function without(state: JsonObject): JsonObject {
      return Object.fromEntries(Object.entries(state).filter(([member]) => fixture.settles?.includes(member) !== true))
    }
  })
}

/** So many changes are made together, where a writer can. */
const TOGETHER = 16

interface Item {
  readonly change: Change
  /** As foreseen; absent for a delete. */
  readonly state?: JsonObject
}
interface Prepared {
  readonly before: HeldSlice
  readonly items: readonly Item[]
  readonly foreseen: readonly { readonly key: string; readonly forecast: Forecast }[]
}

/** Every difference as a change, in the order of applying. */
function changesBetween(before: HeldSlice, wanted: HeldSlice, kinds: readonly string[]): readonly Change[] {
  const changes: Change[] = []
  for (const [written, want] of wanted) {
    const is = before.get(written)
    if (is !== undefined && textOf(is) === textOf(want)) continue
    changes.push({ key: want.key, ...(is === undefined ? {} : { before: is }), after: wantedOf(want) })
  }
  for (const [written, is] of before) if (!wanted.has(written)) changes.push({ key: is.key, before: is })
  const rank = ({ key }: Change): number => kinds.indexOf(decodeKey(key).kind)
  const order = (a: Change, b: Change): number => rank(a) - rank(b) || compareKeys(a.key, b.key)
  const [makes, deletes] = [
    changes.filter((one) => one.after !== undefined),
    changes.filter((one) => one.after === undefined),
  ]
  return [...makes.sort(order), ...deletes.sort(order).reverse()]
}

/** The same ones each time: the first and the last, and others between. */
function chosenCuts(total: number, cutOffs: number | 'all'): readonly number[] {
  if (cutOffs === 'all') return Array.from({ length: total }, (_, index) => index + 1)
  const { fraction } = seededRandom('cut-offs of a restore')
  const chosen = new Set([1, total])
  while (chosen.size < Math.min(cutOffs, total)) chosen.add(1 + Math.floor(fraction() * total))
  return [...chosen].sort((a, b) => a - b)
}

function kindOf({ before, after }: Change): 'create' | 'update' | 'delete' {
  if (after === undefined) return 'delete'
  return before === undefined ? 'create' : 'update'
}

function isMade({ change }: Item): boolean {
  return change.after !== undefined
}

function madeFirst(one: Item, two: Item): number {
  return Number(!isMade(one)) - Number(!isMade(two))
}

async function* ascending(keys: readonly ResourceKey[]): AsyncGenerator<ResourceKey> {
  yield* [...keys].sort(compareKeys)
}
