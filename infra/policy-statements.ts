/**
 * The statements that roles are put together from: each allows what one driver of `lib/platform` calls for one purpose, and no more. test/package/roles.test.ts holds
 * them against the calls that the use cases really make.
 */
import type { QueueName } from '../lib/platform/queue/port.ts'
import { queueNames } from '../lib/platform/queue/port.ts'
import { arn, attribute, ref, sub } from './cloudformation.ts'
import type { Value } from './cloudformation.ts'
import type { Plan } from './plan.ts'
import { MESSAGE_KEY, queueArn } from './queues.ts'

export type Purpose = 'deployment' | 'tree' | 'content'
type Place = 'store' | 'keys'

/** Where keys of objects begin; those of `keys/` and `erased/` may lie in a bucket of their own. */
export const OBJECTS = {
  deployment: 'deployment/*',
  runs: 'runs/*',
  restores: 'restores/*',
  keys: 'keys/*',
  firstDeployment: 'deployment/1',
  firstDeploymentKeys: 'keys/deployment/1',
  /** A slice's id has 26 characters: not the deployment's own keys. */
  sliceKeys: `keys/${'?'.repeat(26)}/*`,
  erased: 'erased/*',
  packs: 'slices/*/packs/*',
  trees: 'slices/*/trees/*',
  index: 'slices/*/index/*',
  snapshots: 'slices/*/snapshots/*',
  checkpoints: 'slices/*/checkpoints/*',
  condemned: 'slices/*/condemned/*',
  marks: 'slices/*/marks/*',
  claims: 'slices/*/claims/*',
} as const
export type Objects = keyof typeof OBJECTS

export interface ObjectRights {
  readonly read: readonly Objects[]
  readonly create?: readonly Objects[]
  readonly delete?: readonly Objects[]
}

export function allow(actions: readonly string[], resource: Value, condition?: Readonly<Record<string, Value>>): Value {
  return {
    Effect: 'Allow',
    Action: actions,
    Resource: resource,
    ...(condition === undefined || Object.keys(condition).length === 0 ? {} : { Condition: condition }),
  }
}

export function deny(actions: readonly string[], resource: Value, condition?: Readonly<Record<string, Value>>): Value {
  return { ...(allow(actions, resource, condition) as object), Effect: 'Deny' }
}

/** Objects, the listing of them, and the key that the bucket encrypts them with. */
export function objectStatements(plan: Plan, { read, create = [], delete: remove = [] }: ObjectRights): Value[] {
  const arns = (objects: readonly Objects[]): Value => objects.map((name) => objectArn(plan, name))
  const buckets = [...new Set([plan.store.bucket, plan.keyBucket])].map(bucketArn)
  return [
    allow(['s3:GetObject'], arns(read)),
    ...(create.length === 0 ? [] : [allow(['s3:PutObject'], arns(create))]),
    ...(remove.length === 0 ? [] : [allow(['s3:DeleteObject'], arns(remove))]),
    // Without the right to list, S3 answers "denied" for an object that is not there. It asks for that right then without a prefix, hence IfExists and the empty one.
    allow(['s3:ListBucket'], buckets, {
      StringLikeIfExists: { 's3:prefix': plan.store.prefix === '' ? ['*'] : ['', `${plan.store.prefix}/*`] },
    }),
    ...bucketKeyStatements(plan, buckets, create.length > 0),
  ]
}

/** S3 uses the bucket's key in the caller's name, and names the bucket (or, without a bucket key, the object) in the context: so it can unwrap nothing of ours. */
function bucketKeyStatements(plan: Plan, buckets: readonly Value[], creates: boolean): Value[] {
  const { encryptionKey, region } = plan.store
  const place = region === undefined ? {} : { region }
  const key = encryptionKey === undefined ? plan.kms : { key: encryptionKey, ...place }
  const { resource, condition } = keyOf(key)
  return [
    allow(creates ? ['kms:Decrypt', 'kms:GenerateDataKey'] : ['kms:Decrypt'], resource, {
      ...condition,
      StringLike: {
        'kms:ViaService': `s3.${region ?? '*'}.amazonaws.com`,
        'kms:EncryptionContext:aws:s3:arn': buckets.flatMap((bucket) => [bucket, below(bucket)]),
      },
    }),
  ]
}

