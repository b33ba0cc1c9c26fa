import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { Service } from '../../../lib/backup/service.ts'
import { workerFunctions } from '../../../lib/cli/context.ts'
import type { WorkerFunction } from '../../../lib/cli/context.ts'
import { embeddedHost } from '../../../lib/embedded/worker-host.ts'
import { loadSettings } from '../../../lib/load-settings.ts'
import type { RetentionSettings, Settings } from '../../../lib/settings.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

/** The queues that workers of these functions take messages from. */
async function takenBy(
  only?: readonly WorkerFunction[],
  settings?: Settings,
  retention?: RetentionSettings,
): Promise<readonly string[]> {
  const platform = memoryPlatform()
  const taken: string[] = []
  const queues = {
    queue: (name: Parameters<typeof platform.queues.queue>[0]) => {
      taken.push(name)
      return platform.queues.queue(name)
    },
    deadLetter: (name: Parameters<typeof platform.queues.queue>[0]) => {
      taken.push(`${name}-dead`)
      return platform.queues.deadLetter(name)
    },
  }
  const service = {
    ...{ repository: {}, platform: { ...platform, queues }, limits: { parallel: 2 }, retention },
  } as unknown as Service
  const workers = await embeddedHost().startWorkers(service, only, settings)
  await workers.stop()
  return taken.toSorted()
}

const dead = [
  'backup-slice-dead',
  'compact-slice-dead',
  'plan-restore-dead',
  'prune-slice-dead',
  'replay-run-dead',
  'restore-slice-dead',
  'settle-run-dead',
]

test.each([
  [['backup-slice'], ['backup-slice']],
  [['dead-letter'], dead],
  [
    ['replay-run', 'settle-run'],
    ['replay-run', 'settle-run'],
  ],
] as const)('a worker that is only %j takes messages from %j', async (only, queues) => {
  expect(await takenBy(only)).toEqual(queues)
})

test('a worker of all functions takes from every queue, as one that names none', async () => {
  const every = ['backup-slice', 'compact-slice', 'prune-slice', 'replay-run', 'settle-run', ...dead].toSorted()
  expect(await takenBy(workerFunctions)).toEqual(every)
  expect(await takenBy(undefined, undefined, { last: 1, timezone: 'UTC' })).toEqual(every)
})

test('a worker that only backs up, as a command has it, leaves to others what follows a run', async () => {
  expect(await takenBy()).toEqual(['backup-slice', 'replay-run', 'settle-run', ...dead].toSorted())
})

describe('messages of restores', () => {
  const files = 'files: { root: ./homes, home: "{user}" }'
  const keycloak = (more: string): string =>
    `keycloak: { url: "https://nebari.example.org/auth", realm: nebari, client: backup, secret: "\${file:secret}"${more} }`
  const withComponents = async (...components: readonly string[]): Promise<Settings> => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'homes'))
    await writeFile(join(folder, 'secret'), 'of the account that backs up')
    const file = join(folder, 'toriki.yaml')
    await writeFile(file, `deployment: campus\ncomponents:\n${components.map((one) => `  ${one}\n`).join('')}`)
    return await loadSettings({ file, resolve: 'platform' })
  }
  const ofRestore = (taken: readonly string[]): readonly string[] =>
    taken.filter((name) => name === 'plan-restore' || name === 'restore-slice')

  test('are taken with settings that can restore', async () => {
    const settings = await withComponents(files, keycloak(', restore: { client: r, secret: "${file:secret}" }'))
    expect(ofRestore(await takenBy(undefined, settings))).toEqual(['plan-restore', 'restore-slice'])
    expect(await takenBy(['restore-slice'], settings)).toEqual(['restore-slice'])
    expect(ofRestore(await takenBy(['backup-slice'], settings))).toEqual([])
  })

  test.each([
    ['an account that restores', [files, keycloak('')], 'components.keycloak.restore'],
    [
      'its secret',
      [files, keycloak(', restore: { client: r, secret: "${file:nowhere}" }')],
      'components.keycloak.restore.secret',
    ],
    ['homes that can be written', ['files: { root: ./elsewhere, home: "{user}" }'], 'components.files.root'],
  ])('are left to others without %s, and refused by name when they are asked for', async (_what, components, named) => {
    const settings = await withComponents(...components)
    expect(ofRestore(await takenBy(undefined, settings))).toEqual([])
    await expect(takenBy(['restore-slice'], settings)).rejects.toMatchObject({
      code: 'settings-invalid',
      message: expect.stringContaining(named),
    })
  })
})
