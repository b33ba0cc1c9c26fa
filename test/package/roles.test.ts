/**
 * The roles against what the code really asks of AWS: each function's calls are recorded over two nights with failures, and its role must allow every one of them and
 * refuse every other kind of call. What a role may do beyond the recorded calls stands below, each with its reason.
 */
import { beforeAll, describe, expect, test } from '@jest/globals'
import { queueNames } from '../../lib/platform/queue/port.ts'
import { campusPolicies, OTHER, places, SLICE, topic } from '../kit/iam/campus-policies.ts'
import type { CampusPolicies } from '../kit/iam/campus-policies.ts'
import { keyCall, objectCall, queueCall, TLS } from '../kit/iam/record-calls.ts'
import type { Call } from '../kit/iam/record-calls.ts'
import { recordFunctions } from '../kit/iam/record-functions.ts'
import type { Recorded } from '../kit/iam/record-functions.ts'
import { ACCOUNT, REGION } from '../kit/iam/resolve-template.ts'

let recorded: Recorded
let policies: CampusPolicies

beforeAll(async () => {
  recorded = await recordFunctions(places, topic)
  policies = campusPolicies(recorded.deploymentId)
})

const recordedNames = [
  'schedule',
  'backup-slice',
  'settle-run',
  'dead-letter',
  'replay-run',
  'plan-restore',
  'restore-slice',
  'prune-slice',
  'compact-slice',
] as const

/** The kind of a call: with ids and numbers left out, the purpose and the deployment instead of the whole context. */
function kindOf({ action, resource, context }: Call): string {
  if (action === 's3:ListBucket') return `${action} ${resource}`
  if (action.startsWith('s3:')) {
    const key = resource.replace(/^arn:aws:s3:::/, '')
    // A number more of the deployment's is read like the first; making one is another thing.
    const path = action === 's3:GetObject' ? key.replace(/\/deployment\/\d+$/, '/deployment/*') : key
    return `${action} ${path
      .replace(/\/(slices|keys|erased)\/[a-z2-7]{26}/, '/$1/*')
      .replace(/(slices\/\*\/[a-z]+)\/.*/, '$1')
      .replace(/\/(runs|restores)\/.*/, '/$1')
      .replace(/\/keys\/\*\/.*/, '/keys/*')}`
  }
  if (action.startsWith('kms:')) {
    const [deployment, purpose] = ['deployment', 'purpose'].map((name) => context[`kms:EncryptionContext:${name}`])
    const whose = deployment === recorded.deploymentId ? 'ours' : 'of another'
    return `${action} ${resource === places.key ? `${purpose} ${whose}` : resource} ${context['kms:ViaService'] ?? ''}`.trim()
  }
  return `${action} ${resource.split(':').at(-1)}`
}

