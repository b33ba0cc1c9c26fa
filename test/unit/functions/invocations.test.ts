/** A function's process as Lambda starts it: settings, service, log and metrics of its own, over folders on this machine. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { handler as deadLetter } from '../../../functions/dead-letter.ts'
import { handler as schedule } from '../../../functions/schedule.ts'
import { invoked } from '../../../lib/assemble-service.ts'
import { silentLog } from '../../../lib/log.ts'
import { assemblePlatform, createPlatformKeys } from '../../../lib/platform/assemble.ts'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import { parseSettings } from '../../../lib/settings.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

let lines: Record<string, unknown>[]

beforeAll(async () => {
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'nebari/home/ann'), { recursive: true })
  const file = join(folder, 'toriki.yaml')
  const text = [
    'deployment: campus',
    'store: { folder: ./store }',
    'keys: { keyring: ./keyring }',
    'queue: { sqlite: ./queue }',
    'components:',
    '  files: { root: nebari, home: "home/{user}" }',
    '  keycloak: { url: "http://127.0.0.1:9/auth", realm: nebari, client: c, secret: "${env:TEST_SECRET_OF_KEYCLOAK}" }',
  ].join('\n')
  await writeFile(file, text)
  const settings = parseSettings(text, file, 'platform')
  await createPlatformKeys(settings)
  const platform = await assemblePlatform(settings, { log: silentLog })
  await createDeployment(platform, { name: settings.deployment, settings: settings.source })
  await platform.close()
  process.env['AWS_LAMBDA_FUNCTION_NAME'] = 'toriki-campus-schedule'
  process.env['TORIKI_SETTINGS'] = file
})

beforeEach(() => {
  lines = []
  for (const name of ['stdout', 'stderr'] as const)
    jest.spyOn(process[name], 'write').mockImplementation((text) => {
      for (const line of String(text).split('\n'))
        if (line.startsWith('{')) lines.push(JSON.parse(line) as Record<string, unknown>)
      return true
    })
})
afterEach(() => {
  jest.restoreAllMocks()
})

const context = (awsRequestId: string) => ({ awsRequestId, getRemainingTimeInMillis: () => 900_000 })
const batch = (body: string) => ({
  Records: [{ messageId: 'm', receiptHandle: '', body, attributes: { ApproximateReceiveCount: '1' } }],
})

describe('a function’s process', () => {
  test('asks for the secrets of sources only where sources are read, and opens anew once they are there', async () => {
    expect(await deadLetter(batch('not json'), context('a'))).toEqual({ batchItemFailures: [] })
    await expect(schedule({}, context('b'))).rejects.toMatchObject({ code: 'reference-unresolved' })
    process.env['TEST_SECRET_OF_KEYCLOAK'] = 'planted-secret'
    await expect(schedule({ key1: 'value1' }, context('c'))).rejects.toMatchObject({ code: 'message-invalid' })
  })

  test('hands over its figures at the end of the invocation', async () => {
    await deadLetter(batch('not json either'), context('d'))
    expect(lines).toContainEqual(expect.objectContaining({ deployment: 'campus', DeadLetters: 1 }))
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'ERROR', message: 'message-given-up', function_request_id: 'd' }),
    )
  })

  test('hands them over also when it throws, and logs what it throws', async () => {
    const failing = invoked(context('e'), 'records', (service) => {
      service.metrics.add('RunRefused', 1)
      return Promise.reject(new Error('planted-name'))
    })
    await expect(failing).rejects.toThrow('planted-name')
    expect(lines).toContainEqual(expect.objectContaining({ deployment: 'campus', RunRefused: 1 }))
    expect(lines).toContainEqual(
      expect.objectContaining({ message: 'invocation-failed', code: 'internal', function_request_id: 'e' }),
    )
    expect(JSON.stringify(lines)).not.toContain('planted')
  })
})
