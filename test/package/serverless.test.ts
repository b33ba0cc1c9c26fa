/** `serverless package`, as a person calls it: without network, without credentials, in an empty environment. Then the template, against AWS's specification and our rules. */
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { loadPlan } from '../../infra/plan.ts'
import { functionNames } from '../../infra/roles.ts'
import { serverlessValues } from '../../infra/serverless-values.ts'
import { resolveTemplate } from '../kit/iam/resolve-template.ts'
import type { Template } from '../kit/iam/resolve-template.ts'
import { packageService } from '../kit/package-service.ts'
import { checkTemplate } from '../kit/template-spec.ts'

const root = resolve(import.meta.dirname, '../..')
const example = join(root, 'infra/examples/toriki.yaml')
/** Keycloak's database in the cluster, no homes, no network of ours; traces, and the other processor. */
const inCluster = `
deployment: campus
store: { s3: { bucket: campus-backup, region: eu-central-1 } }
keys: { kms: { key: alias/toriki-campus } }
queue: { sqs: { prefix: toriki-campus } }
workers: functions
components:
  keycloak:
    url: https://nebari.example.org/auth
    realm: nebari
    client: toriki-backup
    secret: \${aws-sm:toriki/campus/keycloak#secret}
    credentials: { postgres: "\${aws-sm:toriki/campus/database}" }
limits: { attempts: 9 }
`
const inClusterAws = `
deploymentId: abcdefghijklmnopqrstuvwxyz
architecture: x86_64
tracing: true
reserveConcurrency: false
`

let folder: string
let packaged: Template
let other: Template

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'toriki-serverless-')))
  await writeFile(join(folder, 'toriki.yaml'), inCluster)
  await writeFile(join(folder, 'toriki-aws.yaml'), inClusterAws)
  // One after the other: osls works in a folder of the checkout.
  packaged = await packageService({ settings: example, folder, name: 'example' })
  other = await packageService({ settings: join(folder, 'toriki.yaml'), folder, name: 'other' })
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

type Properties = Readonly<Record<string, unknown>>
const ofType = (template: Template, type: string): Properties[] =>
  Object.values(resolveTemplate(template))
    .filter(({ Type }) => Type === type)
    .map(({ Properties }) => Properties)

