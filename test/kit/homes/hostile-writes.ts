/**
 * Writes into a home while another process swaps what lies in it for links to a folder outside: nothing there may ever be written, removed, renamed, given away or dressed.
 * For a bounded number of changes; the long variant makes more of them.
 */
import { chownSync, lstatSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ground } from '../../../lib/components/files/ground.ts'
import { filesWriter } from '../../../lib/components/files/write/writer.ts'
import type { WritingCalls } from '../../../lib/components/files/write/writing-calls.ts'
import { isTorikiError } from '../../../lib/errors.ts'
import { systemClock } from '../../../lib/platform/clock.ts'
import type { Change, Wanted } from '../../../lib/resources/change.ts'
import type { JsonObject } from '../../../lib/resources/json.ts'
import { encodeKey } from '../../../lib/resources/key.ts'
import type { ContentPart } from '../../../lib/resources/resource.ts'
import { userSlice } from '../../../lib/resources/slice.ts'
import { underSwaps } from './under-swaps.ts'

export interface HostileWrites {
  readonly rounds: number
  readonly swaps: number
  /** How changes ended: `applied`, `already`, `conflict`, or the code of an error. */
  readonly ends: ReadonlyMap<string, number>
  /** What differs outside: must be nothing. */
  readonly touched: readonly string[]
}

/** Where the swapper swaps, and in what it swaps. */
const PLACES = [['directory'], ['deep', 'a'], ['deep', 'a', 'b', 'c'], []]
const TOGETHER = 6
const OWNER = { uid: 1000, gid: 100 }
const MTIME = '1793620800000000000'

/** Until so many rounds of changes and so many rounds of swaps were made. */
export async function writeUnderSwaps(
  ground: Ground,
  calls: WritingCalls,
  least: { readonly rounds: number; readonly swaps: number },
): Promise<HostileWrites> {
  return await underSwaps(async (root, swaps, outside) => {
    const settings = { root, home: 'home/{user}', exclude: [], excludeDefaults: true }
    // The disk is not waited for: more changes meet more swaps.
    const writer = filesWriter(settings, {
      ground,
      calls: { ...calls, flush: () => undefined, flushEach: async () => undefined },
    })
    const context = {
      clock: systemClock,
      signal: new AbortController().signal,
      restore: '20261121T020000000Z-restore-1f0c2d3e4a',
      options: { installerOwned: false, privileged: false },
    }
    const slice = userSlice('ann')
    const ends = new Map<string, number>()
    const before = imageOf(outside)
    let rounds = 0
    for (; rounds < least.rounds || (await swaps()) < least.swaps; rounds++) {
      const changes = PLACES.flatMap((place) => changesIn(place, rounds))
      const made: Change[] = []
      // Every other round some are made together, on a way that is opened once.
      const together = rounds % 2 === 0 ? 1 : TOGETHER
      for (let at = 0; at < changes.length; at += together) {
        const batch = changes.slice(at, at + together)
        try {
          for (const [index, applied] of ((await writer.applyMany?.(slice, batch, context)) ?? []).entries()) {
            count(ends, applied.kind)
            if (applied.kind !== 'conflict' && applied.complete) made.push(batch[index] as Change)
          }
        } catch (error) {
          if (!isTorikiError(error)) throw error
          count(ends, error.code)
        }
      }
      made.reverse()
      for (let at = 0; at < made.length; at += together)
        await writer.completeMany?.(slice, made.slice(at, at + together), context).catch((error: unknown) => {
          if (!isTorikiError(error)) throw error
          count(ends, error.code)
        })
    }
    await writer.close()
    return { rounds, swaps: await swaps(), ends, touched: differences(before, imageOf(outside)) }
  })
}

/** The same with a writer that trusts paths: says after how many writes it was caught, so that the trap is known to be one. */
export async function naiveWritesUntilCaught(writesMax: number): Promise<number | undefined> {
  return await underSwaps(async (root, _, outside) => {
    const before = imageOf(outside)
    for (let writes = 1; writes <= writesMax; writes++) {
      const folder = join(root, 'home', 'ann', 'directory')
      try {
        writeFileSync(join(folder, '.new'), 'restored')
        chownSync(join(folder, '.new'), OWNER.uid, OWNER.gid)
        renameSync(join(folder, '.new'), join(folder, 'restored'))
        unlinkSync(join(folder, 'restored'))
      } catch {
        continue // gone by now: that is the game
      }
      if (writes % 100 === 0 && differences(before, imageOf(outside)).length > 0) return writes
    }
    return undefined
  })
}

/** Everything that can be made, changed and deleted in one place; names differ from round to round: what one leaves when he was in the way, the next does not meet. */
function changesIn(place: readonly string[], round: number): readonly Change[] {
  const at = (...names: readonly string[]): Buffer => encodeKey('entry', [...place, ...names])
  const name = (what: string): string => `${what}-${round}`
  const file = (text: string): Wanted => wanted({ type: 'file', mode: '0640', size: text.length }, text)
  const directory = wanted({ type: 'directory', mode: '2775' })
  const [first, second] = [file(`first of round ${round}`), file(`second, of round ${round}`)]
  const path = [...place, name('file')].map((one) => encodeURIComponent(one)).join('/')
  const alias: Wanted = { ...first, state: { ...first.state, hardLinkTo: path } }
  const link = wanted({ type: 'link', target: '../elsewhere' })
  return [
    { key: at(name('folder')), after: directory },
    { key: at(name('folder'), 'beneath'), after: second },
    { key: at(name('file')), after: first },
    { key: at(name('other')), after: alias },
    { key: at(name('link')), after: link },
    { key: at(name('file')), before: first, after: second },
    // What the swapper swaps itself.
    { key: at('inside'), before: theirs(), after: second },
    { key: at(name('link')), before: link },
    { key: at(name('other')), before: first },
    { key: at(name('file')), before: second },
    { key: at(name('folder'), 'beneath'), before: second },
    { key: at(name('folder')), before: directory },
  ]
}

function wanted(state: JsonObject, text?: string): Wanted {
  const bare = { ...state, ...OWNER, mtime: MTIME }
  if (text === undefined) return { state: bare, kept: {}, secrets: {} }
  return {
    state: bare,
    kept: {},
    secrets: {},
    content: {
      sizeBytes: text.length,
      async *parts(): AsyncGenerator<ContentPart> {
        yield Buffer.from(text)
      },
      ready: [Buffer.from(text)],
    },
  }
}

function theirs(): Wanted {
  return wanted({ type: 'file', mode: '0644', size: 19 })
}

/** Of every entry beneath: what it is, whose, when it was changed last in any way, and its bytes. */
function imageOf(folder: string, path = ''): ReadonlyMap<string, string> {
  const image = new Map<string, string>()
  const stat = lstatSync(join(folder, path), { bigint: true })
  const bytes = stat.isFile() ? readFileSync(join(folder, path), 'base64') : ''
  image.set(path, [stat.ino, stat.mode, stat.uid, stat.gid, stat.ctimeNs, bytes].join(' '))
  if (stat.isDirectory())
    for (const name of readdirSync(join(folder, path)))
      for (const [key, value] of imageOf(folder, join(path, name))) image.set(key, value)
  return image
}

function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly string[] {
  const paths = new Set([...before.keys(), ...after.keys()])
  return [...paths].filter((path) => before.get(path) !== after.get(path))
}

function count(ends: Map<string, number>, end: string): void {
  ends.set(end, (ends.get(end) ?? 0) + 1)
}
