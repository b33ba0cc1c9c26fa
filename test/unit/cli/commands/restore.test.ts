import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { parse, stringify } from 'yaml'
import { TorikiError } from '../../../../lib/errors.ts'
import { interrupted, toriki } from '../../../kit/command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'toriki-restore-'))
const settings = join(folder, 'toriki.yaml')
const root = join(folder, 'nebari')
const home = (path: string): string => join(root, 'home', path)

interface Plan {
  readonly plan: string
  readonly hash: string
  readonly snapshot: string | readonly string[]
  readonly changes: Record<string, number>
  readonly items: readonly { readonly slice: string; readonly key: string; readonly action: string }[]
  readonly folders: readonly string[]
  readonly failures: readonly { readonly slice: string; readonly code: string }[]
}
interface Report {
  readonly restore: string
  readonly outcome: string
  readonly verified: boolean
  readonly open: boolean
}

const planOf = async (...words: readonly string[]): Promise<Plan> =>
  (await toriki(settings, ['--json', 'restore', 'plan', ...words])).json<Plan>()
const spoil = (): void => {
  rmSync(home('ann/notes'), { recursive: true, force: true })
  writeFileSync(home('ann/todo.md'), 'changed since\n')
}

beforeAll(async () => {
  for (const path of ['home/ann/notes', 'home/ben', 'shared/team']) mkdirSync(join(root, path), { recursive: true })
  writeFileSync(home('ann/notes/plan.md'), 'monday\n')
  writeFileSync(home('ann/todo.md'), 'as it was\n')
  writeFileSync(home('ben/data.csv'), 'a,b\n')
  writeFileSync(join(root, 'shared/team/readme'), 'ours\n')
  for (const words of [['init', '--deployment', 'test', '--files-root', root], ['backup']])
    expect(await toriki(settings, words)).toMatchObject({ status: 0 })
})

beforeEach(() => spoil())

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('restore plan', () => {
  test('shows what would come back and where it goes, and changes nothing', async () => {
    const { status, out } = await toriki(settings, ['restore', 'plan', '--user', 'ann'])
    expect(status).toBe(0)
    expect(out).toMatch(/^user\/ann as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/m)
    expect(out).toMatch(/^\+ files {2}restored-\d{8}T\d{9}Z\/notes\/ {2}1 more in it, 7 B$/m)
    expect(out).toMatch(/Files go beside what is there, into restored-/)
    expect(out).toMatch(/Apply it: toriki restore apply \S+-restore-\S+\n$/)
    expect(readdirSync(home('ann'))).toEqual(['todo.md'])
  })

  test('says in words what a field was and will be', async () => {
    const { out } = await toriki(settings, ['restore', 'plan', '--user', 'ann', '--in-place'])
    expect(out).toContain('~ files  todo.md  content: 14 B → 10 B\n')
    expect(out).toContain('+ files  notes/plan.md  7 B\n')
  })

  test('is one JSON document of the contract', async () => {
    const plan = await planOf('--user', 'ann', '--in-place')
    expect(plan).toMatchObject({
      plan: expect.stringContaining('-restore-'),
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      snapshot: expect.stringMatching(/^user\/ann@/),
      changes: { create: 2, delete: 0, cannot: 0 },
      needsPerson: [],
      failures: [],
    })
    expect(plan.items.filter(({ action }) => action === 'create')).toEqual([
      { slice: 'user/ann', component: 'files', key: 'notes', action: 'create' },
      { slice: 'user/ann', component: 'files', key: 'notes/plan.md', action: 'create', bytes: 7 },
    ])
    const several = await planOf('--user', 'ann', '--user', 'ben', '--group', 'team')
    expect(several.snapshot).toHaveLength(3)
  })

  test('of some that cannot be planned and some that can ends partial, and says why', async () => {
    const before = new Date().toISOString()
    mkdirSync(home('cid'))
    expect(await toriki(settings, ['backup', '--user', 'cid'])).toMatchObject({ status: 0 })
    const plan = await toriki(settings, ['--json', 'restore', 'plan', '-u', 'ann', '-u', 'cid', '--at', before])
    expect(plan).toMatchObject({ status: 3 })
    expect(plan.json<Plan>().failures).toEqual([
      expect.objectContaining({ slice: 'user/cid', code: 'snapshot-not-found' }),
    ])
  })
})

