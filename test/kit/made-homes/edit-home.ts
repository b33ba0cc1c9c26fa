/** Changes some of a home's files, as a day's work does; the same seed changes the same ones in the same way. */
import {
  appendFileSync,
  chmodSync,
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { code } from './contents.ts'
import { FIRST_SECONDS } from './home-writer.ts'
import { IntegerRandom } from './integer-random.ts'
import { Page } from './page.ts'
import { filesBelow } from './profiles.ts'

const ways = ['insert', 'lengthen', 'write over', 'delete', 'rename', 'add'] as const
export type EditCounts = Record<(typeof ways)[number], number>

/** A file larger than this is written over in place. */
const IN_PLACE_BYTES = 64 * 2 ** 20
const STRETCH_BYTES = 2 ** 20

export function editHome({
  out,
  seed,
  percent,
}: {
  readonly out: string
  readonly seed: number
  readonly percent: number
}): EditCounts {
  const random = new IntegerRandom(seed)
  const page = new Page(4096)
  const files = filesBelow(out)
  const counts: EditCounts = { insert: 0, lengthen: 0, 'write over': 0, delete: 0, rename: 0, add: 0 }
  let seconds = FIRST_SECONDS + 20_000_000 + seed * 10_000
  const only = files.length === 1
  for (let left = Math.max(1, Math.round((files.length * percent) / 100)); left > 0; left--) {
    const [path = ''] = files.splice(random.below(files.length), 1)
    const at = join(out, path)
    const size = statSync(at).size
    const isLarge = size > IN_PLACE_BYTES
    // The one file of a home stays.
    const way = isLarge ? 'write over' : (ways[random.below(only ? 3 : ways.length)] ?? 'add')
    const piece = Buffer.from(code(page, random, random.between(50, 4000)))
    counts[way]++
    seconds++
    if (way === 'delete') unlinkSync(at)
    else if (way === 'rename') renameSync(at, `${at}.moved-${seed}`)
    else if (way === 'add') {
      writeFileSync(`${at}.new-${seed}`, piece, { mode: 0o644 })
      utimesSync(`${at}.new-${seed}`, seconds, seconds)
    } else {
      const { mode } = statSync(at)
      chmodSync(at, 0o644)
      if (isLarge) writeOver(at, size, (size * percent) / 100, random)
      else if (way === 'lengthen') appendFileSync(at, piece)
      else {
        const content = readFileSync(at)
        const from = random.below(content.length + 1)
        const next = way === 'insert' ? from : Math.min(content.length, from + piece.length)
        writeFileSync(at, Buffer.concat([content.subarray(0, from), piece, content.subarray(next)]))
      }
      chmodSync(at, mode & 0o7777)
      utimesSync(at, seconds, seconds)
    }
    utimesSync(dirname(at), seconds, seconds)
  }
  return counts
}

/** So many bytes in stretches of a mebibyte, wherever. */
function writeOver(path: string, size: number, bytes: number, random: IntegerRandom): void {
  const stretch = Buffer.alloc(STRETCH_BYTES)
  const handle = openSync(path, 'r+')
  for (let done = 0; done < bytes; done += stretch.length) {
    random.fill(stretch)
    const at = random.below(Math.floor(size / STRETCH_BYTES)) * STRETCH_BYTES
    writeSync(handle, stretch, 0, stretch.length, at)
  }
  closeSync(handle)
}
