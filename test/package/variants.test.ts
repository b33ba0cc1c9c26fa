/** The choices of `toriki-aws.yaml` that the example does not take, and the storage stack, each against AWS's specification and its own promise. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { hoursBetweenRuns } from '../../infra/alarms.ts'
import { metricUnits } from '../../lib/platform/metrics.ts'
import { parseAwsSettings, planOf } from '../../infra/plan.ts'
import type { Plan } from '../../infra/plan.ts'
import { serverlessValues } from '../../infra/serverless-values.ts'
import { parseSettings } from '../../lib/settings.ts'
import { isTorikiError } from '../../lib/errors.ts'
import { parseTemplate, resolveTemplate } from '../kit/iam/resolve-template.ts'
import type { Template } from '../kit/iam/resolve-template.ts'
import { checkTemplate } from '../kit/template-spec.ts'

const root = resolve(import.meta.dirname, '../..')
const example = readFileSync(join(root, 'infra/examples/toriki.yaml'), 'utf8')
const exampleAws = readFileSync(join(root, 'infra/examples/toriki-aws.yaml'), 'utf8')
const file = '/settings/toriki.yaml'

/** A plan of the example with texts of it replaced, each of which must stand there. */
function planWith(settings: Readonly<Record<string, string>> = {}, aws: Readonly<Record<string, string>> = {}): Plan {
  const edited = (text: string, edits: Readonly<Record<string, string>>): string =>
    Object.entries(edits).reduce((all, [from, to]) => {
      expect(all).toContain(from)
      return all.replace(from, () => to)
    }, text)
  return planOf(
    parseSettings(edited(example, settings), file, 'platform'),
    parseAwsSettings(edited(exampleAws, aws), 'toriki-aws.yaml'),
  )
}
function templateOf(plan: Plan): Template {
  return serverlessValues(plan)['resources'] as Template
}
function typesOf(template: Template): string[] {
  return Object.values(template.Resources).map(({ Type }) => Type)
}
const givenNetwork = `  egress: existing # the subnets have a way to Keycloak and to AWS already
  vpc: vpc-0123456789abcdef0
  subnets: [subnet-0123456789abcdef0, subnet-0fedcba9876543210]`

describe('the network', () => {
  test('with subnets that have a way out is a security group and an access point, and nothing else', () => {
    const template = templateOf(planWith())
    expect(checkTemplate(template).findings).toEqual([])
    expect(typesOf(template).filter((type) => /::(EC2|EFS)::/.test(type))).toEqual([
      'AWS::EC2::SecurityGroup',
      'AWS::EFS::AccessPoint',
    ])
  })

  test('by NAT has subnets and routes of its own, and touches no route of others', () => {
    const own = `  egress: nat
  vpc: vpc-0123456789abcdef0
  publicSubnet: subnet-0123456789abcdef0
  ownSubnets: [{ zone: eu-central-1a, cidr: 10.10.240.0/26 }, { zone: eu-central-1b, cidr: 10.10.240.64/26 }]`
    const plan = planWith({}, { [givenNetwork]: own })
    const template = templateOf(plan)
    expect(checkTemplate(template).findings).toEqual([])
    expect(typesOf(template).filter((type) => type.startsWith('AWS::EC2::'))).toEqual([
      'AWS::EC2::SecurityGroup',
      'AWS::EC2::Subnet',
      'AWS::EC2::SubnetRouteTableAssociation',
      'AWS::EC2::Subnet',
      'AWS::EC2::SubnetRouteTableAssociation',
      'AWS::EC2::RouteTable',
      'AWS::EC2::VPCEndpoint',
      'AWS::EC2::EIP',
      'AWS::EC2::NatGateway',
      'AWS::EC2::Route',
    ])
    for (const { Type, Properties } of Object.values(template.Resources))
      if (/Route$|RouteTableAssociation$/.test(Type)) expect(Properties['RouteTableId']).toEqual({ Ref: 'RouteTable' })
    expect(serverlessValues(plan)['vpc']).toMatchObject({ subnetIds: [{ Ref: 'Subnet1' }, { Ref: 'Subnet2' }] })
  })

  test('by endpoints has one for each service that the functions ask', () => {
    const own = `  egress: endpoints
  vpc: vpc-0123456789abcdef0
  vpcCidr: 10.10.0.0/16
  ownSubnets: [{ zone: eu-central-1a, cidr: 10.10.240.0/26 }]`
    const template = templateOf(planWith({}, { [givenNetwork]: own }))
    expect(checkTemplate(template).findings).toEqual([])
    const services = Object.values(resolveTemplate(template))
      .filter(({ Type }) => Type === 'AWS::EC2::VPCEndpoint')
      .map(({ Properties }) => String(Properties['ServiceName']).split('.').at(-1))
    expect(services).toEqual(['s3', 'sqs', 'kms', 'sns', 'secretsmanager'])
  })

  test('with a security group of Nebari’s makes none', () => {
    const plan = planWith({}, { '  vpc: vpc-': '  securityGroups: [sg-0123456789abcdef0]\n  vpc: vpc-' })
    expect(typesOf(templateOf(plan))).not.toContain('AWS::EC2::SecurityGroup')
    expect(serverlessValues(plan)['vpc']).toMatchObject({ securityGroupIds: ['sg-0123456789abcdef0'] })
  })
})

