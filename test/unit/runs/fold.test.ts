import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { foldSlice } from '../../../lib/runs/fold.ts'
import type { FoldedEvent } from '../../../lib/runs/fold.ts'
import { sliceEventNames } from '../../../lib/runs/run.ts'
import type { SliceEventName } from '../../../lib/runs/run.ts'

const cause = (code: string) => ({ code, message: code, remedy: 'mend it' })
const events = (...names: SliceEventName[]): FoldedEvent[] =>
  names.map((event, index) => ({ n: index + 1, event, attempt: index + 1 }))
const anyEvents = fc.array(
  fc.record({ n: fc.integer({ min: 1, max: 6 }), event: fc.constantFrom(...sliceEventNames) }),
  { maxLength: 8 },
)

describe('the fold of a slice', () => {
  test.each<[string, FoldedEvent[], string | undefined, boolean]>([
    ['nothing heard is pending', [], undefined, true],
    ['an attempt is not an end', events('attempt'), undefined, true],
    ['a continuation is not an end', events('continued'), undefined, true],
    ['saved after an attempt is saved', events('attempt', 'saved'), 'saved', false],
    ['saved stays saved whatever follows', events('saved', 'failed'), 'saved', false],
    ['partial beats failed', events('partial', 'failed'), 'partial', false],
    ['failed is an end', events('attempt', 'failed'), 'failed', false],
    ['a replay re-opens a failure', events('failed', 'replayed'), undefined, true],
    ['a replay that fails again is a failure', events('failed', 'replayed', 'failed'), 'failed', false],
    ['a replay that saves is saved', events('failed', 'replayed', 'saved'), 'saved', false],
    ['a replayed partial slice is pending and still partial', events('partial', 'replayed'), 'partial', true],
    ['a replay does not re-open what is saved', events('saved', 'replayed'), 'saved', false],
    ['skipped is an end', events('skipped'), 'skipped', false],
  ])('%s', (_title, given, outcome, pending) => {
    expect(foldSlice(given)).toMatchObject({ outcome, pending })
  })

  test('a failure with the number of a replay is the older of the two', () => {
    expect(
      foldSlice([
        { n: 2, event: 'failed' },
        { n: 2, event: 'replayed' },
      ]),
    ).toMatchObject({ pending: true })
  })

  test('the newest cause speaks, with its attempts', () => {
    const fold = foldSlice([
      { n: 1, event: 'attempt', attempt: 1, causes: [cause('source-busy')] },
      { n: 2, event: 'failed', attempt: 5, causes: [cause('source-unreachable')] },
    ])
    expect(fold).toMatchObject({ attempts: 5, causes: [{ code: 'source-unreachable' }] })
  })

  test('what is saved has no cause', () => {
    expect(
      foldSlice([
        { n: 1, event: 'attempt', causes: [cause('source-busy')] },
        { n: 2, event: 'saved' },
      ]).causes,
    ).toEqual([])
  })

  test('causes before a replay are forgotten while it is under way', () => {
    expect(
      foldSlice([
        { n: 1, event: 'failed', causes: [cause('internal')] },
        { n: 2, event: 'replayed' },
      ]).causes,
    ).toEqual([])
  })

  test('suspect until accepted, and again when a newer suspect snapshot comes', () => {
    const saved: FoldedEvent = { n: 1, event: 'saved', snapshot: 'run.1', suspect: ['files'] }
    const accepted: FoldedEvent = { n: 2, event: 'accepted' }
    expect(foldSlice([saved]).suspect).toEqual(['files'])
    expect(foldSlice([saved, accepted]).suspect).toEqual([])
    expect(foldSlice([saved, accepted, { ...saved, n: 3 }]).suspect).toEqual(['files'])
  })

  test('figures are the sum of all work done', () => {
    const fold = foldSlice([
      { n: 1, event: 'attempt', bytesRead: 10, bytesStored: 5, objectsPut: 2 },
      { n: 2, event: 'saved', bytesRead: 1, bytesStored: 1, objectsPut: 1 },
    ])
    expect(fold).toMatchObject({ bytesRead: 11, bytesStored: 6, objectsPut: 3, highest: 2 })
  })

  test('does not depend on the order in which events are seen, nor on seeing one twice', () => {
    fc.assert(
      fc.property(anyEvents, fc.infiniteStream(fc.nat()), (given, order) => {
        const weights = new Map(given.map((event) => [event, order.next().value as number]))
        const shuffled = [...given].sort((a, b) => weights.get(a)! - weights.get(b)!)
        const { outcome, pending, highest } = foldSlice(given)
        expect(foldSlice(shuffled)).toMatchObject({ outcome, pending, highest })
        expect(foldSlice([...given, ...given])).toMatchObject({ outcome, pending, highest })
      }),
    )
  })

  test('once saved, no further event changes that', () => {
    fc.assert(
      fc.property(anyEvents, anyEvents, (before, after) => {
        const fold = foldSlice([...before, { n: 3, event: 'saved' }, ...after])
        expect(fold).toMatchObject({ outcome: 'saved', pending: false })
      }),
    )
  })

  test('an end without a later replay is never pending', () => {
    fc.assert(
      fc.property(anyEvents, fc.constantFrom('failed', 'partial', 'skipped', 'saved'), (before, event) => {
        expect(foldSlice([...before, { n: 7, event }]).pending).toBe(false)
      }),
    )
  })
})