/** Every kind of call there could be, one of each. */
function everyKind(): Call[] {
  const inSlice = ['packs', 'trees', 'index', 'snapshots', 'checkpoints', 'condemned', 'marks', 'claims']
  const objects = [
    ...['deployment/1', 'deployment/3', 'runs/r/run', 'restores/r/plan'],
    ...inSlice.map((name) => `slices/${SLICE}/${name}/x`),
  ]
  const keys = ['keys/deployment/1', 'keys/deployment/2', `keys/${SLICE}/1`, `erased/${SLICE}`]
  const verbs = ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:DeleteObjectVersion', 's3:PutObjectRetention']
  const ofObjects = verbs.flatMap((verb) => [
    ...objects.map((key) => objectCall(verb, places.bucket, `campus/${key}`)),
    ...keys.map((key) => objectCall(verb, places.keyBucket, `campus/${key}`)),
    // Another deployment in the same bucket, the halves in each other's bucket, another bucket.
    objectCall(verb, places.bucket, `other/slices/${SLICE}/trees/x`),
    objectCall(verb, places.bucket, `campus/keys/${SLICE}/1`),
    objectCall(verb, places.keyBucket, `campus/slices/${SLICE}/trees/x`),
    objectCall(verb, 'elsewhere', `campus/slices/${SLICE}/trees/x`),
  ])
  const ofBuckets = [places.bucket, places.keyBucket, 'elsewhere'].flatMap((bucket) =>
    [
      's3:ListBucket',
      's3:PutBucketPolicy',
      's3:PutBucketVersioning',
      's3:PutLifecycleConfiguration',
      's3:DeleteBucket',
    ].map((action) => ({
      action,
      resource: `arn:aws:s3:::${bucket}`,
      context: action === 's3:ListBucket' ? { ...TLS, 's3:prefix': 'campus/runs/' } : TLS,
    })),
  )
  const ofKey = ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey', 'kms:ReEncryptFrom'].flatMap((action) =>
    ['deployment', 'tree', 'content'].flatMap((purpose) =>
      [recorded.deploymentId, OTHER].map((deployment) =>
        keyCall(action, places.key, { deployment, ...(purpose === 'deployment' ? {} : { slice: SLICE }), purpose }),
      ),
    ),
  )
  const ofKeyItself = [
    'kms:ScheduleKeyDeletion',
    'kms:DisableKey',
    'kms:PutKeyPolicy',
    'kms:CreateGrant',
    'kms:DescribeKey',
  ].map((action) => keyCall(action, places.key, {}))
  const queues = [...queueNames.flatMap((name) => [name, `${name}-dead`]), 'schedule-dead']
  const ofQueues = [
    'SendMessage',
    'ReceiveMessage',
    'DeleteMessage',
    'ChangeMessageVisibility',
    'GetQueueUrl',
    'GetQueueAttributes',
    'PurgeQueue',
    'DeleteQueue',
    'SetQueueAttributes',
  ].flatMap((verb) => queues.map((name) => queueCall(`sqs:${verb}`, `${places.queues}-${name}`)))
  const ofOthers = [
    queueCall('sns:Publish', topic),
    queueCall('sns:Publish', `${topic}-of-others`),
    queueCall(
      'secretsmanager:GetSecretValue',
      `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:toriki/campus/keycloak-a1B2c3`,
    ),
    queueCall(
      'secretsmanager:GetSecretValue',
      `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:toriki/campus/keycloak-restore-a1B2c3`,
    ),
    queueCall('lambda:InvokeFunction', `arn:aws:lambda:${REGION}:${ACCOUNT}:function:toriki-campus-schedule`),
    queueCall('iam:PassRole', `arn:aws:iam::${ACCOUNT}:role/toriki-campus-backup`),
    queueCall('sts:AssumeRole', `arn:aws:iam::${ACCOUNT}:role/toriki-campus-restore`),
    ...['ClientMount', 'ClientRootAccess', 'ClientWrite'].map((verb) => ({
      action: `elasticfilesystem:${verb}`,
      resource: `arn:aws:elasticfilesystem:${REGION}:${ACCOUNT}:file-system/fs-0123456789abcdef0`,
      context: {
        ...TLS,
        'elasticfilesystem:AccessPointArn': `arn:aws:elasticfilesystem:${REGION}:${ACCOUNT}:access-point/AccessPoint`,
      },
    })),
  ]
  return [...ofObjects, ...ofBuckets, ...ofKey, ...ofKeyItself, ...ofQueues, ...ofOthers]
}

/** What the host does in a function's name for the queues it feeds it from. */
const host = (...queues: readonly string[]): string[] =>
  queues.flatMap((name) => ['Receive', 'Delete'].map((verb) => `sqs:${verb}Message toriki-campus-${name}`))
const source = 'secretsmanager:GetSecretValue toriki/campus/keycloak-a1B2c3'
const homes = ['Mount', 'RootAccess'].map((verb) => `elasticfilesystem:Client${verb} file-system/fs-0123456789abcdef0`)

const restoreSource = 'secretsmanager:GetSecretValue toriki/campus/keycloak-restore-a1B2c3'
const writing = 'elasticfilesystem:ClientWrite file-system/fs-0123456789abcdef0'

/** What a restore may come upon, and did not here. */
const unread = ['claims', 'condemned', 'checkpoints'].map(
  (name) => `s3:GetObject campus-backup/campus/slices/*/${name}`,
)

/** Read where `accept` or prune left some, which none did in these nights. */
const marks = 's3:GetObject campus-backup/campus/slices/*/marks'