describe('the key', () => {
  const decrypts = (plan: Plan): string => JSON.stringify(resolveTemplate(templateOf(plan))['BackupRole'])
  test('by ARN or id is that key; by alias any key that has it', () => {
    const arn = 'arn:aws:kms:eu-central-1:444455556666:key/mrk-0123456789abcdef'
    expect(decrypts(planWith({ 'key: alias/toriki-campus': `key: "${arn}"` }))).toContain(`"Resource":"${arn}"`)
    expect(decrypts(planWith({ 'key: alias/toriki-campus': 'key: mrk-0123456789abcdef' }))).toContain(
      '"Resource":"arn:aws:kms:eu-central-1:111122223333:key/mrk-0123456789abcdef"',
    )
    expect(decrypts(planWith())).toContain('"ForAnyValue:StringEquals":{"kms:ResourceAliases":["alias/toriki-campus"]}')
  })
})

describe('the settings', () => {
  test('from Parameter Store are read by every function, and are in no package', () => {
    const plan = planWith({}, { 'architecture: arm64': 'settingsFrom: aws-ssm:/toriki/campus' })
    expect([plan.settingsPlace, plan.packaged]).toEqual(['aws-ssm:/toriki/campus', {}])
    const roles = resolveTemplate(templateOf(plan))
    for (const id of ['BackupRole', 'ScheduleRole', 'SettleRunRole', 'DeadLetterRole', 'ReplayRunRole'])
      expect(JSON.stringify(roles[id])).toContain(
        '"Resource":["arn:aws:ssm:eu-central-1:111122223333:parameter/toriki/campus"]',
      )
    expect(JSON.stringify(roles['PruneRole'])).not.toContain('ssm:')
  })

  test.each<[string, Record<string, string>, Record<string, string>, string]>([
    [
      'a folder as store',
      { 'store: { s3: { bucket: campus-backup, prefix: campus, region: eu-central-1 } }': 'store: { folder: ./data }' },
      {},
      '/settings/toriki.yaml is not for AWS: `store` is a folder of one machine.',
    ],
    [
      'a keyring',
      {
        'keys: { kms: { key: alias/toriki-campus, region: eu-central-1 }, bucket: campus-backup-keys }':
          'keys: { keyring: ../keyring }',
      },
      {},
      '/settings/toriki.yaml is not for AWS: `keys` is a keyring of one machine.',
    ],
    [
      'another server',
      { 'bucket: campus-backup,': 'bucket: campus-backup, endpoint: "https://s3.example.org",' },
      {},
      '/settings/toriki.yaml is not for AWS: `store.s3.endpoint` is another server.',
    ],
    [
      'workers here',
      { 'workers: functions': 'workers: here' },
      {},
      '/settings/toriki.yaml is not for AWS: `workers` says that the work is done where it is asked for.',
    ],
    [
      'a secret of the environment',
      { '${aws-sm:toriki/campus/keycloak#secret}': '${env:KEYCLOAK_SECRET}' },
      {},
      '/settings/toriki.yaml: components.keycloak.secret: a function has no ${env:KEYCLOAK_SECRET}; keep it in Secrets Manager or Parameter Store and write ${aws-sm:SECRET#KEY} or ${aws-ssm:NAME}.',
    ],
    [
      'homes elsewhere than /mnt',
      { 'root: /mnt/nebari': 'root: /homes' },
      {},
      '/settings/toriki.yaml: components.files.root: must lie in /mnt/NAME, the only place where a function mounts.',
    ],
    [
      'homes without a network',
      {},
      { [`network:\n${givenNetwork}\n`]: '' },
      'toriki-aws.yaml: network: needed, since a file system is reached only inside its VPC.',
    ],
    [
      'a schedule that EventBridge does not know',
      { '"0 2 * * *"': '"0 2 1 * 1"' },
      {},
      'schedule.cron: "0 2 1 * 1" cannot be scheduled by EventBridge: EventBridge takes a day of the month or a day of the week, not both.',
    ],
    [
      'a region that is not allowed',
      {},
      { 'architecture: arm64': 'region: us-east-1' },
      'toriki-aws.yaml: region us-east-1 is not in `regions` (eu-central-1).',
    ],
    [
      'an unknown line',
      {},
      { 'architecture: arm64': 'architectur: arm64' },
      'toriki-aws.yaml: architectur: there is no such setting.',
    ],
    [
      'a wrong network',
      {},
      { 'egress: existing': 'egress: somehow' },
      'toriki-aws.yaml: network.egress: needs `egress`: existing, nat or endpoints.',
    ],
  ])('%s is refused in a sentence', (_what, settings, aws, sentence) => {
    const refusal = (() => {
      try {
        return serverlessValues(planWith(settings, aws))
      } catch (error) {
        return isTorikiError(error) ? error.message : error
      }
    })()
    expect(refusal).toBe(sentence)
  })
})

