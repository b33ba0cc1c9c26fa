import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from '@jest/globals'
import { stringify } from 'yaml'
import { embeddedHost } from '../../../lib/embedded/worker-host.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { toriki } from '../../kit/command-line.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

let folder: string
let settings: string
const alarms = (): readonly { readonly alarm: string }[] =>
  existsSync(join(folder, 'alarms'))
    ? readFileSync(join(folder, 'alarms'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { alarm: string })
    : []

beforeEach(async () => {
  folder = await temporaryFolder()
  settings = join(folder, 'toriki.yaml')
  mkdirSync(join(folder, 'nebari/home/ann'), { recursive: true })
  mkdirSync(join(folder, 'nebari/home/ben'))
  writeFileSync(join(folder, 'tell'), `#!/bin/sh\ncat >> '${folder}/alarms'\n`, { mode: 0o755 })
  writeFileSync(
    settings,
    stringify({
      deployment: 'test',
      components: { files: { root: join(folder, 'nebari'), home: 'home/{user}' } },
      alarms: { command: join(folder, 'tell') },
    }),
  )
  expect((await toriki(settings, ['init'])).status).toBe(0)
})

test('a run that ends while `backup` watches has its summary and has told its alarms when the command ends', async () => {
  rmSync(join(folder, 'nebari/home/ben'), { recursive: true })
  symlinkSync('/nowhere', join(folder, 'nebari/home/ben'))
  expect((await toriki(settings, ['backup'])).status).toBe(3)
  const [run = ''] = readdirSync(join(folder, 'toriki-data/runs'))
  expect(readdirSync(join(folder, 'toriki-data/runs', run, 'summaries'))).toHaveLength(1)
  expect(alarms().map(({ alarm }) => alarm)).toContain('run-ended')
})

test('`status` looks twice and tells once', async () => {
  rmSync(join(folder, 'nebari/home/ben'), { recursive: true })
  symlinkSync('/nowhere', join(folder, 'nebari/home/ben'))
  await toriki(settings, ['backup'])
  const told = alarms().length
  await toriki(settings, ['status'])
  await toriki(settings, ['status'])
  expect(alarms()).toHaveLength(told)
})

test('a store without room even for a record ends the command with what to do; afterwards it goes on with the run', async () => {
  const host = embeddedHost()
  const stuck = await toriki(settings, ['--json', 'backup'], {
    host: {
      ...host,
      async startWorkers({ observer }) {
        for (const slice of ['user/ann', 'user/ben']) observer?.stuck?.(slice, new TorikiError('store-full'))
        return { ended: new Promise(() => undefined), stop: async () => undefined }
      },
    },
  })
  expect(stuck).toMatchObject({ status: 1, out: '' })
  expect(stuck.err).toContain('store-full: The store has no room left')
  expect(stuck.err).toContain('go on with: toriki backup')
  const goneOn = await toriki(settings, ['--json', 'backup'])
  expect(goneOn).toMatchObject({ status: 0, err: expect.stringContaining('is still open: going on with it') })
})

test('messages that only rest for a while, or beside which others are in work, do not end the command', async () => {
  const host = embeddedHost()
  const rested = await toriki(settings, ['backup'], {
    host: {
      ...host,
      startWorkers(service) {
        for (const slice of ['user/ann', 'user/ben'])
          service.observer?.stuck?.(slice, new TorikiError('store-unavailable'))
        service.observer?.stuck?.('user/ann', new TorikiError('store-full'))
        return host.startWorkers(service)
      },
    },
  })
  expect(rested).toMatchObject({ status: 0 })
})
