/** `npm run bench`: prints the tables of docs/benchmarks.md. What can be asked: `-- --help`. */
import { statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { parseSize } from '../kit/made-homes/parse-size.ts'
import { profiles } from '../kit/made-homes/profiles.ts'
import type { Profile } from '../kit/made-homes/profiles.ts'
import { delayBench } from './delay/delay.ts'
import { hindranceToDelay } from './delay/delayed.ts'
import { engineBench } from './engine/engine.ts'
import { engineReport } from './engine/report.ts'
import { findTools } from './engine/tools-here.ts'
import { toolNames } from './engine/tool.ts'
import type { ToolName } from './engine/tool.ts'
import { identityBench } from './identity.ts'
import { dataFolder, describeMachine } from './machine.ts'
import { where } from './where/where.ts'

const HELP = `npm run bench [-- WHAT… OPTIONS]

  engine     first backup, unchanged, 1 % changed, restore, check: ours beside restic, borg
             and kopia, as far as they are on this machine
  identity   many people through the queue
  delay      a home where every call to the file system takes a millisecond
  where      where our own time goes, step by step (profiles; takes --profile, --size, --files)
Absent: engine and identity. People into a real Keycloak: node test/bench/restore-people.ts 1000

  --smoke              the same walk over very little, to see that it works; its figures mean nothing
  --reps N             repetitions (3); medians and minima are printed
engine:
  --profile A,B        of ${profiles.join(', ')} (all)
  --store A,B          of folder, s3 (folder). s3 is a server of our own on this machine
  --tools A,B          of ${toolNames.join(', ')} (all that are here)
  --size 600M          of mixed, dup and large (600M, 600M, 2G)
  --files N            of small (100000)
  --seed N             of the homes (1)
  --data DIR           where homes and repositories go (memory, if it has room; else the temporary folder)
  --no-settle          do not wait until what was made counts as unchanged
identity:
  --users A,B          people (100,1000,10000)
delay:
  --delay-ms N         what a call takes (1)
  --every-call         also what a client of a network file system answers itself (close, fstat)
  --files N, --data DIR, --no-settle
where:
  --functions          by function instead of by file
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    smoke: { type: 'boolean', default: false },
    reps: { type: 'string' },
    profile: { type: 'string' },
    store: { type: 'string' },
    tools: { type: 'string' },
    size: { type: 'string' },
    files: { type: 'string' },
    seed: { type: 'string', default: '1' },
    data: { type: 'string' },
    'no-settle': { type: 'boolean', default: false },
    users: { type: 'string' },
    'delay-ms': { type: 'string', default: '1' },
    functions: { type: 'boolean', default: false },
    'every-call': { type: 'boolean', default: false },
  },
})
const { smoke } = values
const out = (text: string): void => void process.stdout.write(text)
const say = (line: string): void => void process.stderr.write(`${line}\n`)

if (values.help) out(HELP)
else await main()

async function main(): Promise<void> {
  const wanted = chosen(
    'what to measure',
    positionals.join(',') || (smoke ? 'engine,identity,delay' : 'engine,identity'),
    ['engine', 'identity', 'delay', 'where'],
  )
  const repetitions = Number(values.reps ?? (smoke ? 1 : 3))
  if (wanted.includes('engine')) await engine(repetitions)
  if (wanted.includes('identity')) {
    const sizes = (values.users ?? (smoke ? '4,20' : '100,1000,10000')).split(',').map(Number)
    out(`## Many people through the queue\n\n${describeMachine(tmpdir())} Medians of ${repetitions}.\n\n`)
    out(`${await identityBench(sizes, repetitions)}\n`)
  }
  if (wanted.includes('delay')) await delay(repetitions)
  if (wanted.includes('where')) await whereTimeGoes()
}

/** Where homes and repositories go. */
function dataIn(bytes: number): string {
  const { data } = values
  if (data === undefined) return dataFolder(bytes)
  if (statSync(data, { throwIfNoEntry: false })?.isDirectory() === true) return data
  say(`--data ${data}: no such folder. Make it first, on a file system with room.`)
  process.exit(2)
}