describe('the alarms', () => {
  test('stand on metrics that the service has', () => {
    const metrics = Object.values(templateOf(planWith()).Resources)
      .filter(({ Type, Properties }) => Type === 'AWS::CloudWatch::Alarm' && Properties['Namespace'] === 'Toriki')
      .map(({ Properties }) => String(Properties['MetricName']))
    expect(metrics.toSorted()).toEqual([
      'DeadLetters',
      'PeopleBeyondRpo',
      'RunComplete',
      'RunRefused',
      'SlicesFailed',
      'SlicesSuspect',
    ])
    for (const name of metrics) expect(Object.keys(metricUnits)).toContain(name)
  })

  test.each([
    ['0 2 * * *', 24 + 1 + 6], // the night of the clock change has an hour more
    ['0 2 * * 1-5', 72 + 1 + 6],
    ['0 */6 * * *', 6 + 1 + 6],
    ['0 2 1 * *', undefined],
  ])('with %s a complete run is missed after %s hours', (cron, hours) => {
    const plan = planWith({ '"0 2 * * *"': `"${cron}"` })
    expect(hoursBetweenRuns(plan)).toBe(hours)
    const alarm = templateOf(plan).Resources['NoCompleteRunAlarm']
    if (hours === undefined) expect(alarm).toBeUndefined()
    else expect(alarm?.Properties).toMatchObject({ EvaluationPeriods: hours, TreatMissingData: 'breaching' })
  })

  test('go to the topic of the settings, which is made only under our name', () => {
    const elsewhere = 'arn:aws:sns:eu-central-1:111122223333:pager'
    const plan = planWith({ 'arn:aws:sns:eu-central-1:111122223333:toriki-campus-alarms': elsewhere })
    expect(typesOf(templateOf(plan))).not.toContain('AWS::SNS::Topic')
    for (const { Type, Properties } of Object.values(templateOf(plan).Resources))
      if (Type === 'AWS::CloudWatch::Alarm') expect(Properties['AlarmActions']).toEqual([elsewhere])
    expect(typesOf(templateOf(planWith()))).toContain('AWS::SNS::Topic')
  })
})

describe('the storage stack', () => {
  const template = parseTemplate(readFileSync(join(root, 'infra/storage/template.yaml'), 'utf8'))
  const names = { Deployment: 'campus', Bucket: 'campus-backup', KeysBucket: 'campus-backup-keys' }
  const made = (more: Readonly<Record<string, string>> = {}): Template['Resources'] =>
    resolveTemplate(template, { ...names, ...more })

  test('is what AWS specifies', () => {
    expect(checkTemplate(template).findings).toEqual([])
  })

  test('keeps everything when the stack goes', () => {
    for (const resource of Object.values(template.Resources))
      expect(resource).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
  })

  test('has versions that end, uploads that end, and nothing public', () => {
    for (const id of ['BackupBucket', 'KeyBucket'])
      expect(made()[id]?.Properties).toMatchObject({
        VersioningConfiguration: { Status: 'Enabled' },
        LifecycleConfiguration: {
          Rules: [
            { Status: 'Enabled', NoncurrentVersionExpiration: { NoncurrentDays: 30 } },
            { Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
          ],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } },
          ],
        },
      })
  })

  test('locks objects by choice, and never keys; has a key of many regions by choice', () => {
    expect(made()['BackupBucket']?.Properties['ObjectLockEnabled']).toBeUndefined()
    const locked = made({ ObjectLock: 'true', MultiRegionKey: 'true' })
    expect(locked['BackupBucket']?.Properties['ObjectLockEnabled']).toBe(true)
    expect(locked['KeyBucket']?.Properties['ObjectLockEnabled']).toBeUndefined()
    expect([made()['Key']?.Properties['MultiRegion'], locked['Key']?.Properties['MultiRegion']]).toEqual([false, true])
    expect(made()['Key']?.Properties['EnableKeyRotation']).toBe(true)
  })

  test('with a key that is there makes none', () => {
    const existing = 'arn:aws:kms:eu-central-1:111122223333:key/0123'
    const resources = made({ ExistingKey: existing, KeysBucket: '' })
    expect(Object.keys(resources).toSorted()).toEqual(['BackupBucket', 'BackupBucketPolicy'])
    expect(JSON.stringify(resources['BackupBucket'])).toContain(existing)
  })
})
