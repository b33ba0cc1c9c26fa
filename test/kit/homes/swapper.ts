/**
 * Runs as a process of its own: swaps what lies in a home for links, FIFOs and back, as fast as it can, until its parent lets go of it.
 *   node swapper.ts HOME OUTSIDE
 */
import { constants, linkSync, mkdirSync, renameSync, rmdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nativeCalls } from './native-calls.ts'

const [home = '', outside = ''] = process.argv.slice(2)
const mine = 'belongs to the home'
const at = (...names: readonly string[]): string => join(home, ...names)

for (const folder of ['directory', 'deep/a/b/c']) {
  mkdirSync(at(folder), { recursive: true })
  writeFileSync(at(folder, 'inside'), mine)
}
writeFileSync(at('file'), mine)
const native = await nativeCalls()
const fifo = native !== undefined
native?.makeNode(Buffer.from(at('fifo')), constants.S_IFIFO | 0o644, 0)

let rounds = 0
process.on('message', () => process.send?.({ rounds }))
process.on('disconnect', () => process.exit(0))

function swap(): void {
  // A directory for a link, twice: at the top, and in the middle of a path that the walk is below.
  for (const [path, target] of [
    ['directory', outside],
    ['deep/a', join(outside, 'a')],
  ] as const) {
    renameSync(at(path), at(`${path}.aside`))
    symlinkSync(target, at(path))
    unlinkSync(at(path))
    renameSync(at(`${path}.aside`), at(path))
  }
  // A file for a link to a file outside, for a FIFO that nobody writes to, and for another file, each in one step.
  symlinkSync(join(outside, 'inside'), at('.next'))
  renameSync(at('.next'), at('file'))
  if (fifo) {
    linkSync(at('fifo'), at('.next'))
    renameSync(at('.next'), at('file'))
    // Renaming one name of a file over another of it does nothing: the spare name goes first.
    unlinkSync(at('file'))
  }
  writeFileSync(at('.next'), mine)
  renameSync(at('.next'), at('file'))
  // A file for an empty directory and back, inside the directory that is swapped itself.
  renameSync(at('directory', 'inside'), at('directory', 'aside'))
  mkdirSync(at('directory', 'inside'))
  rmdirSync(at('directory', 'inside'))
  renameSync(at('directory', 'aside'), at('directory', 'inside'))
  rounds++
}

function turn(): void {
  for (let count = 0; count < 50; count++) swap()
  setImmediate(turn)
}
process.send?.({ rounds: 0 })
turn()
