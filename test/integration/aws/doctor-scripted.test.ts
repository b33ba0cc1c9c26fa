/** What `doctor`, `init` and a start refuse by name, where no server of ours answers as AWS does: AWS's own answers, from a script. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { stringify } from 'yaml'
import { handle } from '../../../functions/doctor.ts'
import { assembleService } from '../../../lib/assemble-service.ts'
import type { Check } from '../../../lib/components/component.ts'
import { loadSettings } from '../../../lib/load-settings.ts'
import { silentLog } from '../../../lib/log.ts'
import { toriki } from '../../kit/command-line.ts'
import { jsonAnswer, s3Answer } from '../../kit/servers/answering-server.ts'
import { kmsDenied, otherRegion, scriptedAws } from '../../kit/servers/scripted-aws.ts'
import type { ScriptedAws, ScriptedCall } from '../../kit/servers/scripted-aws.ts'
import type { Answer } from '../../kit/servers/answering-server.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555'
const credentials = { AWS_ACCESS_KEY_ID: 'scripted', AWS_SECRET_ACCESS_KEY: 'scripted-secret' }
let aws: ScriptedAws
let settings: string
const before = { ...process.env }
beforeAll(() => {
  Object.assign(process.env, credentials)
})
afterAll(() => {
  for (const name of Object.keys(credentials)) {
    if (before[name] === undefined) delete process.env[name]
    else process.env[name] = before[name]
  }
})
beforeEach(async () => {
  aws = await scriptedAws()
  const folder = await temporaryFolder()
  mkdirSync(join(folder, 'nebari/home/ann'), { recursive: true })
  settings = join(folder, 'toriki.yaml')
  const { endpoint } = aws
  writeFileSync(
    settings,
    stringify({
      deployment: 'campus',
      store: { s3: { bucket: 'campus', prefix: 'one', endpoint } },
      keys: { kms: { key: KEY, endpoint }, bucket: 'campus-keys' },
      queue: { sqlite: './queue' },
      components: { files: { root: join(folder, 'nebari'), home: 'home/{user}' } },
    }),
  )
})
afterEach(async () => {
  await aws[Symbol.asyncDispose]()
})

const doctor = async (): Promise<readonly Check[]> => (await toriki(settings, ['--json', 'doctor'])).json()
const asFunction = (): Promise<readonly Check[]> =>
  handle(
    { settings: () => loadSettings({ file: settings }), log: silentLog, asFunction: true },
    {},
    { getRemainingTimeInMillis: () => 900_000 },
  )
const failing = async (): Promise<readonly Check[]> => (await doctor()).filter(({ ok }) => !ok)
const start = async (): Promise<void> => {
  await assembleService(await loadSettings({ file: settings }), { log: silentLog })
}

describe('with all as it should be', () => {
  test('doctor passes, and writes nothing new: not one object, not one byte', async () => {
    expect((await toriki(settings, ['init'])).status).toBe(0)
    const stored = new Map(aws.objects)
    expect(await failing()).toEqual([])
    expect(await asFunction()).not.toContainEqual(expect.objectContaining({ ok: false }))
    expect(aws.objects).toEqual(stored)
  })

  test('each line is there once', async () => {
    await toriki(settings, ['init'])
    const names = (await doctor()).map(({ check }) => check)
    expect(names).toEqual([...new Set(names)])
  })

  test('from a function, a role that could open content is told; one that could not is as it should be', async () => {
    await toriki(settings, ['init'])
    const line = (checks: readonly Check[]): Check | undefined =>
      checks.find(({ check }) => check.includes('stays locked'))
    expect(line(await asFunction())).toMatchObject({ ok: true, remedy: expect.stringContaining('`content`') })
    aws.says = ({ name, subject }) =>
      name === 'KMS.Decrypt' && subject === 'content' ? kmsDenied('Decrypt') : undefined
    expect(line(await asFunction())).toEqual({ check: expect.any(String), ok: true })
  })
})

/** What is refused, by whom, in which words; `start`: a function that starts with it is refused as well, before its first write. */
interface Refusal {
  readonly what: string
  readonly says: (call: ScriptedCall) => Answer | undefined
  readonly line: RegExp
  readonly sentence: RegExp
  readonly start: boolean
}
const to =
  (name: string | RegExp, answer: Answer, subject = /(?:)/) =>
  (call: ScriptedCall): Answer | undefined =>
    call.name.match(name) !== null && subject.test(call.subject) ? answer : undefined