async function whereTimeGoes(): Promise<void> {
  for (const profile of chosen('--profile', values.profile ?? profiles.join(','), profiles)) {
    const home = { profile, ...homeOf(profile) }
    const data = dataIn(bytesOf(home) * 3)
    out(`## Where our time goes: \`${profile}\`\n\n${describeMachine(data)}\n\n`)
    const by = values.functions ? 'function' : 'file'
    out(await where({ home, data, by, settles: !smoke && !values['no-settle'], say }))
  }
}

async function delay(repetitions: number): Promise<void> {
  const files = Number(values.files ?? (smoke ? 50 : 100_000))
  const data = dataIn(files * 8192 * 3)
  const hindrance = hindranceToDelay()
  out(`## Where every call takes ${values['delay-ms']} ms\n\n${describeMachine(data)} `)
  if (hindrance !== undefined) return out(`Not measured: ${hindrance}.\n`)
  out(
    await delayBench({
      ...{ files, repetitions, data, delayMs: Number(values['delay-ms']), every: values['every-call'] },
      settles: !smoke && !values['no-settle'],
      say,
    }),
  )
}

async function engine(repetitions: number): Promise<void> {
  const stores = chosen('--store', values.store ?? 'folder', ['folder', 's3'])
  const wished = chosen('--profile', values.profile ?? (smoke ? 'mixed' : profiles.join(',')), profiles)
  const tools = chosen('--tools', values.tools ?? toolNames.join(','), toolNames)
  const isWhole = values.tools === undefined
  let described = false
  for (const store of stores) {
    const { here, missing } = findTools(tools, store)
    for (const profile of wished) {
      const home = { profile, ...homeOf(profile) }
      // The home, a repository for each tool, and what is restored; then what the server of S3 writes beside.
      const data = dataIn(bytesOf(home) * (here.length + 3))
      if (!described) {
        out(
          `## The engine\n\n${smoke ? 'Only to see that it works: these figures mean nothing. ' : ''}${describeMachine(data)} ${toolSentence(
            here.map(({ version }) => version),
            missing,
            isWhole,
          )}\n\n`,
        )
        described = true
      }
      const result = await engineBench({
        ...{ profile, store, tools: here, repetitions, data, home },
        settles: !smoke && !values['no-settle'],
        say,
      })
      out(`${engineReport(result)}\n`)
    }
  }
}

interface HomeSize {
  readonly seed: number
  readonly sizeBytes: number
  readonly files: number
}

function homeOf(profile: Profile): HomeSize {
  return {
    seed: Number(values.seed),
    sizeBytes: values.size === undefined ? sizeOf(profile) : parseSize(values.size),
    files: Number(values.files ?? (smoke ? 200 : 100_000)),
  }
}

/** At most. */
function bytesOf({ profile, sizeBytes, files }: HomeSize & { readonly profile: Profile }): number {
  return profile === 'small' ? files * 8192 : sizeBytes
}

function sizeOf(profile: Profile): number {
  if (smoke) return 8 * 2 ** 20
  return profile === 'large' ? 2 * 2 ** 30 : 600 * 2 ** 20
}

function toolSentence(
  versions: readonly string[],
  missing: readonly { readonly name: ToolName; readonly reason: string }[],
  isWhole: boolean,
): string {
  const without = missing.map(({ name, reason }) => `${name} (${reason})`).join(', ')
  return `Measured: ${versions.join(', ')}.${without === '' ? '' : ` Not ${isWhole ? 'measured' : 'measured, though asked for'}: ${without}.`}`
}

function chosen<const T extends string>(what: string, text: string, known: readonly T[]): readonly T[] {
  return text.split(',').map((word) => {
    const one = known.find((name) => name === word)
    if (one !== undefined) return one
    process.stderr.write(`${what}: "${word}" is none of ${known.join(', ')}\n`)
    return process.exit(2)
  })
}
