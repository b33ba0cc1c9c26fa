/** The service as settings ask for it, on this machine: real folders, a keyring and SQLite. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { assembleService } from '../../lib/assemble-service.ts'
import { runReport } from '../../lib/backup/run-report.ts'
import { startRun } from '../../lib/backup/start-run.ts'
import { silentLog } from '../../lib/log.ts'
import { assemblePlatform, createPlatformKeys } from '../../lib/platform/assemble.ts'
import { createDeployment } from '../../lib/repository/deployment-repository.ts'
import { parseSettings } from '../../lib/settings.ts'
import type { Settings } from '../../lib/settings.ts'
import { answeringServer } from '../kit/servers/answering-server.ts'
import { noDeadline } from '../kit/run-house.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

let folder: string
let settings: Settings

beforeEach(async () => {
  folder = await temporaryFolder()
  await mkdir(join(folder, 'nebari/home/ann'), { recursive: true })
  await writeFile(join(folder, 'nebari/home/ann/notes.txt'), 'hello')
  settings = settingsOf('files: { root: nebari, home: "home/{user}" }')
})

function settingsOf(components: string, extent: 'all' | 'platform' = 'all', alarms = ''): Settings {
  const text = [
    'deployment: campus',
    'store: { folder: ./store }',
    'keys: { keyring: ./keyring }',
    'queue: { sqlite: ./queue }',
    `alarms: { command: ${join(folder, 'tell')}${alarms} }`,
    `components: { ${components} }`,
  ].join('\n')
  return parseSettings(text, join(folder, 'toriki.yaml'), extent)
}

async function createAll(): Promise<void> {
  await createPlatformKeys(settings)
  const platform = await assemblePlatform(settings, { log: silentLog })
  await createDeployment(platform, { name: settings.deployment, settings: settings.source })
  await platform.close()
}

describe('a service', () => {
  test('is put together from settings, and opens a run on this machine', async () => {
    await createAll()
    const service = await assembleService(settings, { log: silentLog })
    try {
      expect(service.components.map(({ name }) => name)).toEqual(['files'])
      expect(service.limits).toEqual({ parallel: 4, attempts: 5, shrink: 0.2, visibilityMs: 5_400_000 })
      const { run } = await startRun(service, {}, noDeadline)
      expect(await runReport(service, run)).toMatchObject({ open: true, slices: { total: 1, pending: 1 } })
    } finally {
      await service.platform.close()
    }
  })

  test('tells alarms to the command of the settings, as JSON', async () => {
    await createAll()
    await writeFile(join(folder, 'tell'), `#!/bin/sh\ncat > ${join(folder, 'told')}\n`, { mode: 0o755 })
    const service = await assembleService(settings, { log: silentLog })
    await service.alarm({ alarm: 'no-backup', deployment: 'campus', run: 'r', message: 'No backup was begun.' })
    await service.platform.close()
    expect(JSON.parse(await readFile(join(folder, 'told'), 'utf8'))).toMatchObject({
      alarm: 'no-backup',
      run: 'r',
    })
  })

  test('tells alarms to the topic of the settings too, and knows the objective', async () => {
    await createAll()
    await writeFile(join(folder, 'tell'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const sns = await answeringServer(() => ({
      status: 200,
      headers: { 'content-type': 'text/xml' },
      body: '<PublishResponse><PublishResult/></PublishResponse>',
    }))
    const before = { ...process.env }
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_SNS: sns.endpoint,
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'key',
    })
    try {
      const topic = 'arn:aws:sns:eu-central-1:111122223333:campus-alarms'
      const service = await assembleService(
        settingsOf('files: { root: nebari, home: "home/{user}" }', 'all', `, rpo: 48h, topic: "${topic}"`),
        { log: silentLog },
      )
      expect(service.limits.rpoMs).toBe(48 * 3_600_000)
      await service.alarm({ alarm: 'rpo', deployment: 'campus', run: 'r', message: 'Two people have no good backup.' })
      await service.platform.close()
      const [asked] = sns.seen
      const sent = new URLSearchParams(asked?.body)
      expect({ topic: sent.get('TopicArn'), subject: sent.get('Subject') }).toEqual({
        topic,
        subject: 'Toriki campus: rpo',
      })
      expect(JSON.parse(sent.get('Message') ?? '')).toMatchObject({ alarm: 'rpo', run: 'r' })
    } finally {
      process.env = before
      await sns[Symbol.asyncDispose]()
    }
  })

  test('has no components where the sources were not resolved', async () => {
    await createAll()
    const unresolved = settingsOf(
      'keycloak: { url: https://id.example.org, realm: nebari, client: c, secret: "${env:NOT_SET}" }',
      'platform',
    )
    const service = await assembleService(unresolved, { log: silentLog })
    expect(service.components).toEqual([])
    await service.platform.close()
  })

  test('without a deployment is refused', async () => {
    await createPlatformKeys(settings)
    await expect(assembleService(settings, { log: silentLog })).rejects.toMatchObject({ code: 'deployment-missing' })
  })
})
