import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { cruise, type ICruiseOptions, type ICruiseResult, type IResolveOptions } from 'dependency-cruiser'
import { transformSync } from 'esbuild'

const root = resolve(import.meta.dirname, '../..')
const cracked = join(root, 'test/fixtures/architecture')
const { forbidden, options } = ((await import(join(root, '.dependency-cruiser.mjs'))) as { default: Rules }).default
const rooms = ['lib', 'functions', 'infra']

interface Rules {
  readonly forbidden: readonly { readonly name: string; readonly comment: string }[]
  readonly options: ICruiseOptions & { readonly enhancedResolveOptions: Partial<IResolveOptions> }
}

/** What a file may not say, beside what it may not import; `where` are the files the rule speaks of. */
interface TextRule {
  readonly reason: string
  readonly pattern: RegExp
  readonly where: (file: string) => boolean
  readonly breaches: readonly string[]
  readonly fine: readonly string[]
}

const textRules: Readonly<Record<string, TextRule>> = {
  'the environment': {
    reason:
      'Only lib/settings reads the environment: what is set in one place can be explained, checked and tested in one place.',
    pattern:
      /\bprocess\s*\??\.\s*env\b|\bprocess\s*\[|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b|import[^;]*\benv\b[^;]*from\s*["']node:process["']/,
    where: (file) => !/^lib\/settings[-a-z]*(\/|\.ts$)/.test(file),
    breaches: [
      'const home = process.env.HOME',
      'const { env } = process',
      "import { env } from 'node:process'",
      "process['env']",
    ],
    fine: ['// process.env is read by settings', 'process.exitCode = 1', 'const environment = { a: 1 }'],
  },
  'the clock': {
    reason: 'Time is an argument (lib/platform/clock): simulation turns its own clock, and a test never waits.',
    pattern:
      /\bDate\.now\b|\bnew Date(\(\s*\)|(?!\s*\())|(?<!new )(?<![.\w])Date\(|\bperformance\.now\b|\bprocess\.(hrtime|uptime)\b/,
    where: outsidePlatform,
    breaches: [
      'const now = Date.now()',
      'const now = new Date()',
      'performance.now()',
      'process.hrtime.bigint()',
      'Date()',
    ],
    fine: ['new Date(snapshot.time)', 'clock.now()', 'Date.parse(text)', '// not Date.now()'],
  },
  randomness: {
    reason: 'Randomness is an argument (lib/platform/random): a failing simulation is repeated from its seed.',
    pattern: /\bMath\.random\b|\b(randomBytes|randomInt|randomUUID|randomFill|randomFillSync|getRandomValues)\b/,
    where: outsidePlatform,
    breaches: [
      'Math.random()',
      "import { randomBytes } from 'node:crypto'",
      'crypto.randomUUID()',
      'getRandomValues(bytes)',
    ],
    fine: ['random.bytes(32)', 'const randomness = 1'],
  },
  fetch: {
    reason: 'Requests go out through an argument or lib/platform: limits, time-outs and tests stand in one place.',
    pattern: /\bglobalThis\.fetch\b|(?<![.\w$])(?<!\bfunction )(?<!\basync )fetch\(/,
    where: outsidePlatform,
    breaches: ['await fetch(url)', 'const get = globalThis.fetch', 'return fetch(url)'],
    fine: ['await options.fetch(url)', 'prefetch(url)'],
  },
}

describe('imports', () => {
  test('every import of the house goes the one way', async () => {
    const { violations } = await cruised(root, await present())
    expect(violations.map(sentence)).toEqual([])
  })

  test('the reader of imports misses none', async () => {
    const { modules } = await cruised(root, await present())
    const seen = new Map(
      modules.map((module) => [module.source, new Set(module.dependencies.map((to) => bare(to.module)))]),
    )
    for (const { file, source } of await sources()) {
      const written = [...withoutComments(source).matchAll(/^(?:import|export)\s(?:[^'"]*?\sfrom\s*)?'([^']+)'/gm)].map(
        (match) => match[1],
      )
      expect({ file, missed: written.filter((name) => !seen.get(file)?.has(bare(name!))) }).toEqual({
        file,
        missed: [],
      })
    }
  })

  test('each rule is broken once in the cracked house, and answered with its reason', async () => {
    const { violations } = await cruised(cracked, ['lib', 'functions'])
    expect(violations.map(sentence).toSorted()).toEqual(expectedBreaches().toSorted())
  })
})

describe('words', () => {
  test.each(Object.entries(textRules))('%s stays in its place', async (_name, rule) => {
    const found = (await sources())
      .filter(({ file }) => rule.where(file))
      .flatMap(({ file, source }) => matches(rule, source).map((what) => `${file}: ${what}. ${rule.reason}`))
    expect(found).toEqual([])
  })

  test.each(Object.entries(textRules))('the rule for %s bites, and only where it should', (_name, rule) => {
    expect(rule.breaches.filter((source) => matches(rule, source).length === 0)).toEqual([])
    expect(rule.fine.filter((source) => matches(rule, source).length > 0)).toEqual([])
  })
})

describe('names and sizes', () => {
  test('there is no attic and no barrel: a file is named by what it holds', async () => {
    const files = (await sources()).map(({ file }) => file)
    expect(files.filter((file) => /(^|\/)(utils?|helpers?|common|misc|index)(\/|\.[a-z]+$)/.test(file))).toEqual([])
    expect(files.filter((file) => !/^([a-z0-9-]+\/)*[a-z0-9.-]+$/.test(file))).toEqual([])
  })

  test('no file is longer than 400 lines', async () => {
    const long = (await sources()).map(({ file, source }) => ({ file, lines: source.split('\n').length }))
    expect(long.filter(({ lines }) => lines > 400)).toEqual([])
  })
})

/** One breach per rule of .dependency-cruiser.mjs, where test/fixtures/architecture commits it. */
function expectedBreaches(): string[] {
  const where: Record<string, [from: string, to: string]> = {
    'ground-floor': ['lib/errors.ts', 'lib/resources/slice.ts'],
    'resources-are-pure': ['lib/resources/order.ts', 'lib/components/component.ts'],
    'settings-know-no-room': ['lib/settings.ts', 'lib/runs/run.ts'],
    'settings-stay-at-the-edge': ['lib/runs/lease.ts', 'lib/settings.ts'],
    'ports-are-promises': ['lib/platform/queue/port.ts', 'lib/platform/queue/memory.ts'],
    'platform-knows-no-room': ['lib/platform/queue/retry.ts', 'lib/runs/run.ts'],
    'only-the-assembly-reads-settings': ['lib/platform/queue/aws.ts', 'lib/settings.ts'],
    'rooms-side-by-side': ['lib/repository/seal.ts', 'lib/messages.ts'],
    'components-are-strangers': ['lib/components/keycloak/component.ts', 'lib/components/files/component.ts'],
    'components-through-the-registry': ['lib/api/router.ts', 'lib/components/keycloak/component.ts'],
    'drivers-through-the-assembly': ['lib/backup/start-run.ts', 'lib/platform/queue/memory.ts'],
    'assembled-at-the-door': ['lib/restore/rollback.ts', 'lib/components/registry.ts'],
    'backup-writes-nothing-live': ['lib/backup/capture-slice.ts', 'lib/restore/plan.ts'],
    'restore-maintains-nothing': ['lib/restore/apply.ts', 'lib/maintenance/drill.ts'],
    'use-cases-know-no-door': ['lib/backup/settle-run.ts', 'lib/cli/main.ts'],
    'doctor-stands-behind-the-doors': ['lib/doctor/diagnose.ts', 'lib/cli/main.ts'],
    'only-embedded-imports-functions': ['lib/cli/main.ts', 'functions/schedule.ts'],
    'embedded-is-the-roof': ['functions/replay-run.ts', 'lib/embedded/event-source.ts'],
    'doors-side-by-side': ['lib/api/openapi.ts', 'lib/cli/main.ts'],
    'nothing-imports-tests': ['functions/api.ts', 'test/kit/builders.ts'],
    'aws-sdk-in-drivers': ['lib/maintenance/prune.ts', '@aws-sdk/client-s3'],
    'powertools-in-lambda-drivers': ['lib/backup/settle-run.ts', '@aws-lambda-powertools/logger'],
    'keycloak-in-its-component': ['lib/runs/report.ts', 'pg'],
    'native-calls-in-files': ['lib/restore/verify.ts', 'koffi'],
    'sqlite-in-the-local-queue': ['lib/runs/ledger.ts', 'node:sqlite'],
    'shipped-needs-no-dev-package': ['lib/cli/doctor.ts', 'fast-check'],
    'no-cycles': ['lib/backup/dead-letter.ts', 'lib/backup/replay-run.ts'],
  }
  return forbidden.map((rule) => {
    const [from, to] = where[rule.name] ?? ['no file', `test/fixtures/architecture breaks ${rule.name}`]
    return `${from} imports ${to}. ${rule.comment}`
  })
}

type Violation = ICruiseResult['summary']['violations'][number]

function sentence({ from, to, rule }: Violation): string {
  const reason = forbidden.find(({ name }) => name === rule.name)?.comment ?? rule.name
  const target = to.replace(/^.*node_modules\/((?:@[^/]+\/)?[^/]+)\/.*$/, '$1')
  return `${from} imports ${target}. ${reason}`
}

async function cruised(
  folder: string,
  from: string[],
): Promise<{ violations: Violation[]; modules: ICruiseResult['modules'] }> {
  const { enhancedResolveOptions, ...rest } = options
  const result = await cruise(
    from,
    { ...rest, baseDir: folder, validate: true, ruleSet: { forbidden: [...forbidden] } } as ICruiseOptions,
    enhancedResolveOptions,
  )
  if (typeof result.output === 'string') throw new Error(result.output)
  return { violations: result.output.summary.violations, modules: result.output.modules }
}

async function present(): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true })
  return rooms.filter((room) => entries.some((entry) => entry.isDirectory() && entry.name === room))
}

async function sources(): Promise<{ file: string; source: string }[]> {
  const found: { file: string; source: string }[] = []
  for (const room of await present()) {
    for (const entry of await readdir(join(root, room), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.(ts|mjs)$/.test(entry.name)) continue
      const path = join(entry.parentPath, entry.name)
      found.push({ file: relative(root, path), source: await readFile(path, 'utf8') })
    }
  }
  return found
}

function outsidePlatform(file: string): boolean {
  return dirname(file) !== 'infra' && !file.startsWith('lib/platform/')
}

/** Of a module of Node, by either of its names. */
function bare(name: string): string {
  return name.replace(/^node:/, '')
}

/** Comments gone where they fill whole lines: an import in an example is no import. */
function withoutComments(source: string): string {
  return source.replaceAll(/^\s*\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
}

function matches(rule: TextRule, source: string): string[] {
  const { code } = transformSync(source, {
    loader: 'ts',
    format: 'esm',
    target: 'node24',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  })
  return [...code.matchAll(new RegExp(rule.pattern, 'g'))].map((match) => match[0])
}