describe('restore', () => {
  test('puts one file beside what is there, and touches nothing else', async () => {
    const { status, out } = await toriki(settings, ['restore', '-u', 'ann', '-p', 'notes/plan.md', '--yes'])
    expect(status).toBe(0)
    expect(out).toMatch(/^Restore \S+: complete, took /m)
    const [restored = ''] = readdirSync(home('ann')).filter((name) => name.startsWith('restored-'))
    expect(out).toContain(`look into ${restored}/\n`)
    expect(readdirSync(home(`ann/${restored}`), { recursive: true })).toEqual(['notes', 'notes/plan.md'])
    expect(readFileSync(home('ann/todo.md'), 'utf8')).toBe('changed since\n')
    rmSync(home(`ann/${restored}`), { recursive: true })
  })

  test('of a plan applies just that plan, once asked for with --yes', async () => {
    const { plan } = await planOf('--user', 'ann', '--in-place')
    const refused = await toriki(settings, ['restore', 'apply', plan])
    expect(refused).toMatchObject({ status: 2, out: '', err: expect.stringContaining('Nothing was changed') })
    expect(existsSync(home('ann/notes'))).toBe(false)
    const applied = await toriki(settings, ['--json', 'restore', 'apply', plan, '--yes'])
    expect(applied).toMatchObject({ status: 0 })
    expect(applied.json<Report>()).toMatchObject({ restore: plan, outcome: 'complete', verified: true, open: false })
    expect(readFileSync(home('ann/notes/plan.md'), 'utf8')).toBe('monday\n')
    expect((await toriki(settings, ['--json', 'restore', 'status'])).json<Report>().restore).toBe(plan)
  })

  test('refuses where somebody changed meanwhile what the plan saw, and says what', async () => {
    const { plan } = await planOf('--user', 'ann', '--in-place')
    writeFileSync(home('ann/todo.md'), 'and worked on\n')
    const { status, out } = await toriki(settings, ['restore', 'apply', plan, '--yes'])
    expect(status).toBe(1)
    expect(out).toContain('restore-conflict, 1 slice refused: user/ann')
    expect(out).toContain('  - files todo.md ')
    expect(readFileSync(home('ann/todo.md'), 'utf8')).toBe('and worked on\n')
  })

  test('takes a pattern, and another name', async () => {
    const restored = await toriki(settings, ['restore', '-u', 'ann', '-p', '**/*.md', '--as', 'anna', '-y'])
    expect(restored).toMatchObject({ status: 0 })
    expect(restored.err).toContain('user/ann as user/anna as of ')
    expect(readFileSync(home('anna/notes/plan.md'), 'utf8')).toBe('monday\n')
    rmSync(home('anna'), { recursive: true })
  })

  test('into another deployment maps names, and resumes there; nothing is written here', async () => {
    const before = readdirSync(join(root, 'home'))
    const other = join(folder, 'elsewhere.yaml')
    const map = join(folder, 'map.yaml')
    mkdirSync(join(folder, 'elsewhere/home'), { recursive: true })
    writeFileSync(map, 'users: { ben: benjamin }\n')
    const files = { root: './elsewhere', home: 'home/{user}' }
    writeFileSync(other, stringify({ deployment: 'elsewhere', components: { files } }))
    const words = ['--user', 'ben', '--target', other, '--map', map]
    const { plan } = await planOf(...words)
    const applied = await toriki(settings, ['--json', 'restore', 'apply', plan, '--yes'])
    expect(applied.json<Report>()).toMatchObject({ restore: plan, outcome: 'complete' })
    expect(readFileSync(join(folder, 'elsewhere/home/benjamin/data.csv'), 'utf8')).toBe('a,b\n')
    expect((await toriki(settings, ['restore', 'resume', plan])).status).toBe(0)
    expect(readdirSync(join(root, 'home'))).toEqual(before)
  })

  test('that finds nothing to do asks nobody, and ends well', async () => {
    expect(await toriki(settings, ['restore', '--user', 'ben', '--in-place'])).toMatchObject({
      status: 0,
      err: expect.stringContaining('Nothing to do: what is live is what is stored.'),
    })
  })

  test('with Ctrl-C ends with 130 and says that nothing was changed, or how to go on', async () => {
    const signal = interrupted()
    expect(await toriki(settings, ['restore', '--user', 'ann', '-y'], { signal })).toMatchObject({
      status: 130,
      err: expect.stringContaining('Stopped while planning. Nothing was changed.'),
    })
    const { plan } = await planOf('--user', 'ann', '--in-place')
    expect(await toriki(settings, ['restore', 'apply', plan, '-y'], { signal })).toMatchObject({
      status: 130,
      err: expect.stringContaining(`Go on with: toriki restore resume ${plan}`),
    })
    const resumed = await toriki(settings, ['--json', 'restore', 'resume'])
    expect(resumed.json<Report>()).toMatchObject({ restore: plan, outcome: 'complete' })
    expect(readFileSync(home('ann/todo.md'), 'utf8')).toBe('as it was\n')
  })
})

