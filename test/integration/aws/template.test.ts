/** The templates before others' eyes: AWS's linter, and a CloudFormation that makes the stack, as far as moto goes. */
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation'
import type { StackResource } from '@aws-sdk/client-cloudformation'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parseAwsSettings, planOf } from '../../../infra/plan.ts'
import { serverlessValues } from '../../../infra/serverless-values.ts'
import { parseSettings } from '../../../lib/settings.ts'
import type { Template } from '../../kit/iam/resolve-template.ts'
import { packageService } from '../../kit/package-service.ts'
import { cfnLint, startMotoCloudFormation } from '../../kit/servers/cloudformation-tools.ts'
import type { LocalServer } from '../../kit/servers/serve-on-port.ts'

const root = resolve(import.meta.dirname, '../../..')
const examples = join(root, 'infra/examples')
const storage = join(root, 'infra/storage/template.yaml')

let folder: string
let packaged: Template

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'toriki-template-')))
  packaged = await packageService({ settings: join(examples, 'toriki.yaml'), folder, name: 'example' })
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('cfn-lint', () => {
  // W3005: osls writes a DependsOn where a reference says as much already. W3010: the zones are those that the person names.
  const ignored = ['W3005', 'W3010']

  test('finds nothing in what osls packages', async () => {
    expect(await cfnLint(join(folder, 'example/cloudformation-template-update-stack.json'), ignored)).toBe('')
  })

  test('finds nothing in the storage stack', async () => {
    expect(await cfnLint(storage, ignored)).toBe('')
  })

  test.each([
    ['nat', '  publicSubnet: subnet-0123456789abcdef0\n'],
    ['endpoints', '  vpcCidr: 10.10.0.0/16\n'],
  ])('finds nothing in a network by %s', async (egress, more) => {
    const file = join(examples, 'toriki.yaml')
    const aws = await readFile(join(examples, 'toriki-aws.yaml'), 'utf8')
    const network = `network:\n  egress: ${egress}\n  vpc: vpc-0123456789abcdef0\n${more}  ownSubnets: [{ zone: eu-central-1a, cidr: 10.10.240.0/26 }]\n`
    const edited = aws.replace(/network:\n(?: {2}.*\n)+/, network)
    expect(edited).toContain(network)
    const plan = planOf(
      parseSettings(await readFile(file, 'utf8'), file, 'platform'),
      parseAwsSettings(edited, 'toriki-aws.yaml'),
    )
    const { Resources } = serverlessValues(plan)['resources'] as Template
    // The function that a permission waits for is osls's to write.
    const { UpgradeRulePermission: _permission, ...alone } = Resources
    const path = join(folder, `${egress}.json`)
    await writeFile(path, JSON.stringify({ AWSTemplateFormatVersion: '2010-09-09', Resources: alone }))
    expect(await cfnLint(path, ignored)).toBe('')
  })

  test('would find what is wrong', async () => {
    const path = join(folder, 'wrong.json')
    await mkdir(folder, { recursive: true })
    await writeFile(
      path,
      JSON.stringify({ Resources: { Queue: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: 50_000 } } } }),
    )
    expect(await cfnLint(path, ignored)).toContain('50000')
  })
})

describe('moto', () => {
  let server: LocalServer
  let client: CloudFormationClient
  beforeAll(async () => {
    server = await startMotoCloudFormation()
    client = new CloudFormationClient({
      endpoint: server.endpoint,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    })
  })
  afterAll(async () => {
    client?.destroy()
    await server?.stop()
  })

  async function create(
    name: string,
    template: string,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<readonly StackResource[]> {
    await client.send(
      new CreateStackCommand({
        StackName: name,
        TemplateBody: template,
        Capabilities: ['CAPABILITY_NAMED_IAM'],
        Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
          ParameterKey,
          ParameterValue,
        })),
      }),
    )
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: name }))
    expect(Stacks?.map(({ StackStatus }) => StackStatus)).toEqual(['CREATE_COMPLETE'])
    return (await client.send(new DescribeStackResourcesCommand({ StackName: name }))).StackResources ?? []
  }
  const made = (resources: readonly StackResource[]): string[] =>
    resources.map(({ LogicalResourceId }) => LogicalResourceId ?? '').toSorted()

  test('makes the storage stack', async () => {
    const resources = await create('storage', await readFile(storage, 'utf8'), {
      Deployment: 'campus',
      Bucket: 'campus-backup',
      KeysBucket: 'campus-backup-keys',
    })
    // It passes over policies of buckets.
    expect(made(resources)).toEqual(expect.arrayContaining(['BackupBucket', 'Key', 'KeyAlias', 'KeyBucket']))
  })

  test('makes the queues, roles, key and topic of the functions', async () => {
    // Alarms it makes without saying so. Code, subnets, and what moto cannot make are left out: EFS gives it no ARN, and an event source needs a function.
    const left = new Set([
      'AWS::Lambda::Function',
      'AWS::Lambda::EventSourceMapping',
      'AWS::Lambda::Permission',
      'AWS::EFS::AccessPoint',
      'AWS::EC2::SecurityGroup',
      'AWS::Logs::LogGroup',
      'AWS::S3::Bucket',
      'AWS::S3::BucketPolicy',
    ])
    const kept = Object.entries(packaged.Resources).filter(([, { Type }]) => !left.has(Type))
    const text = JSON.stringify({ AWSTemplateFormatVersion: '2010-09-09', Resources: Object.fromEntries(kept) })
    const withoutFileSystem = text.replaceAll(
      '{"Fn::GetAtt":["AccessPoint","Arn"]}',
      '"arn:aws:elasticfilesystem:eu-central-1:123456789012:access-point/fsap-0"',
    )
    const resources = await create('functions', withoutFileSystem)
    for (const [type, least] of [
      ['AWS::SQS::Queue', 7],
      ['AWS::IAM::Role', 9],
      ['AWS::SNS::Topic', 1],
      ['AWS::KMS::Key', 1],
    ] as const) {
      const wanted = kept.filter(([, { Type }]) => Type === type)
      expect(wanted.length).toBeGreaterThanOrEqual(least)
      expect(resources.filter(({ ResourceType }) => ResourceType === type)).toHaveLength(wanted.length)
    }
  })
})
