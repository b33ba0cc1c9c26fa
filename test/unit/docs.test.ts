import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { parse, stringify } from 'yaml'
import { alarms } from '../../infra/alarms.ts'
import { loadPlan, parseAwsSettings, planOf } from '../../infra/plan.ts'
import { errorCatalogue } from '../../lib/errors.ts'
import { parseSettings } from '../../lib/settings.ts'
import { toriki } from '../kit/command-line.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
].toSorted()
/** First cells of the rows of every table below a heading, as far as they are one word in backquotes. */
const firstCells = (text: string): readonly string[] =>
  [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, cell]) => cell!)
const section = (text: string, heading: string): string => {
  const begin = text.indexOf(`\n## ${heading}\n`)
  const end = text.indexOf('\n## ', begin + 1)
  return begin < 0 ? '' : text.slice(begin, end < 0 ? undefined : end)
}
/** As GitHub makes the name of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

describe('docs/operations.md', () => {
  test('says what to do about every cause, each once', () => {
    const told = firstCells(section(read('docs/operations.md'), 'Causes'))
    // What a restore ends with is no cause of a run.
    const causes = Object.keys(errorCatalogue).filter((code) => !code.startsWith('restore-'))
    expect(causes.filter((code) => !told.includes(code))).toEqual([])
    expect(told.filter((code, index) => told.indexOf(code) !== index)).toEqual([])
  })

  test('says what to do about every alarm on AWS, and knows no other', () => {
    const plan = loadPlan(join(root, 'infra/examples/toriki.yaml'))
    const made = Object.values(alarms(plan))
      .filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
      .map(({ Properties }) => (Properties['AlarmName'] as string).replace(`toriki-${plan.deployment}-`, ''))
    const told = section(read('docs/operations.md'), 'Alarms').split('### Alarms on AWS')[1]!
    expect(firstCells(told).toSorted()).toEqual(made.toSorted())
  })
})

describe('the pages', () => {
  test('name no file and no heading that is not there', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
        if (/^[a-z]+:/.test(target)) return []
        const [path = '', anchor] = target.split('#')
        const file = path === '' ? page : relative(root, resolve(root, dirname(page), path))
        if (!existsSync(join(root, file))) return [`${page}: ${target}`]
        if (anchor === undefined) return []
        const anchors = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!))
        return anchors.includes(anchor) ? [] : [`${page}: ${target}`]
      }),
    )
    expect(broken).toEqual([])
  })
})

describe('commands in the pages', () => {
  let known: ReadonlySet<string>
  beforeAll(async () => {
    const { out } = await toriki('unused.yaml', ['--help'])
    const listed = out.slice(out.indexOf('Commands:'))
    known = new Set([...listed.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name!))
  })

  // docs/errors.md is made from the catalogue, whose remedies may name what a later version brings; in docs/format.md the word is part of texts that keys are made from.
  const others = ['docs/errors.md', 'docs/format.md']
  test.each(pages.filter((page) => !others.includes(page)))('%s: every one exists', (page) => {
    const text = read(page)
    const named = [
      ...text.matchAll(/`(?:bin\/)?toriki (?:--json )?([a-z]+)/g),
      ...[...text.matchAll(/```[a-z]*\n([\s\S]*?)```/g)].flatMap(([, block]) => [
        ...block!.matchAll(/^(?:\S*\/)?toriki(?:\.mjs)? (?:--json )?([a-z]+)/gm),
      ]),
      ...text.matchAll(/\/opt\/toriki\/toriki\.mjs (?:--json )?([a-z]+)/g),
    ].map(([, name]) => name!)
    expect(known.has('backup')).toBe(true)
    expect(named.filter((name) => !known.has(name))).toEqual([])
  })
})

describe('options in the pages', () => {
  /** Command lines as they are written: in backquotes, and in blocks. */
  const lines = pages
    .filter((page) => !['docs/errors.md', 'docs/format.md'].includes(page))
    .flatMap((page) =>
      [
        ...read(page).matchAll(/`(?:bin\/)?toriki ([a-z][^`\n]*)`/g),
        ...read(page).matchAll(/^(?:\$ )?(?:\S*\/)?toriki ([a-z][^#\n]*)/gm),
      ].map(([, words = '']) => ({ page, words })),
    )
  const helps = new Map<string, Promise<string>>()
  const helpOf = (words: readonly string[]): Promise<string> => {
    const known = helps.get(words.join(' ')) ?? toriki('unused.yaml', [...words, '--help']).then(({ out }) => out)
    helps.set(words.join(' '), known)
    return known
  }

  test('are those of their commands, and so are the words behind `restore`', async () => {
    const wrong: string[] = []
    for (const { page, words } of lines) {
      const [name = '', sub = ''] = words.split(/\s+/)
      const isSub = name === 'restore' && /^[a-z]/.test(sub)
      if (isSub && !(await helpOf(['restore'])).includes(`\n  ${sub}`)) wrong.push(`${page}: ${words}`)
      const help = await helpOf(isSub ? [name, sub] : [name])
      for (const [, option = ''] of words.matchAll(/(?<=\s)(--[a-z-]+)/g))
        if (!help.includes(option)) wrong.push(`${page}: ${words}`)
    }
    expect(lines.filter(({ words }) => words.startsWith('restore')).length).toBeGreaterThan(10)
    expect(wrong).toEqual([])
  })
})

describe('settings in the pages', () => {
  const yamlBlocks = (page: string): readonly string[] =>
    [...read(page).matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text!)

  test('docs/install-nebari-aws.md: they make the functions, leave the slices to the worker, and are the worker’s own', () => {
    const [settings = '', aws = ''] = yamlBlocks('docs/install-nebari-aws.md')
    const plan = planOf(parseSettings(settings, 'toriki.yaml', 'platform'), parseAwsSettings(aws, 'toriki-aws.yaml'))
    expect(plan).toMatchObject({ deployment: 'campus', mount: '/mnt/nebari', clusterComponents: ['keycloak'] })
    expect(parse(read('infra/kubernetes/aws/toriki.yaml'))).toEqual(parse(settings))
  })

  test('docs/install-onprem.md: they are sound, and the other store is one', () => {
    const [settings = '', store = ''] = yamlBlocks('docs/install-onprem.md')
    expect(parseSettings(settings, '/etc/toriki/toriki.yaml', 'platform').componentNames).toEqual(['keycloak', 'files'])
    const other = { ...(parse(settings) as object), ...(parse(store) as object) }
    expect(parseSettings(stringify(other), '/etc/toriki/toriki.yaml', 'platform').store).toMatchObject({
      s3: { bucket: 'campus-backup' },
    })
  })
})

describe('infra/systemd/toriki.service', () => {
  test('starts a command that exists, as the page says where it lies, and gives it time to stop', async () => {
    const unit = new Map([...read('infra/systemd/toriki.service').matchAll(/^(\w+)=(.*)$/gm)].map(([, k, v]) => [k, v]))
    const [program = '', ...words] = unit
      .get('ExecStart')!
      .split(' ')
      .filter((word) => !word.startsWith('--'))
    expect([program, words[0]]).toEqual(['/opt/toriki/node', '/opt/toriki/toriki.mjs'])
    const help = await toriki('unused.yaml', [...words.slice(1), '--help'])
    expect(help).toMatchObject({ status: 0, out: expect.stringMatching(/^Usage: toriki serve/) })
    expect(Number(unit.get('TimeoutStopSec'))).toBeGreaterThanOrEqual(60)
    for (const path of ['/opt/toriki/node', '/opt/toriki/']) expect(read('docs/install-onprem.md')).toContain(path)
  })
})

describe('tables of costs', () => {
  const page = 'docs/install-nebari-aws.md'
  const blocks = [...read(page).matchAll(/<!-- cost (.*?) -->\n([\s\S]*?)<!-- end -->/g)]

  test('there are some', () => expect(blocks.length).toBeGreaterThan(1))

  // To write them anew: put what the command prints between the two comments.
  test.each(blocks.map(([, words = '', table = '']) => [words, table]))('%s: as the model says', (words, table) => {
    const made = execFileSync(process.execPath, ['--no-warnings', join(root, 'infra/cost.ts'), ...words.split(' ')])
    expect(table).toBe(`\n${made.toString('utf8')}\n`)
  })
})
