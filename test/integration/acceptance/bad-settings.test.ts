import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { toriki } from '../../kit/command-line.ts'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import type { Nebari, NebariSettings, Report } from '../../kit/acceptance/nebari.ts'
import { storeObjects } from '../../kit/acceptance/store-objects.ts'

let nebari: Nebari
let good: string
beforeAll(async () => {
  nebari = await makeNebari({ users: 3 })
  good = readFileSync(nebari.settings, 'utf8')
  expect((await nebari.toriki(['backup'])).status).toBe(0)
})

/** One sentence, one remedy, nothing else; nothing was written, and with the mistake mended all is as it was. */
async function refused(
  words: readonly string[],
  status: number,
  sentence: string | RegExp,
  remedy: string,
): Promise<void> {
  const before = storeObjects(nebari.store)
  const result = await nebari.toriki(words)
  expect(result).toMatchObject({ status, out: '' })
  const [first = '', ...rest] = result.err.split('\n  →')
  expect(first).toMatch(sentence)
  expect(rest).toHaveLength(1)
  expect(rest[0]?.replace(/\s+/g, ' ')).toContain(remedy)
  expect(result.err).not.toMatch(/\bat .*:\d+:\d+/)
  expect(storeObjects(nebari.store)).toEqual(before)
}

describe('settings that cannot be used are refused with the line and what would be right, and nothing is written', () => {
  const mistakes: readonly [what: string, change: (text: string) => string, sentence: RegExp, remedy: string][] = [
    ['not YAML', (text) => `${text}\n  : [`, /toriki\.yaml:\d+: this is not YAML/, 'Mend the line named above.'],
    [
      'a key nobody knows',
      (text) => `${text}\nretension: {}\n`,
      /toriki\.yaml:\d+: retension: there is no such setting/,
      'Mend the line',
    ],
    [
      'a share out of range',
      (text) => text.replace('limits:', 'limits:\n  shrink: 300%'),
      /limits\.shrink: must be a share/,
      'Mend the line',
    ],
    [
      'no component',
      (text) => text.replace(/components:[\s\S]*?\nlimits/, 'components: {}\nlimits'),
      /components: needs at least one component/,
      'Mend the line',
    ],
    [
      'a template with two placeholders in the wrong place',
      (text) => text.replace('home/{user}', 'home/../{user}'),
      /files\.home: must be a relative path/,
      'Mend the line',
    ],
    [
      'a keyring inside the store',
      (text) => text.replace('./keyring', './store/keyring'),
      /keys\.keyring: lies inside the store it locks/,
      'Mend the line',
    ],
    [
      'a secret in clear',
      (text) =>
        text.replace(
          'components:',
          'components:\n  keycloak:\n    url: http://127.0.0.1:1/auth\n    realm: nebari\n    client: toriki-backup\n    secret: in-clear-5EC2E7',
        ),
      /must be a reference, not the secret itself/,
      'Mend the line',
    ],
    [
      'a reference to nothing',
      (text) =>
        text.replace(
          'components:',
          'components:\n  keycloak:\n    url: http://127.0.0.1:1/auth\n    realm: nebari\n    client: toriki-backup\n    secret: ${env:TORIKI_NO_SUCH_VARIABLE}',
        ),
      /TORIKI_NO_SUCH_VARIABLE/,
      'Set TORIKI_NO_SUCH_VARIABLE, or name a file with ${file:PATH}.',
    ],
  ]
  test.each(mistakes)('%s', async (_what, change, sentence, remedy) => {
    writeFileSync(nebari.settings, change(good))
    await refused(['backup'], 2, sentence, remedy)
    expect((await nebari.toriki(['backup'])).err).not.toContain('in-clear-5EC2E7')
    writeFileSync(nebari.settings, good)
  })

  test('no settings at all', async () => {
    const result = await toriki(join(nebari.folder, 'nothing.yaml'), ['backup'])
    expect(result).toMatchObject({ status: 2, out: '' })
    expect(result.err).toContain('nothing.yaml cannot be read.')
    expect(result.err).toContain('→ Run `toriki init`, or name a file with --settings.')
  })
})

