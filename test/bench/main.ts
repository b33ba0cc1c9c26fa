/** `npm run bench`: prints the tables of docs/benchmarks.md. `-- --smoke`: the same walk over very little, to see that it works. `-- --users 100,10000 --runs 3`. */
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { identityBench } from './identity.ts'

const { values } = parseArgs({
  options: { smoke: { type: 'boolean', default: false }, users: { type: 'string' }, runs: { type: 'string' } },
})
const sizes = (values.users ?? (values.smoke ? '4,20' : '100,1000,10000')).split(',').map(Number)
const runs = Number(values.runs ?? (values.smoke ? 1 : 3))
process.stdout.write(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB; medians of ${runs}\n\n`,
)
process.stdout.write(await identityBench(sizes, runs))