describe('with workers elsewhere', () => {
  const elsewhere = join(folder, 'functions.yaml')
  const begin = (): AbortController => {
    writeFileSync(elsewhere, stringify({ ...(parse(readFileSync(settings, 'utf8')) as object), workers: 'functions' }))
    return new AbortController()
  }

  test('restore sends, follows and reports what they do', async () => {
    const stop = begin()
    const working = toriki(elsewhere, ['work'], { signal: stop.signal })
    const restored = await toriki(elsewhere, ['--json', 'restore', '-u', 'ann', '--in-place', '--yes'])
    stop.abort(new TorikiError('interrupted'))
    await working
    expect(restored).toMatchObject({ status: 0 })
    expect(restored.json<Report>()).toMatchObject({ outcome: 'complete', verified: true })
    expect(readFileSync(home('ann/notes/plan.md'), 'utf8')).toBe('monday\n')
  })

  test('with Ctrl-C says where it goes on, and ends well', async () => {
    begin()
    const planning = await toriki(elsewhere, ['restore', '-u', 'ann', '--in-place', '--yes'], { signal: interrupted() })
    expect(planning).toMatchObject({ status: 0, out: '' })
    expect(planning.err).toMatch(/The plan goes on elsewhere\. When it is made: toriki restore apply \S+-restore-\S+\n/)
    const { plan } = await planOf('--user', 'ann', '--in-place')
    const applying = await toriki(elsewhere, ['restore', 'apply', plan, '--yes'], { signal: interrupted() })
    expect(applying).toMatchObject({ status: 0, err: expect.stringContaining(`toriki restore status ${plan}`) })
    expect(existsSync(home('ann/notes'))).toBe(false)
  })
})

describe('restore list', () => {
  test('says of each what was asked and how far it came, newest first', async () => {
    const done = await planOf('--user', 'ann', '--in-place')
    await toriki(settings, ['restore', 'apply', done.plan, '--yes'])
    const { plan } = await planOf('--user', 'ben', '--as', 'bob')
    const listed = (await toriki(settings, ['--json', 'restore', 'list', '--limit', '2'])).json<object[]>()
    expect(listed).toMatchObject([
      { restore: plan, state: 'planned', slices: 1, whom: ['user/ben as user/bob'] },
      { restore: done.plan, state: 'complete', open: false, whom: ['user/ann'] },
    ])
    const { out } = await toriki(settings, ['restore', 'list'])
    expect(out).toMatch(/^RESTORE +STATE +OF$/m)
    expect(out).toContain(`${plan}  planned`)
    expect(out.split('\n').filter((line) => line.length > 80)).toEqual([])
  })
})