describe('the template', () => {
  test('has every function, each with a role of its own, and no role that osls wrote', () => {
    const functions = ofType(packaged, 'AWS::Lambda::Function')
    expect(functions.map(({ FunctionName }) => String(FunctionName)).toSorted()).toEqual(
      functionNames.map((name) => `toriki-campus-${name}`).toSorted(),
    )
    const roleOf = Object.fromEntries(
      functions.map(({ FunctionName, Role }) => [
        String(FunctionName).slice('toriki-campus-'.length),
        String(Role).split('-').slice(2).join('-'),
      ]),
    )
    expect(roleOf).toEqual({
      schedule: 'schedule',
      'backup-slice': 'backup',
      'settle-run': 'settle-run',
      'plan-restore': 'plan-restore',
      'restore-slice': 'restore-slice',
      'prune-slice': 'prune-slice',
      'compact-slice': 'compact-slice',
      'dead-letter': 'dead-letter',
      'replay-run': 'replay-run',
      doctor: 'backup',
    })
    expect(
      ofType(packaged, 'AWS::IAM::Role')
        .map(({ RoleName }) => String(RoleName))
        .toSorted(),
    ).toEqual(
      [
        'backup',
        'check',
        'compact-slice',
        'dead-letter',
        'plan-restore',
        'prune',
        'prune-slice',
        'replay-run',
        'restore',
        'restore-slice',
        'schedule',
        'scheduler',
        'settle-run',
      ].map((name) => `toriki-campus-${name}`),
    )
  })

  test('has the very resources that the tests of roles and policies look at', () => {
    const { Resources } = serverlessValues(loadPlan(example))['resources'] as Template
    for (const [id, resource] of Object.entries(Resources)) expect(packaged.Resources[id]).toMatchObject(resource)
  })

  test('runs Node 24 on arm64, or on x86_64 by choice; traces by choice; tells the settings, the size of Node’s pool, and nothing else', () => {
    for (const one of ofType(packaged, 'AWS::Lambda::Function')) {
      expect(one).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] })
      expect(one['Environment']).toEqual({
        Variables: { TORIKI_SETTINGS: '/var/task/toriki.yaml', UV_THREADPOOL_SIZE: '64' },
      })
      expect(one['TracingConfig']).toBeUndefined()
    }
    for (const one of ofType(other, 'AWS::Lambda::Function'))
      expect(one).toMatchObject({ Architectures: ['x86_64'], TracingConfig: { Mode: 'Active' } })
    expect(JSON.stringify(ofType(other, 'AWS::IAM::Role'))).toContain('xray:PutTraceSegments')
    expect(JSON.stringify(ofType(packaged, 'AWS::IAM::Role'))).not.toContain('xray:')
  })

  test('keeps log lines for a time', () => {
    const groups = ofType(packaged, 'AWS::Logs::LogGroup')
    expect(groups).toHaveLength(functionNames.length)
    for (const group of groups) expect(group['RetentionInDays']).toBe(30)
  })

  test('mounts the homes where sources are read, and only there', () => {
    const mounting = ofType(packaged, 'AWS::Lambda::Function').filter(
      ({ FileSystemConfigs }) => FileSystemConfigs !== undefined,
    )
    expect(mounting.map(({ FunctionName }) => String(FunctionName)).toSorted()).toEqual([
      'toriki-campus-backup-slice',
      'toriki-campus-doctor',
      'toriki-campus-plan-restore',
      'toriki-campus-restore-slice',
      'toriki-campus-schedule',
    ])
    for (const one of mounting)
      expect(one).toMatchObject({
        FileSystemConfigs: [{ LocalMountPath: '/mnt/nebari' }],
        VpcConfig: { SubnetIds: ['subnet-0123456789abcdef0', 'subnet-0fedcba9876543210'] },
      })
    for (const one of ofType(other, 'AWS::Lambda::Function'))
      expect([one['VpcConfig'], one['FileSystemConfigs']]).toEqual([undefined, undefined])
  })

  test('leaves the triggers of those who touch the sources off where a component needs the cluster, and no other', () => {
    const enabled = (template: Template): Record<string, unknown> =>
      Object.fromEntries(
        ofType(template, 'AWS::Lambda::EventSourceMapping').map(({ EventSourceArn, Enabled }) => [
          String(EventSourceArn).split(':').at(-1),
          Enabled,
        ]),
      )
    expect(Object.values(enabled(packaged))).toEqual(Array(14).fill(true))
    expect(Object.entries(enabled(other)).filter(([, on]) => on === false)).toEqual([
      ['toriki-campus-backup-slice', false],
      ['toriki-campus-plan-restore', false],
      ['toriki-campus-restore-slice', false],
    ])
  })

  test('makes no bucket but the one of its own packages, no file system, and no key of the store', () => {
    expect(ofType(packaged, 'AWS::S3::Bucket')).toHaveLength(1)
    expect(ofType(packaged, 'AWS::EFS::FileSystem')).toEqual([])
    expect(ofType(packaged, 'AWS::KMS::Key').map(({ Description }) => Description)).toEqual([
      expect.stringContaining('messages'),
    ])
    for (const { PosixUser, RootDirectory } of ofType(packaged, 'AWS::EFS::AccessPoint')) {
      expect(PosixUser).toEqual({ Uid: '0', Gid: '0' })
      // With rights to give it would make the folder.
      expect(RootDirectory).toEqual({ Path: '/' })
    }
  })

  test('schedules in its time zone, keeps what nobody answered, and listens before an upgrade', () => {
    expect(ofType(packaged, 'AWS::Scheduler::Schedule')).toEqual([
      expect.objectContaining({
        ScheduleExpression: 'cron(0 2 * * ? *)',
        ScheduleExpressionTimezone: 'Europe/Berlin',
        Target: expect.objectContaining({
          DeadLetterConfig: { Arn: expect.stringMatching(/:toriki-campus-schedule-dead$/) },
        }),
      }),
    ])
    expect(ofType(packaged, 'AWS::Lambda::EventInvokeConfig')).toEqual([
      expect.objectContaining({
        DestinationConfig: { OnFailure: { Destination: expect.stringMatching(/:toriki-campus-schedule-dead$/) } },
      }),
    ])
    expect(ofType(packaged, 'AWS::Events::Rule')).toHaveLength(1)
    expect([ofType(other, 'AWS::Scheduler::Schedule'), ofType(other, 'AWS::Events::Rule')]).toEqual([[], []])
  })
})

describe('AWS’s specification', () => {
  test('finds nothing in either template', () => {
    for (const template of [packaged, other]) {
      const { findings, values } = checkTemplate(template)
      expect(findings).toEqual([])
      expect(values).toBeGreaterThan(300)
    }
  })

  test('would find typos', () => {
    const mapping = Object.keys(packaged.Resources).find((id) =>
      packaged.Resources[id]!.Type.endsWith('EventSourceMapping'),
    )!
    const { BackupSliceQueue: queue, Schedule: schedule, [mapping]: trigger } = packaged.Resources
    const { Target: _target, ...withoutTarget } = schedule!.Properties
    const seeded = checkTemplate({
      Resources: {
        Typed: { Type: 'AWS::SQS::Queu', Properties: {} },
        Named: { ...queue!, Properties: { ...queue!.Properties, VisibilityTimeOut: 1 } },
        Shaped: { ...queue!, Properties: { ...queue!.Properties, VisibilityTimeout: 'long' } },
        Nested: { ...trigger!, Properties: { ...trigger!.Properties, ScalingConfig: { MaximalConcurrency: 2 } } },
        Listed: {
          ...trigger!,
          Properties: { ...trigger!.Properties, FunctionResponseTypes: 'ReportBatchItemFailures' },
        },
        Lacking: { ...schedule!, Properties: withoutTarget },
      },
    })
    expect(seeded.findings).toEqual([
      'Typed: there is no type AWS::SQS::Queu',
      'Named.VisibilityTimeOut: there is no such property',
      'Shaped.VisibilityTimeout: must be a whole number',
      'Nested.ScalingConfig.MaximalConcurrency: there is no such property',
      'Listed.FunctionResponseTypes: must be a list',
      'Lacking.Target: is required',
    ])
  })
})