/** What the key service is asked for: the purposes stand in the encryption context, and so does the deployment. */
export function keyStatements(
  plan: Plan,
  {
    unwrap,
    wrap = [],
    look = false,
  }: { readonly unwrap: readonly Purpose[]; readonly wrap?: readonly Purpose[]; readonly look?: boolean },
): Value[] {
  const { resource, condition } = keyOf(plan.kms)
  const inContext = (purposes: readonly Purpose[]): Readonly<Record<string, Value>> => ({
    ...condition,
    StringEquals: {
      'kms:EncryptionContext:deployment': plan.aws.deploymentId,
      'kms:EncryptionContext:purpose': purposes,
    },
  })
  return [
    allow(['kms:Decrypt'], resource, inContext(unwrap)),
    ...(wrap.length === 0 ? [] : [allow(['kms:Encrypt'], resource, inContext(wrap))]),
    // In which state it is.
    ...(look ? [allow(['kms:DescribeKey'], resource, condition)] : []),
  ]
}

/** Messages that are taken from queues: the host receives and deletes, the use case hides. */
export function consumeStatements(queues: readonly Value[]): Value[] {
  return [
    allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'], queues),
    allow(['kms:Decrypt'], attribute(MESSAGE_KEY, 'Arn'), viaSqs()),
  ]
}

/** SQS opens the data key that it makes, hence Decrypt. */
export function sendStatements(queues: readonly Value[]): Value[] {
  return [
    allow(['sqs:SendMessage'], queues),
    allow(['kms:GenerateDataKey', 'kms:Decrypt'], attribute(MESSAGE_KEY, 'Arn'), viaSqs()),
  ]
}

function viaSqs(): Readonly<Record<string, Value>> {
  return { StringLike: { 'kms:ViaService': 'sqs.*.amazonaws.com' } }
}

/** Every function looks at every queue when it opens, so that one with wrong times is refused by name before the first write. */
export function lookAtQueues(plan: Plan): Value[] {
  const all = queueNames.flatMap((name: QueueName) => [queueArn(plan, name), queueArn(plan, name, true)])
  return [allow(['sqs:GetQueueUrl', 'sqs:GetQueueAttributes'], all)]
}

export function alarmStatements(plan: Plan): Value[] {
  if (plan.topic === undefined) return []
  return [
    allow(['sns:Publish'], plan.topic),
    allow(['kms:GenerateDataKey', 'kms:Decrypt'], attribute(MESSAGE_KEY, 'Arn'), {
      StringLike: { 'kms:ViaService': 'sns.*.amazonaws.com' },
    }),
  ]
}

/** The settings themselves, where they are not in the package: all that a function needs which asks no source. */
export function settingsStatements(plan: Plan): Value[] {
  const { settingsFrom } = plan.aws
  return settingsFrom === 'package' ? [] : secretStatements(plan, [settingsFrom])
}

/** Secrets and parameters by their names, as the settings refer to them. */
export function secretStatements({ aws }: Plan, references: readonly string[]): Value[] {
  const named = (service: string): string[] => [
    ...new Set(references.filter((one) => one.startsWith(`${service}:`)).map((one) => one.slice(service.length + 1))),
  ]
  const secrets = named('aws-sm').map((name) => name.split('#')[0] ?? '')
  const parameters = named('aws-ssm')
  const arns = (names: readonly string[], service: string, resource: (name: string) => string): Value =>
    [...new Set(names)].map((name) => (name.startsWith('arn:') ? name : arn(service, resource(name))))
  return [
    ...(secrets.length === 0
      ? []
      : // Secrets Manager puts six characters behind a name.
        [
          allow(
            ['secretsmanager:GetSecretValue'],
            arns(secrets, 'secretsmanager', (name) => `secret:${name}-??????`),
          ),
        ]),
    ...(parameters.length === 0
      ? []
      : [
          allow(
            ['ssm:GetParameter'],
            arns(parameters, 'ssm', (name) => `parameter/${name.replace(/^\//, '')}`),
          ),
        ]),
    ...(aws.secretKeys.length === 0 || references.length === 0
      ? []
      : [
          allow(['kms:Decrypt'], aws.secretKeys, {
            StringLike: { 'kms:ViaService': ['secretsmanager.*.amazonaws.com', 'ssm.*.amazonaws.com'] },
          }),
        ]),
  ]
}