describe('bad input gets one clear sentence', () => {
  test.each<[readonly string[], number, string]>([
    [[], 2, 'Whom or what shall be restored?'],
    [['plan'], 2, 'Name --user, --group, --shared or --all'],
    [['plan', '--user', 'nobody'], 1, 'Nothing is stored of user/nobody.'],
    [['plan', '--all', '--user', 'ann'], 2, '--all is everybody'],
    [['plan', '--user', 'ann', '--at', 'yesterday'], 2, 'yesterday is no time.'],
    [['plan', '--user', 'ann', '--at', '2026-13-45'], 2, '2026-13-45 is no time.'],
    [['plan', '--user', 'ann', '--at', '2026-11-21', '--snapshot', 'x'], 2, '--snapshot or --at, not both'],
    [['plan', '--user', 'ann', '--user', 'ben', '--snapshot', 'x.1'], 2, 'For several name a time'],
    [['plan', '--user', 'ann', '--snapshot', 'user/ben@x.1'], 2, 'is a snapshot of user/ben'],
    [['plan', '--user', 'ann', '--component', 'jupiter'], 2, 'There is no component jupiter'],
    [['plan', '--user', 'ann', '--delete-extra'], 2, 'Name --in-place with it.'],
    [['apply', 'x', '--user', 'ann'], 2, '--user has no place there'],
    [['apply', 'x', '--in-place'], 2, '--in-place has no place there'],
    [['apply', 'x'], 1, 'There is no such restore plan.'],
    [['status', 'x'], 1, 'There is no such restore plan.'],
    [['resume', 'x'], 1, 'There is no such restore plan.'],
    [['acknowledge', 'x'], 1, 'There is no such restore plan.'],
  ])('restore %j', async (words, status, sentence) => {
    const result = await toriki(settings, ['restore', ...words])
    expect(result).toMatchObject({ status, out: '', err: expect.stringContaining(sentence) })
  })

  test('where Keycloak is configured and nobody restores it, the lines to add are shown', async () => {
    const other = join(folder, 'other.yaml')
    const document = parse(readFileSync(settings, 'utf8')) as { components: object }
    const keycloak = { url: 'http://127.0.0.1:9/auth', realm: 'nebari', client: 'c', secret: '${env:HOME}' }
    writeFileSync(other, stringify({ ...document, components: { ...document.components, keycloak } }))
    const refused = await toriki(other, ['restore', 'plan', '--user', 'ann'])
    expect(refused).toMatchObject({ status: 2, out: '' })
    expect(refused.err).toContain(
      '  components:\n    keycloak:\n      restore: { client: toriki-restore, secret: "${env:KEYCLOAK_RESTORE_SECRET}" }\n',
    )
    expect(refused.err).toContain('name --component files.')
    // Files alone need no account.
    for (const words of [
      ['--component', 'files'],
      ['--path', 'todo.md'],
    ])
      expect(await toriki(other, ['restore', 'plan', '--user', 'ann', ...words])).toMatchObject({ status: 0 })
  })

  test('every help fits 80 columns, and names no option twice', async () => {
    for (const subcommand of ['', 'plan', 'apply', 'status', 'list', 'resume', 'acknowledge']) {
      const { out } = await toriki(settings, ['restore', ...(subcommand === '' ? [] : [subcommand]), '--help'])
      expect(out.split('\n').filter((line) => line.length > 80)).toEqual([])
      const options = [...out.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name)
      expect(options).toEqual([...new Set(options)])
    }
  })
})
