import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { interrupted, toriki } from '../../kit/command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'toriki-cli-'))
const settings = join(folder, 'toriki.yaml')
const root = join(folder, 'nebari')
const plan = join(root, 'home/ann/notes/plan.md')

interface Listed {
  readonly id: string
  readonly components: Record<string, { readonly suspect: boolean; readonly resources: number }>
}
interface Report {
  readonly run: string
  readonly outcome: string
  readonly slices: Record<string, number>
  readonly failures: readonly { readonly slice: string; readonly code: string; readonly component: string }[]
}

beforeAll(async () => {
  for (const path of ['home/ann/notes', 'home/ben', 'shared/team']) mkdirSync(join(root, path), { recursive: true })
  writeFileSync(plan, 'monday\n')
  writeFileSync(join(root, 'home/ben/data.csv'), 'a,b\n1,2\n')
  writeFileSync(join(root, 'shared/team/readme'), 'ours\n')
  expect(await toriki(settings, ['init', '--deployment', 'test', '--files-root', root])).toMatchObject({ status: 0 })
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('init', () => {
  test('wrote settings, keyring and store, and a second time changes nothing', async () => {
    const before = readFileSync(settings, 'utf8')
    const again = await toriki(settings, ['--json', 'init'])
    expect(again.json()).toMatchObject({ deployment: 'test', created: [] })
    expect(readFileSync(settings, 'utf8')).toBe(before)
    expect(lstatSync(join(folder, 'toriki-keyring')).mode & 0o077).toBe(0)
  })

  test('asks no queue: those of the cloud are made after the deployment, with its id', async () => {
    const file = join(folder, 'queues-later.yaml')
    const there = { files: { root, home: 'home/{user}' } }
    const queue = { sqs: { prefix: 'later', region: 'eu-central-1', endpoint: 'http://127.0.0.1:9' } }
    const store = { folder: join(folder, 'queues-later') }
    const keys = { keyring: join(folder, 'queues-later-keyring') }
    writeFileSync(file, stringify({ deployment: 'later', store, keys, queue, workers: 'functions', components: there }))
    const made = await toriki(file, ['--json', 'init'])
    expect(made).toMatchObject({ status: 0 })
    const { id } = JSON.parse(readFileSync(join(store.folder, 'deployment/1'), 'utf8')) as { id: string }
    expect(made.json()).toMatchObject({ deployment: 'later', id, created: [keys.keyring, store.folder] })
    // And when they are gone, what is stored can be looked at all the same.
    const listed = await toriki(file, ['--json', 'snapshots'])
    expect(listed).toMatchObject({ status: 0 })
    expect(listed.json()).toEqual([])
  })

  test('rebuilds the settings from the store and the keyring alone', async () => {
    const rebuilt = join(folder, 'rebuilt.yaml')
    const result = await toriki(rebuilt, [
      'init',
      '--from-store',
      join(folder, 'toriki-data'),
      '--keyring',
      join(folder, 'toriki-keyring'),
      '--deployment',
      'test',
    ])
    expect(result).toMatchObject({ status: 0 })
    expect(readFileSync(rebuilt, 'utf8')).toContain(root)
    expect((await toriki(rebuilt, ['--json', 'runs'])).status).toBe(0)
  })

  test.each<[string, readonly string[], RegExp]>([
    ['no keys', ['s3://bucket'], /Give --from-store FOLDER or s3:\/\/BUCKET/],
    ['a keyring and a key of KMS', ['s3://b', '--keyring', 'k', '--kms-key', 'alias/k'], /--keyring FILE or --kms-key/],
    ['a place that is no bucket', ['https://b/', '--keyring', 'k'], /names no bucket.*Write s3:\/\/BUCKET/s],
    ['no bucket', ['s3:///prefix', '--keyring', 'k'], /names no bucket/],
    ['a folder with a region', ['store', '--keyring', 'k', '--region', 'x'], /--region and --endpoint are of a store/],
  ])('rebuilds nothing from %s, and says what is right', async (_, words, says) => {
    const file = join(folder, 'not-rebuilt.yaml')
    const result = await toriki(file, ['init', '--deployment', 'test', '--from-store', ...words])
    expect(result).toMatchObject({ status: 2, err: expect.stringMatching(says) })
    expect(existsSync(file)).toBe(false)
  })

  test('without a terminal says which words it needs', async () => {
    expect(await toriki(join(folder, 'none.yaml'), ['init'])).toMatchObject({
      status: 2,
      err: expect.stringContaining('Give --deployment, and --files-root or --keycloak-url'),
    })
    expect(existsSync(join(folder, 'none.yaml'))).toBe(false)
  })
})

describe('a first backup', () => {
  test('saves everybody, and says so', async () => {
    const result = await toriki(settings, ['--json', 'backup'])
    expect(result.status).toBe(0)
    expect(result.json<Report>()).toMatchObject({
      outcome: 'complete',
      slices: { total: 3, saved: 3, failed: 0 },
      failures: [],
    })
  })

  test('shows each file, its bytes, and where it stands', async () => {
    const ls = (await toriki(settings, ['--json', 'ls', 'latest', '--user', 'ann'])).json<
      { key: string; size?: number }[]
    >()
    expect(ls.map(({ key }) => key)).toEqual(['.', 'notes', 'notes/plan.md'])
    expect(
      (await toriki(settings, ['cat', 'latest', 'files', 'notes/plan.md', '--user', 'ann', '--content'])).out,
    ).toBe('monday\n')
    expect((await toriki(settings, ['--json', 'find', '*.csv'])).json<{ key: string; snapshot: string }[]>()).toEqual([
      expect.objectContaining({ key: 'data.csv', snapshot: expect.stringMatching(/^user\/ben@/) }),
    ])
  })

  test('exports as plain files, into an empty folder only', async () => {
    const out = join(folder, 'export')
    expect(await toriki(settings, ['export', '--user', 'ann', '--out', out])).toMatchObject({ status: 0 })
    expect(readFileSync(join(out, 'files/notes/plan.md'), 'utf8')).toBe('monday\n')
    expect(await toriki(settings, ['export', '--user', 'ann', '--out', out])).toMatchObject({
      status: 2,
      err: expect.stringContaining('is not empty'),
    })
  })
})

describe('a second backup', () => {
  test('makes a diff show exactly what was changed, and live nothing more', async () => {
    writeFileSync(plan, 'tuesday\n')
    writeFileSync(join(root, 'home/ann/new.txt'), 'new')
    expect(await toriki(settings, ['backup'])).toMatchObject({ status: 0 })
    const [newer, older] = (await toriki(settings, ['--json', 'snapshots', '--user', 'ann'])).json<Listed[]>()
    const diff = (await toriki(settings, ['--json', 'diff', older?.id ?? '', newer?.id ?? ''])).json()
    expect(diff).toEqual({
      added: [{ component: 'files', key: 'new.txt' }],
      removed: [],
      changed: [
        { component: 'files', key: '.', fields: ['mtime'] },
        { component: 'files', key: 'notes/plan.md', fields: expect.arrayContaining(['content', 'size']) },
      ],
    })
    expect((await toriki(settings, ['--json', 'diff', 'latest', 'live', '--user', 'ann'])).json()).toEqual({
      added: [],
      removed: [],
      changed: [],
    })
  })

  test('an emptied root is suspect, never latest, and is the truth once accepted', async () => {
    renameSync(join(root, 'home/ben'), join(root, 'ben-away'))
    mkdirSync(join(root, 'home/ben'))
    const result = await toriki(settings, ['--json', 'backup', '--user', 'ben'])
    const report = result.json<Report>()
    expect(report.slices).toMatchObject({ saved: 1, suspect: 1 })
    expect((await toriki(settings, ['cat', 'latest', 'files', 'data.csv', '--user', 'ben', '--content'])).out).toBe(
      'a,b\n1,2\n',
    )
    expect(await toriki(settings, ['accept', report.run])).toMatchObject({
      status: 2,
      err: expect.stringContaining('--yes'),
    })
    expect(await toriki(settings, ['accept', report.run, '--yes'])).toMatchObject({ status: 0 })
    expect(await toriki(settings, ['cat', 'latest', 'files', 'data.csv', '--user', 'ben'])).toMatchObject({
      status: 1,
      err: expect.stringContaining('resource-not-found'),
    })
    rmSync(join(root, 'home/ben'), { recursive: true })
    renameSync(join(root, 'ben-away'), join(root, 'home/ben'))
  })

  test('a home that is a link fails for that person alone, names cause and remedy, and is replayed in the same run', async () => {
    renameSync(join(root, 'home/ben'), join(root, 'ben-away'))
    symlinkSync('../ben-away', join(root, 'home/ben'))
    const failed = await toriki(settings, ['--json', 'backup'])
    expect(failed.status).toBe(3)
    const report = failed.json<Report>()
    expect(report.slices).toMatchObject({ total: 3, saved: 2 })
    expect(report.failures).toEqual([
      expect.objectContaining({ slice: 'user/ben', component: 'files', code: 'home-is-link' }),
    ])
    const status = await toriki(settings, ['status'])
    expect(status.out).toContain('home-is-link in files, 1 slice: user/ben')
    rmSync(join(root, 'home/ben'))
    renameSync(join(root, 'ben-away'), join(root, 'home/ben'))
    const replayed = await toriki(settings, ['--json', 'replay'])
    expect(replayed.status).toBe(0)
    expect(replayed.json<Report>()).toMatchObject({ run: report.run, outcome: 'complete' })
  })
})

describe('bad input gets one clear sentence', () => {
  test.each([
    [['nonsense'], 2, "unknown command 'nonsense'"],
    [['backup', '--nonsense'], 2, "unknown option '--nonsense'"],
    [['backup', '--user', 'nobody'], 2, 'Nobody knows the user nobody.'],
    [['backup', '--component', 'jupiter'], 2, 'There is no component jupiter'],
    [['backup', '--component', 'keycloak'], 2, 'keycloak is not configured'],
    [['ls', 'latest'], 2, 'Whose snapshot is latest?'],
    [['ls', 'user/nobody@latest'], 1, 'That user or group has no snapshot.'],
    [['ls', 'user/ann@20260101T000000000Z-full-0000000000.1'], 1, 'There is no such snapshot.'],
    [['cat', 'latest', 'files', 'no/such', '--user', 'ann'], 1, 'There is no such resource'],
    [['cat', 'latest', 'keycloak', 'user/ann', '--user', 'ann'], 1, 'does not hold keycloak; it holds files'],
    [['status', '20260101T000000000Z-full-0000000000'], 1, 'There is no such run.'],
    [['diff', 'user/ann@latest', 'user/ben@latest'], 2, 'different users or groups'],
    [['ls', 'latest', '--user', 'ann', '--shared'], 2, 'Name one of --user, --group and --shared.'],
    [['runs', '--limit', 'many'], 2, 'It must be a whole number from 1.'],
  ])('%j', async (words, status, sentence) => {
    const result = await toriki(settings, words)
    expect(result).toMatchObject({ status, out: '', err: expect.stringContaining(sentence) })
  })

  test('a store of another name, a foreign keyring, a missing one', async () => {
    const text = readFileSync(settings, 'utf8')
    const other = join(folder, 'other.yaml')
    writeFileSync(other, text.replace('deployment: test', 'deployment: other'))
    expect(await toriki(other, ['runs'])).toMatchObject({
      status: 1,
      err: expect.stringMatching(/keyring-foreign|deployment-/),
    })
    writeFileSync(other, text.replace('./toriki-keyring', './no-keyring'))
    expect(await toriki(other, ['runs'])).toMatchObject({ status: 1, err: expect.stringContaining('keyring-missing') })
  })

  test('an unmounted root names what to do, and costs nothing that was there', async () => {
    renameSync(root, `${root}-away`)
    const result = await toriki(settings, ['backup'])
    expect(result.status).not.toBe(0)
    renameSync(`${root}-away`, root)
    expect(
      (await toriki(settings, ['cat', 'latest', 'files', 'notes/plan.md', '--user', 'ann', '--content'])).out,
    ).toBe('tuesday\n')
  })
})

describe('the terminal', () => {
  test('gets lines of at most 80 places, help included', async () => {
    for (const words of [['--help'], ['backup', '--help'], ['status'], ['doctor'], ['users']]) {
      const { out } = await toriki(settings, words)
      const long = out.split('\n').filter((line) => line.length > 80 && !line.includes(folder))
      expect(long).toEqual([])
    }
  })

  test('gets no control character from a name that a user planted', async () => {
    writeFileSync(join(root, 'home/ann/evil\u001b[31m\nname'), 'x')
    await toriki(settings, ['backup', '--user', 'ann'])
    const { out } = await toriki(settings, ['ls', 'latest', '--user', 'ann'])
    expect(out).toContain('evil%1B[31m%0Aname')
    expect(out).not.toContain('\u001b')
    expect(
      (await toriki(settings, ['cat', 'latest', 'files', 'evil%1B[31m%0Aname', '--user', 'ann', '--content'])).out,
    ).toBe('x')
  })

  test('with Ctrl-C a backup here ends with 130, says how to go on, and goes on', async () => {
    const stopped = await toriki(settings, ['backup'], { signal: interrupted() })
    expect(stopped.status).toBe(130)
    const goneOn = await toriki(settings, ['backup'])
    expect(goneOn.status).toBe(0)
  })
})

test('the store holds no name of a person, file or deployment content in clear', () => {
  const clear = ['ann', 'plan.md', 'tuesday', 'data.csv']
  for (const entry of readdirSync(join(folder, 'toriki-data'), { recursive: true, withFileTypes: true })) {
    expect(clear.filter((word) => word.length > 4 && entry.name.includes(word))).toEqual([])
    if (!entry.isFile()) continue
    const body = readFileSync(join(entry.parentPath, entry.name))
    expect(clear.filter((word) => word.length > 4 && body.includes(word))).toEqual([])
  }
  chmodSync(folder, 0o700)
})