describe('store and keys that do not fit are refused, and nothing is written', () => {
  const withSettings = async (
    change: (settings: NebariSettings) => void,
    check: () => Promise<void>,
  ): Promise<void> => {
    nebari.configure(change)
    await check()
    nebari.configure((settings) => {
      settings.deployment = 'acceptance'
      settings.keys = { keyring: './keyring' }
      settings.store = { folder: './store' }
    })
    expect(await nebari.json<Report>('backup')).toMatchObject({ outcome: 'complete' })
  }

  test('the keyring is missing', () =>
    withSettings(
      (settings) => {
        settings.keys = { keyring: './no-keyring' }
      },
      () => refused(['backup'], 1, /keyring-missing/, 'Bring back the keyring file'),
    ))

  test('the keyring is of another deployment', async () => {
    const other = await makeNebari({
      users: 1,
      change(settings) {
        settings.deployment = 'elsewhere'
      },
    })
    await withSettings(
      (settings) => {
        settings.keys = { keyring: join(other.folder, 'keyring') }
      },
      () =>
        refused(
          ['backup'],
          1,
          /keyring-foreign.*belongs to the deployment elsewhere/s,
          'Name the keyring of this deployment',
        ),
    )
  })

  test('the keyring is of another deployment of the same name', async () => {
    const other = await makeNebari({ users: 1 })
    await withSettings(
      (settings) => {
        settings.keys = { keyring: join(other.folder, 'keyring') }
      },
      () => refused(['backup'], 1, /keyring-foreign/, 'Use the keyring that was made with this store.'),
    )
  })

  test('the keyring is damaged', async () => {
    const damaged = join(nebari.folder, 'damaged-keyring')
    copyFileSync(join(nebari.folder, 'keyring'), damaged)
    writeFileSync(damaged, readFileSync(damaged, 'utf8').slice(0, 60))
    await withSettings(
      (settings) => {
        settings.keys = { keyring: './damaged-keyring' }
      },
      () => refused(['backup'], 1, /keyring-invalid/, 'Bring back a good copy of the keyring file.'),
    )
  })

  test('the store belongs to another name', () =>
    withSettings(
      (settings) => {
        settings.deployment = 'renamed'
      },
      () => refused(['backup'], 1, /keyring-foreign|deployment-mismatch/, 'deployment'),
    ))

  test('the store is not there', () =>
    withSettings(
      (settings) => {
        settings.store = { folder: './no-store' }
      },
      () =>
        refused(
          ['backup'],
          1,
          /deployment-missing/,
          'Run `toriki init`, or check the name and the prefix of the store.',
        ),
    ))

  test('the store is of a newer format', async () => {
    const newest = join(nebari.store, 'deployment/2')
    renameSync(newest, `${nebari.folder}/kept`)
    writeFileSync(newest, readFileSync(`${nebari.folder}/kept`, 'utf8').replace(/"version":\d+/, '"version":99'))
    for (const words of [['backup'], ['status'], ['snapshots'], ['cat', 'latest', 'files', 'x', '--user', 'ann']])
      await refused(words, 1, /format-newer/, 'Use a newer Toriki.')
    rmSync(newest)
    renameSync(`${nebari.folder}/kept`, newest)
    expect(await nebari.json<Report>('backup')).toMatchObject({ outcome: 'complete' })
  })

  test('one person’s newest snapshot is of a newer format: she fails alone with what to do, and it stays as it is', async () => {
    await nebari.toriki(['backup'])
    const before = storeObjects(nebari.store)
    const ids = await nebari.json<{ readonly id: string }[]>('snapshots', '--user', 'ann')
    const name = ids[0]?.id.split('@')[1] ?? ''
    const candidates = [...before.keys()].filter((key) => key.endsWith(`/snapshots/${name}`))
    // Whose is whose shows nowhere: made newer one after the other, until ann's does not open.
    let hers: string | undefined
    for (const key of candidates) {
      const path = join(nebari.store, key)
      const bytes = readFileSync(path)
      const newer = Buffer.from(bytes)
      newer[6] = 99
      writeFileSync(path, newer)
      if ((await nebari.toriki(['ls', 'latest', '--user', 'ann'])).status !== 0) {
        hers = key
        break
      }
      writeFileSync(path, bytes)
    }
    expect(hers).toBeDefined()
    expect(await nebari.toriki(['ls', 'latest', '--user', 'ann'])).toMatchObject({
      status: 1,
      err: expect.stringContaining('format-newer'),
    })
    const report = await nebari.json<Report>('backup')
    expect(report).toMatchObject({
      outcome: 'partial',
      slices: { total: 6, saved: 5, failed: 1 },
      failures: [{ slice: 'user/ann', code: 'format-newer', remedy: 'Use a newer Toriki.' }],
    })
    expect((await nebari.toriki(['ls', 'latest', '--user', 'ben'])).status).toBe(0)
  })
})
