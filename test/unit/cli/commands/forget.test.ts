import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { toriki } from '../../../kit/command-line.ts'

const folder = mkdtempSync(join(tmpdir(), 'toriki-forget-'))
const settings = join(folder, 'toriki.yaml')
const root = join(folder, 'nebari')
const plan = join(root, 'home/ann/plan.md')

interface Listed {
  readonly slices: readonly {
    readonly slice: string
    readonly kept: readonly { readonly snapshot: string; readonly reasons: readonly string[] }[]
    readonly forgotten: readonly { readonly snapshot: string; readonly reasons: readonly string[] }[]
  }[]
}

beforeAll(async () => {
  mkdirSync(join(root, 'home/ann'), { recursive: true })
  writeFileSync(plan, 'monday\n')
  await toriki(settings, ['init', '--deployment', 'test', '--files-root', root])
  for (const day of ['monday', 'tuesday', 'wednesday']) {
    writeFileSync(plan, `${day}\n`)
    expect(await toriki(settings, ['--json', 'backup'])).toMatchObject({ status: 0 })
  }
}, 60_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function snapshots(): Promise<readonly string[]> {
  const { json } = await toriki(settings, ['--json', 'snapshots', '--user', 'ann'])
  return json<readonly { readonly id: string }[]>().map(({ id }) => id)
}

describe('toriki forget', () => {
  test('without a policy says what to write into the settings, and forgets nothing', async () => {
    const { status, err } = await toriki(settings, ['forget'])
    expect([status, err]).toEqual([2, expect.stringContaining('retention')])
  })

  test('refuses a policy that keeps nothing', async () => {
    const empty = join(folder, 'empty.yaml')
    writeFileSync(empty, `${readFileSync(settings, 'utf8')}retention: { left: 400d }\n`)
    const { status, err } = await toriki(empty, ['forget', '--apply'])
    expect([status, err]).toEqual([2, expect.stringContaining('keeps nothing')])
    expect(await snapshots()).toHaveLength(3)
  })

  test('says which go and why the others stay, changes nothing without --apply, and with it they are seen no more', async () => {
    appendFileSync(settings, 'retention: { last: 2, daily: 1 }\n')
    const before = await snapshots()
    const dry = await toriki(settings, ['forget'])
    expect([dry.status, dry.out]).toEqual([0, expect.stringContaining('2 snapshots kept, 1 would be forgotten.')])
    expect(await snapshots()).toEqual(before)
    const applied = (await toriki(settings, ['--json', 'forget', '--apply'])).json<Listed>()
    expect(applied.slices).toEqual([
      {
        slice: 'user/ann',
        generation: 1,
        kept: [
          expect.objectContaining({ reasons: ['files: last 1', expect.stringMatching(/^files: daily /)] }),
          expect.objectContaining({ reasons: ['files: last 2'] }),
        ],
        forgotten: [expect.objectContaining({ reasons: ['no rule keeps it'] })],
      },
    ])
    expect(await snapshots()).toEqual(before.slice(0, 2))
    expect((await toriki(settings, ['check', '--read-data'])).status).toBe(0)
    const old = await toriki(settings, ['cat', before[2] ?? '', 'files', 'plan.md', '--content'])
    expect([old.status, old.err]).toEqual([1, expect.stringContaining('snapshot')])
  })

  test('done again it forgets nothing more', async () => {
    const { slices } = (await toriki(settings, ['--json', 'forget', '--apply'])).json<Listed>()
    expect(slices[0]?.forgotten).toEqual([])
  })

  test('what an open restore works from and may have to take back stays', async () => {
    writeFileSync(plan, 'thursday\n')
    const [, older = ''] = await snapshots()
    const planned = await toriki(settings, [
      '--json',
      'restore',
      'plan',
      '--user',
      'ann',
      '--snapshot',
      older,
      '--in-place',
    ])
    const { plan: restore } = planned.json<{ readonly plan: string }>()
    // Begun, and cut off at once.
    const stopped = AbortSignal.abort(new Error('stopped'))
    await toriki(settings, ['restore', 'apply', restore, '--yes'], { signal: stopped })
    expect(await toriki(settings, ['--json', 'backup'])).toMatchObject({ status: 0 })
    const { slices } = (await toriki(settings, ['--json', 'forget', '--apply'])).json<Listed>()
    const kept = slices[0]?.kept.map(({ snapshot, reasons }) => `${snapshot}: ${reasons.join('; ')}`) ?? []
    expect(kept.find((line) => line.startsWith(older.slice('user/ann@'.length)))).toContain('restore')
    expect(await snapshots()).toContain(older)
  })
})