/** Beyond the recorded calls, with the reason. */
const beyond: Readonly<Record<(typeof recordedNames)[number], readonly string[]>> = {
  // The host keeps the event there that failed after all tries.
  schedule: [source, ...homes, marks, 'sqs:SendMessage toriki-campus-schedule-dead'],
  'backup-slice': [
    source,
    ...homes,
    marks,
    's3:GetObject campus-backup/campus/slices/*/condemned',
    ...host('backup-slice'),
    // doctor has this role: it looks at the key, and creates once more what is there.
    'kms:DescribeKey undefined of another',
    's3:PutObject campus-backup/campus/deployment/1',
    's3:PutObject campus-backup-keys/campus/keys/deployment/1',
  ],
  'settle-run': [marks, ...host('settle-run')],
  // Nothing of theirs is hidden: what fails comes back when the queue's own visibility ends. The right comes with taking messages.
  'dead-letter': [
    marks,
    ...host(...queueNames.map((name) => `${name}-dead`)),
    ...queueNames.map((name) => `sqs:ChangeMessageVisibility toriki-campus-${name}-dead`),
    // Those who waited for a shared slice whose message was given up.
    'sqs:SendMessage toriki-campus-plan-restore',
    'sqs:SendMessage toriki-campus-restore-slice',
    // It may be the first to look at a run that is over.
    'sqs:SendMessage toriki-campus-prune-slice',
  ],
  'replay-run': [marks, ...host('replay-run')],
  'plan-restore': [
    source,
    restoreSource,
    ...homes,
    ...unread,
    // Long bodies and secrets lie there; here all of them were short.
    's3:GetObject campus-backup/campus/slices/*/packs',
    ...host('plan-restore'),
  ],
  'restore-slice': [
    source,
    restoreSource,
    ...homes,
    writing,
    ...unread,
    // Of slices whose tree a snapshot has no room for.
    ...['Get', 'Put'].map((verb) => `s3:${verb}Object campus-backup/campus/slices/*/trees`),
    ...host('restore-slice'),
  ],
  'prune-slice': [
    ...host('prune-slice'),
    'sqs:ChangeMessageVisibility toriki-campus-prune-slice',
    // Here no restore was old, no index had to be written anew and no tree was pruned.
    's3:GetObject campus-backup/campus/restores',
    's3:DeleteObject campus-backup/campus/restores',
    's3:PutObject campus-backup/campus/slices/*/index',
    's3:DeleteObject campus-backup/campus/slices/*/trees',
    // As the format gives it to whoever prunes.
    's3:GetObject campus-backup/campus/slices/*/claims',
    ...['runs', 'slices/*/trees'].map((path) => `s3:PutObject campus-backup/campus/${path}`),
  ],
  'compact-slice': [
    ...host('compact-slice'),
    'sqs:ChangeMessageVisibility toriki-campus-compact-slice',
    ...unread,
    // Are runs with checkpoints over? None had any left.
    's3:GetObject campus-backup/campus/runs',
    ...['Get', 'Put'].map((verb) => `s3:${verb}Object campus-backup/campus/slices/*/trees`),
    // What there was no time for; and what does not open is told.
    'sqs:SendMessage toriki-campus-compact-slice',
    's3:PutObject campus-backup/campus/runs',
    'sns:Publish toriki-campus-alarms',
  ],
}

test('all is recorded that the functions are known to do', () => {
  const kinds = recordedNames.map((name) => [name, new Set(recorded.calls.get(name)!.map(kindOf))] as const)
  const by = Object.fromEntries(kinds)
  expect([...by['backup-slice']!]).toEqual(
    expect.arrayContaining([
      's3:PutObject campus-backup/campus/slices/*/packs',
      's3:PutObject campus-backup/campus/slices/*/checkpoints',
      's3:GetObject campus-backup/campus/slices/*/checkpoints',
      's3:PutObject campus-backup-keys/campus/keys/*',
      'kms:Encrypt content ours',
      'sqs:SendMessage toriki-campus-backup-slice',
      'sqs:SendMessage toriki-campus-backup-slice-dead',
      'sqs:ChangeMessageVisibility toriki-campus-backup-slice',
    ]),
  )
  for (const [, one] of kinds) expect([...one]).toContain('kms:Decrypt deployment ours')
})

describe.each(recordedNames)('%s', (name) => {
  test('may do all that it asks for', () => {
    const calls = recorded.calls.get(name)!
    expect(calls.length).toBeGreaterThan(20)
    const refused = calls.filter((call) => policies.answer(name, call) === 'denied')
    expect([...new Set(refused.map(kindOf))]).toEqual([])
  })

  test('may do nothing else, by its own policy alone', () => {
    const known = new Set([...recorded.calls.get(name)!.map(kindOf), ...beyond[name]])
    const allowed = everyKind().filter((call) => policies.answerByRole(name, call) === 'allowed')
    expect([...new Set(allowed.map(kindOf))].filter((kind) => !known.has(kind))).toEqual([])
  })

  test('each right beyond the recorded calls is one it has', () => {
    const allowed = new Set(
      everyKind()
        .filter((call) => policies.answer(name, call) === 'allowed')
        .map(kindOf),
    )
    expect(beyond[name].filter((kind) => !allowed.has(kind))).toEqual([])
  })
})