const refusals: readonly Refusal[] = [
  {
    what: 'a bucket of another region',
    says: to('S3', otherRegion('us-west-2'), /^campus\//),
    line: /^store: bucket campus can be listed$/,
    sentence: /bucket campus .* lies in the region us-west-2\. .*`region: us-west-2`/,
    start: true,
  },
  {
    what: 'a bucket without rights',
    says: to('S3', s3Answer(403, 'AccessDenied'), /^campus\//),
    line: /^store: bucket campus can be listed$/,
    sentence: /may not do that in the bucket campus .*\(list\)/,
    start: true,
  },
  {
    what: 'a bucket that is not there',
    says: to('S3', s3Answer(404, 'NoSuchBucket'), /^campus\//),
    line: /^store: bucket campus can be listed$/,
    sentence: /There is no bucket campus /,
    start: true,
  },
  {
    what: 'a bucket of keys that is not there',
    says: to('S3', s3Answer(404, 'NoSuchBucket'), /^campus-keys\//),
    line: /^store: bucket campus-keys can be listed$/,
    sentence: /There is no bucket campus-keys /,
    start: true,
  },
  {
    what: 'a bucket in which this role may not write',
    says: to('S3.PutObject', s3Answer(403, 'AccessDenied')),
    line: /takes new objects/,
    sentence: /may not do that in the bucket campus\S* .*\(create\)/,
    start: false,
  },
  {
    what: 'a bucket whose own key is disabled',
    says: to('S3.GetObject', s3Answer(400, 'KMS.DisabledException')),
    line: /^store: holds this deployment/,
    sentence: /The key that encrypts the bucket campus .*\(KMS\.DisabledException\)/,
    start: true,
  },
  {
    what: 'a key that is disabled',
    says: to('KMS', jsonAnswer(400, 'DisabledException')),
    line: /^keys: KMS key arn:/,
    sentence: /The KMS key arn:\S+ is disabled/,
    start: true,
  },
  {
    what: 'a key that is pending deletion',
    says: to('KMS', jsonAnswer(400, 'KMSInvalidStateException')),
    line: /^keys: KMS key arn:/,
    sentence: /The KMS key arn:\S+ is pending deletion/,
    start: true,
  },
  {
    what: 'a key that is not there',
    says: to('KMS', jsonAnswer(400, 'NotFoundException')),
    line: /^keys: KMS key arn:/,
    sentence: /There is no KMS key arn:/,
    start: true,
  },
  {
    what: 'a key of another account',
    says: to('KMS', kmsDenied('Decrypt', '999988887777')),
    line: /^store: holds this deployment, and the keys open it$/,
    sentence:
      /belongs to another account, 999988887777, which gives ours, 111122223333, no right for this \((un)?wrap, purpose deployment\)/,
    start: true,
  },
  {
    what: 'a key without the right to wrap content',
    says: to('KMS.Encrypt', kmsDenied('Encrypt'), /^content$/),
    line: /^keys: wrap a slice’s content$/,
    sentence: /may not use the KMS key \S+ for this \(wrap, purpose content\)/,
    start: false,
  },
  {
    what: 'a key without the right to unwrap trees',
    says: to('KMS.Decrypt', kmsDenied('Decrypt'), /^tree$/),
    line: /^keys: wrap a slice’s tree and open it$/,
    sentence: /may not use the KMS key \S+ for this \(unwrap, purpose tree\)/,
    start: false,
  },
]

describe.each(refusals)('$what', ({ says, line, sentence, start: refusedAtStart }) => {
  test('is refused by doctor and at a start, by name, and nothing is written', async () => {
    expect((await toriki(settings, ['init'])).status).toBe(0)
    const stored = new Map(aws.objects)
    aws.says = says
    const failed = await failing()
    const told = failed.find(({ check }) => line.test(check))
    expect(failed.map(({ check }) => check)).toContainEqual(expect.stringMatching(line))
    expect(told?.remedy).toMatch(sentence)
    if (refusedAtStart) {
      const refused = (await start().catch((error: unknown) => error)) as Error & { readonly remedy: string }
      expect(`${refused.message} ${refused.remedy}`).toMatch(sentence)
    }
    expect(aws.objects).toEqual(stored)
  })
})

// What only shows when an object is read back shows after the first write.
describe.each(refusals.filter(({ start: atStart, what }) => atStart && !what.includes('own key')))(
  '$what',
  ({ says, sentence }) => {
    test('is refused by init, by name, before its first write', async () => {
      aws.says = says
      const { status, err } = await toriki(settings, ['init'])
      expect({ status, objects: [...aws.objects.keys()] }).toEqual({ status: 1, objects: [] })
      expect(err.replaceAll(/\s+/g, ' ').replace('→ ', '')).toMatch(sentence)
    })
  },
)

describe('a clock that differs', () => {
  test('is told in minutes when the store answers all the same', async () => {
    await toriki(settings, ['init'])
    aws.aheadMs = -20 * 60_000
    expect(await failing()).toContainEqual({
      check: 'clock: agrees with the store’s',
      ok: false,
      remedy: expect.stringContaining('20 minutes ahead of that of the store. Set the clock'),
    })
  })
})

test('a refusal for the clock’s sake is told as such: the SDK signs by the store’s clock from then on, and doctor names the difference', async () => {
  await toriki(settings, ['init'])
  aws.aheadMs = 20 * 60_000
  const signedAt = (call: ScriptedCall): number => {
    const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(call.signedAt) ?? []
    return Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`)
  }
  let refused = 0
  aws.says = (call) => {
    if (Math.abs(signedAt(call) - Date.now() - aws.aheadMs) < 15 * 60_000) return undefined
    refused++
    return call.name.startsWith('S3')
      ? s3Answer(403, 'RequestTimeTooSkewed')
      : {
          ...jsonAnswer(400, 'InvalidSignatureException'),
          body: JSON.stringify({
            __type: 'InvalidSignatureException',
            message: 'Signature expired: 20260301T000000Z is now earlier than 20260301T001500Z',
          }),
        }
  }
  expect(await failing()).toEqual([
    {
      check: 'clock: agrees with the store’s',
      ok: false,
      remedy: expect.stringContaining('20 minutes behind that of the store.'),
    },
  ])
  expect(refused).toBeGreaterThan(1)
})

describe('a store that ignores conditions', () => {
  test('is refused by init, again and again, and no deployment stands there', async () => {
    aws.ignoresConditions = true
    for (let tries = 0; tries < 2; tries++) {
      const { status, err } = await toriki(settings, ['init'])
      expect({ status, err }).toEqual({ status: 1, err: expect.stringContaining('ignores conditional PUTs') })
    }
    expect([...aws.objects.keys()]).toEqual(['campus/one/deployment/1'])
    await expect(start()).rejects.toMatchObject({ code: 'deployment-missing' })
  })

  test('is found by doctor when it became so later, and stays as it was', async () => {
    await toriki(settings, ['init'])
    const stored = new Map(aws.objects)
    aws.ignoresConditions = true
    expect(await failing()).toEqual([
      {
        check: 'store: takes new objects, and writes over none',
        ok: false,
        remedy: expect.stringContaining('If-None-Match'),
      },
      {
        check: 'store: the bucket of keys takes new objects, and writes over none',
        ok: false,
        remedy: expect.any(String),
      },
    ])
    expect(aws.objects).toEqual(stored)
  })
})

test('a region outside `regions` is refused by doctor and at a start, and nobody is asked', async () => {
  writeFileSync(
    settings,
    readFileSync(settings, 'utf8').replace('prefix: one', 'prefix: one\n    region: mars-north-1') +
      'regions: [eu-central-1]\n',
  )
  expect(await failing()).toEqual([
    { check: 'settings', ok: false, remedy: expect.stringMatching(/mars-north-1 is not in `regions`/) },
  ])
  await expect(start()).rejects.toMatchObject({ code: 'region-not-allowed' })
  expect(aws.calls()).toEqual([])
})
