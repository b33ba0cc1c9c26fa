/** Makes, changes or digests a home: README.md beside this file. */
import { parseArgs } from 'node:util'
import { digestHome } from './digest-home.ts'
import { editHome } from './edit-home.ts'
import { parseSize } from './parse-size.ts'
import { makeHome, profiles } from './profiles.ts'

const { values } = parseArgs({
  options: {
    profile: { type: 'string' },
    out: { type: 'string' },
    seed: { type: 'string', default: '1' },
    size: { type: 'string' },
    files: { type: 'string' },
    percent: { type: 'string', default: '1' },
  },
})
const { profile: word, out, size, files } = values
const seed = Number(values.seed)
const profile = profiles.find((one) => one === word)
if (out === undefined || (profile === undefined && word !== 'edit' && word !== 'digest')) {
  process.stderr.write(`needs --profile (${profiles.join(', ')}, edit or digest) and --out DIR\n`)
  process.exit(2)
}
const answer =
  profile !== undefined
    ? makeHome({
        profile,
        out,
        seed,
        ...(size === undefined ? {} : { sizeBytes: parseSize(size) }),
        ...(files === undefined ? {} : { files: Number(files) }),
      })
    : word === 'edit'
      ? editHome({ out, seed, percent: Number(values.percent) })
      : digestHome(out)
process.stdout.write(`${JSON.stringify(answer)}\n`)