describe('the rules of queues', () => {
  const queuesOf = (template: Template): Properties[] =>
    ofType(template, 'AWS::SQS::Queue').filter(({ QueueName }) => !String(QueueName).endsWith('schedule-dead'))
  const functionOf = (template: Template, mapping: Properties): Properties =>
    ofType(template, 'AWS::Lambda::Function').find(({ FunctionName }) =>
      String(mapping['FunctionName']).endsWith(`:${FunctionName}`),
    )!
  const mappings = (template: Template): Properties[] => ofType(template, 'AWS::Lambda::EventSourceMapping')

  test('a queue hides a message six times as long as its function may run', () => {
    for (const template of [packaged, other])
      for (const mapping of mappings(template)) {
        const queue = queuesOf(template).find(({ QueueName }) =>
          String(mapping['EventSourceArn']).endsWith(`:${QueueName}`),
        )!
        expect(queue['VisibilityTimeout']).toBeGreaterThanOrEqual(
          6 * (functionOf(template, mapping)['Timeout'] as number),
        )
      }
  })

  test('a message is received five times or more, and as often as the settings say, before it is given up to the queue’s own dead letters', () => {
    for (const [template, attempts] of [
      [packaged, 5],
      [other, 9],
    ] as const)
      for (const queue of queuesOf(template).filter(({ QueueName }) => !String(QueueName).endsWith('-dead'))) {
        const policy = queue['RedrivePolicy'] as { maxReceiveCount: number; deadLetterTargetArn: string }
        expect(policy.maxReceiveCount).toBe(attempts)
        expect(policy.deadLetterTargetArn).toMatch(new RegExp(`:${queue['QueueName']}-dead$`))
      }
  })

  test('all that is sent to a function at once is reserved for it', () => {
    const wanted = new Map<Properties, number>()
    for (const mapping of mappings(packaged)) {
      const one = functionOf(packaged, mapping)
      const known = [...wanted.keys()].find(({ FunctionName }) => FunctionName === one['FunctionName']) ?? one
      const { MaximumConcurrency } = mapping['ScalingConfig'] as { MaximumConcurrency: number }
      wanted.set(known, (wanted.get(known) ?? 0) + MaximumConcurrency)
    }
    expect(wanted.size).toBe(8)
    for (const [one, most] of wanted) expect(one['ReservedConcurrentExecutions']).toBeGreaterThanOrEqual(most)
    for (const one of ofType(other, 'AWS::Lambda::Function'))
      expect(one['ReservedConcurrentExecutions']).toBeUndefined()
  })

  test('only failed messages come back, and a person’s message comes alone', () => {
    for (const mapping of mappings(packaged))
      expect(mapping['FunctionResponseTypes']).toEqual(['ReportBatchItemFailures'])
    const slices = mappings(packaged).find(({ EventSourceArn }) => String(EventSourceArn).endsWith('-backup-slice'))
    expect(slices?.['BatchSize']).toBe(1)
  })

  test('every queue is encrypted by our key and has a policy that refuses plain HTTP', () => {
    const policies = ofType(packaged, 'AWS::SQS::QueuePolicy')
    for (const queue of ofType(packaged, 'AWS::SQS::Queue')) {
      expect(queue['KmsMasterKeyId']).toMatch(/:key\/MessageKey$/)
      const own = policies.filter(({ Queues }) => (Queues as string[]).includes(String(queue['QueueName'])))
      expect(JSON.stringify(own)).toContain('{"Bool":{"aws:SecureTransport":"false"}}')
    }
  })
})

test('what is missing is said in a sentence', async () => {
  const failed = (await packageService({
    settings: join(folder, 'nowhere/toriki.yaml'),
    folder,
    name: 'nowhere',
  }).catch((error: unknown) => error)) as { stdout: string; stderr: string }
  const said = `${failed.stdout}${failed.stderr}`
  expect(said).toContain(
    `There is no ${join(folder, 'nowhere/toriki.yaml')}: the functions are made from the settings.`,
  )
  expect(said).not.toContain('    at ')
})