/**
 * Reads the homes through our access point as root, and is forbidden to write, also where the file system's own policy, or having none, would let anybody: Nebari's files
 * are not changed. Only who `writes` may, through the same access point.
 */
export function fileSystemStatements(plan: Plan, { writes = false }: { readonly writes?: boolean } = {}): Value[] {
  const { fileSystem } = plan.aws
  if (plan.mount === undefined || fileSystem === undefined) return []
  const resource = arn('elasticfilesystem', `file-system/${fileSystem.id}`)
  return [
    allow(['ClientMount', 'ClientRootAccess', ...(writes ? ['ClientWrite'] : [])].map(toFileSystem), resource, {
      StringEquals: {
        'elasticfilesystem:AccessPointArn': fileSystem.accessPoint ?? attribute('AccessPoint', 'Arn'),
      },
    }),
    ...(writes ? [] : [deny([toFileSystem('ClientWrite')], '*')]),
  ]
}

function toFileSystem(action: string): string {
  return `elasticfilesystem:${action}`
}

/** What the host of a function does in its name: network interfaces (not the code of the function: AWS's own condition), log lines, traces. */
export function hostStatements(
  plan: Plan,
  functionNames: readonly string[],
  { inNetwork }: { readonly inNetwork: boolean },
): Value[] {
  const interfaces = [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ]
  return [
    allow(
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
      functionNames.map((name) => arn('logs', `log-group:/aws/lambda/${name}:*`)),
    ),
    ...(inNetwork
      ? [
          allow(interfaces, '*'),
          deny(interfaces, '*', {
            ArnEquals: { 'lambda:SourceFunctionArn': functionNames.map((name) => arn('lambda', `function:${name}`)) },
          }),
        ]
      : []),
    ...(plan.aws.tracing ? [allow(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], '*')] : []),
  ]
}

export function objectArn(plan: Plan, name: Objects): Value {
  const path = plan.store.prefix === '' ? OBJECTS[name] : `${plan.store.prefix}/${OBJECTS[name]}`
  return sub(`arn:\${AWS::Partition}:s3:::${bucketOf(plan, placeOf(name))}/${path}`)
}

function placeOf(name: Objects): Place {
  return OBJECTS[name].startsWith('keys/') || name === 'erased' ? 'keys' : 'store'
}

function bucketOf(plan: Plan, place: Place): string {
  return place === 'keys' ? plan.keyBucket : plan.store.bucket
}

function bucketArn(bucket: string): Value {
  return sub(`arn:\${AWS::Partition}:s3:::${bucket}`)
}

function below(bucket: Value): Value {
  return { 'Fn::Join': ['', [bucket, '/*']] }
}

/** A policy names keys by ARN; an alias is a condition on all of them. */
function keyOf({ key, region }: { readonly key: string; readonly region?: string }): {
  readonly resource: Value
  readonly condition: Readonly<Record<string, Value>>
} {
  if (key.startsWith('arn:') && !key.includes(':alias/')) return { resource: key, condition: {} }
  const place = region === undefined ? {} : { region }
  const alias = key.startsWith('arn:') ? key.slice(key.indexOf(':alias/') + 1) : key
  if (!alias.startsWith('alias/')) return { resource: arn('kms', `key/${key}`, place), condition: {} }
  const keys = key.startsWith('arn:') ? `${key.slice(0, key.indexOf(':alias/'))}:key/*` : arn('kms', 'key/*', place)
  return { resource: keys, condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': [alias] } } }
}

/** For the few places that are trusted by account alone. */
export function ownAccount(): Readonly<Record<string, Value>> {
  return { StringEquals: { 'aws:SourceAccount': ref('AWS::AccountId') } }
}
