/**
 * What the roles and the policies of bucket, key and queues promise, each promise by name: also where a role would be given too much, the buckets and the key refuse.
 */
import { describe, expect, test } from '@jest/globals'
import { evaluate } from '../kit/iam/evaluate.ts'
import type { Request, Statement } from '../kit/iam/evaluate.ts'
import { campusPolicies, messageKey, OTHER, places, SLICE } from '../kit/iam/campus-policies.ts'
import type { RoleName } from '../kit/iam/campus-policies.ts'
import { CREATE_ONLY, keyCall, objectCall, queueCall, TLS } from '../kit/iam/record-calls.ts'
import type { Call } from '../kit/iam/record-calls.ts'
import { ACCOUNT, REGION } from '../kit/iam/resolve-template.ts'

const OURS = 'abcdefghijklmnopqrstuvwxyz'
const policies = campusPolicies(OURS)
const { answer, answerAdministrator, answerByRole } = policies

const inSlice = (kind: string): string => `campus/slices/${SLICE}/${kind}/x`
const get = (key: string): Call => objectCall('s3:GetObject', places.bucket, key)
const put = (key: string): Call => objectCall('s3:PutObject', places.bucket, key)
const remove = (key: string): Call => objectCall('s3:DeleteObject', places.bucket, key)
const unwrap = (purpose: string, deployment = OURS): Call =>
  keyCall('kms:Decrypt', places.key, { deployment, slice: SLICE, purpose })
const without = (call: Call, ...names: readonly string[]): Call => ({
  ...call,
  context: Object.fromEntries(Object.entries(call.context).filter(([name]) => !names.includes(name))),
})
const plainHttp = (call: Call): Call => ({ ...call, context: { ...call.context, 'aws:SecureTransport': 'false' } })

const slices = ['packs', 'trees', 'index', 'snapshots', 'checkpoints', 'condemned', 'marks', 'claims']
const everyRole: readonly RoleName[] = [
  'schedule',
  'backup-slice',
  'settle-run',
  'dead-letter',
  'replay-run',
  'plan-restore',
  'restore-slice',
  'prune-slice',
  'compact-slice',
  'prune',
  'check',
  'restore',
]

describe('backup', () => {
  test('deletes nothing', () => {
    for (const kind of slices) {
      expect(answer('backup-slice', remove(inSlice(kind)))).toBe('denied')
      expect(answerByRole('backup-slice', remove(inSlice(kind)))).toBe('denied')
    }
    const key = objectCall('s3:DeleteObject', places.keyBucket, `campus/keys/${SLICE}/1`)
    expect(answer('backup-slice', key)).toBe('denied')
  })

  test('writes packs and cannot read them', () => {
    expect(answer('backup-slice', put(inSlice('packs')))).toBe('allowed')
    expect(answer('backup-slice', get(inSlice('packs')))).toBe('denied')
  })

  test('wraps content and cannot unwrap it', () => {
    const wrap = keyCall('kms:Encrypt', places.key, { deployment: OURS, slice: SLICE, purpose: 'content' })
    expect(answer('backup-slice', wrap)).toBe('allowed')
    expect(answer('backup-slice', unwrap('content'))).toBe('denied')
    // Also with a key that was there already, whose policy forbids nothing.
    expect(answerByRole('backup-slice', unwrap('content'))).toBe('denied')
  })

  test('unwraps trees of this deployment and of no other', () => {
    expect(answer('backup-slice', unwrap('tree'))).toBe('allowed')
    expect(answer('backup-slice', unwrap('tree', OTHER))).toBe('denied')
    // Without a context nothing of ours was wrapped, but something of others may have been.
    expect(answer('backup-slice', keyCall('kms:Decrypt', places.key, {}))).toBe('denied')
  })

  test('reads the homes through our access point alone, and cannot write them', () => {
    const fileSystem = `arn:aws:elasticfilesystem:${REGION}:${ACCOUNT}:file-system/fs-0123456789abcdef0`
    const through = (verb: string, point: string): Call => ({
      action: `elasticfilesystem:${verb}`,
      resource: fileSystem,
      context: { ...TLS, 'elasticfilesystem:AccessPointArn': point },
    })
    const ours = `arn:aws:elasticfilesystem:${REGION}:${ACCOUNT}:access-point/AccessPoint`
    expect(answer('backup-slice', through('ClientMount', ours))).toBe('allowed')
    expect(answer('backup-slice', through('ClientMount', `${ours}Other`))).toBe('denied')
    // A file system without a policy lets anybody write who comes in; a Deny of ours holds all the same.
    const anybody: Statement = { Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }
    const { Policies } = policies.functions['BackupRole']!.Properties as {
      readonly Policies: readonly { readonly PolicyDocument: { readonly Statement: readonly Statement[] } }[]
    }
    const identity = Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    const request = { ...through('ClientWrite', ours), principal: 'arn:aws:iam::1:role/x', account: '1' }
    expect(evaluate(request, { identity: [], resource: [anybody] })).toBe('allowed')
    expect(evaluate(request, { identity, resource: [anybody] })).toBe('denied')
  })
})

describe.each(['prune', 'prune-slice'] as const)('%s', (name) => {
  test('deletes what it condemned, and reads no content', () => {
    for (const kind of ['packs', 'trees', 'index', 'snapshots', 'checkpoints', 'condemned'])
      expect(answer(name, remove(inSlice(kind)))).toBe('allowed')
    expect(answer(name, get(inSlice('packs')))).toBe('denied')
    expect([answer(name, unwrap('content')), answerByRole(name, unwrap('content'))]).toEqual(['denied', 'denied'])
    expect(answer(name, unwrap('tree'))).toBe('allowed')
  })

  test('deletes no key, no mark and no version', () => {
    for (const call of [
      objectCall('s3:DeleteObject', places.keyBucket, `campus/keys/${SLICE}/1`),
      remove(inSlice('marks')),
    ])
      expect(answerByRole(name, call)).toBe('denied')
    expect(answer(name, objectCall('s3:DeleteObject', places.keyBucket, `campus/keys/${SLICE}/1`))).toBe('denied')
    expect(answer(name, remove(inSlice('marks')))).toBe('denied')
    expect(answer(name, objectCall('s3:DeleteObjectVersion', places.bucket, inSlice('packs')))).toBe('denied')
  })
})

describe.each(['check', 'restore', 'plan-restore', 'restore-slice', 'compact-slice'] as const)('%s', (name) => {
  test('reads everything and deletes nothing', () => {
    for (const kind of slices) {
      expect(answer(name, get(inSlice(kind)))).toBe('allowed')
      expect(answer(name, remove(inSlice(kind)))).toBe('denied')
    }
    expect(answer(name, unwrap('content'))).toBe('allowed')
    expect(answer(name, unwrap('content', OTHER))).toBe('denied')
  })
})

test('restore alone reads the credentials of restore', () => {
  const secret = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:toriki/campus/keycloak-restore-a1B2c3`
  const may = everyRole.filter((name) => answer(name, queueCall('secretsmanager:GetSecretValue', secret)) === 'allowed')
  expect(may).toEqual(['plan-restore', 'restore-slice', 'restore'])
})

test('restore-slice alone writes to the homes, through our access point', () => {
  const write = (point: string): Call => ({
    action: 'elasticfilesystem:ClientWrite',
    resource: `arn:aws:elasticfilesystem:${REGION}:${ACCOUNT}:file-system/fs-0123456789abcdef0`,
    context: { ...TLS, 'elasticfilesystem:AccessPointArn': point },
  })
  const ours = `arn:aws:elasticfilesystem:${REGION}:${ACCOUNT}:access-point/AccessPoint`
  expect(everyRole.filter((name) => answer(name, write(ours)) === 'allowed')).toEqual(['restore-slice'])
  expect(answer('restore-slice', write(`${ours}Other`))).toBe('denied')
})

test('compacting writes packs, their index and its records, and nothing else', () => {
  const may = slices.filter((kind) => answer('compact-slice', put(inSlice(kind))) === 'allowed')
  expect(may).toEqual(['packs', 'trees', 'index'])
})

test('planning a restore writes nothing but its records', () => {
  for (const kind of slices) expect(answer('plan-restore', put(inSlice(kind)))).toBe('denied')
  expect(answer('plan-restore', put('campus/restores/r/plans/s/head'))).toBe('allowed')
})

describe('the buckets', () => {
  const keyOf = (bucket: string): string => (bucket === places.bucket ? inSlice('packs') : `campus/keys/${SLICE}/1`)
  describe.each([places.bucket, places.keyBucket])('%s', (bucket) => {
    const create = objectCall('s3:PutObject', bucket, keyOf(bucket))

    test('takes a PUT that creates, and refuses everybody one without If-None-Match', () => {
      expect(answer('backup-slice', create)).toBe('allowed')
      expect(answerAdministrator(create)).toBe('allowed')
      expect(answer('backup-slice', without(create, 's3:if-none-match'))).toBe('denied')
      expect(answerAdministrator(without(create, 's3:if-none-match'))).toBe('denied')
    })

    test('takes the parts of a large upload, and its completion only with If-None-Match', () => {
      const part = {
        ...without(create, 's3:if-none-match'),
        context: { ...TLS, 's3:ObjectCreationOperation': 'false' },
      }
      expect(answerAdministrator(part)).toBe('allowed')
      expect(answerAdministrator({ ...create, context: { ...TLS, ...CREATE_ONLY } })).toBe('allowed')
      expect(answerAdministrator(without(create, 's3:if-none-match'))).toBe('denied')
    })

    test('refuses plain HTTP, reading and writing', () => {
      for (const call of [
        create,
        objectCall('s3:GetObject', bucket, keyOf(bucket)),
        queueCall('s3:ListBucket', `arn:aws:s3:::${bucket}`),
      ]) {
        expect(answerAdministrator(call)).toBe('allowed')
        expect(answerAdministrator(plainHttp(call))).toBe('denied')
      }
    })
  })

  test('let a role of ours delete nothing but prune its own, also one that was given everything', () => {
    const policy = policies.storage['BackupBucketPolicy']!.Properties['PolicyDocument'] as { Statement: Statement[] }
    const ask = (name: string): string => {
      const principal = `arn:aws:iam::${ACCOUNT}:role/toriki-campus-${name}`
      const request: Request = {
        ...remove(inSlice('packs')),
        principal,
        account: ACCOUNT,
        context: { ...TLS, 'aws:PrincipalArn': principal },
      }
      return evaluate(request, {
        identity: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
        resource: policy.Statement,
      })
    }
    expect(['backup', 'schedule', 'check', 'restore', 'compact-slice'].map(ask)).toEqual(Array(5).fill('denied'))
    expect(['prune', 'prune-slice'].map(ask)).toEqual(['allowed', 'allowed'])
  })
})

describe('the key', () => {
  const { Statement: key } = policies.storage['Key']!.Properties['KeyPolicy'] as { Statement: Statement[] }
  const ask = (name: string, call: Call): string => {
    const principal = `arn:aws:iam::${ACCOUNT}:role/${name}`
    return evaluate(
      { ...call, principal, account: ACCOUNT, context: { ...call.context, 'aws:PrincipalArn': principal } },
      { identity: [{ Effect: 'Allow', Action: '*', Resource: '*' }], key },
    )
  }

  test('is not deleted, disabled or given away by a role of ours, also one that was given everything', () => {
    for (const action of ['kms:ScheduleKeyDeletion', 'kms:DisableKey', 'kms:PutKeyPolicy', 'kms:CreateGrant']) {
      expect(ask('administrator', keyCall(action, places.key, {}))).toBe('allowed')
      for (const name of ['backup', 'prune', 'restore'])
        expect(ask(`toriki-campus-${name}`, keyCall(action, places.key, {}))).toBe('denied')
    }
  })

  test('opens content to check, compact and restore alone, also to a role that was given everything', () => {
    const may = everyRole.filter(
      (name) => ask(`toriki-campus-${name === 'backup-slice' ? 'backup' : name}`, unwrap('content')) === 'allowed',
    )
    expect(may).toEqual(['plan-restore', 'restore-slice', 'compact-slice', 'check', 'restore'])
  })

  test('is used for the buckets by way of S3, for our buckets alone, and for nothing that we wrapped', () => {
    const byS3 = (bucket: string, more: Readonly<Record<string, string>> = {}): Call => ({
      action: 'kms:Decrypt',
      resource: places.key,
      context: {
        ...TLS,
        'kms:ViaService': `s3.${REGION}.amazonaws.com`,
        'kms:EncryptionContext:aws:s3:arn': `arn:aws:s3:::${bucket}`,
        ...more,
      },
    })
    for (const name of everyRole) {
      expect(answer(name, byS3(places.bucket))).toBe('allowed')
      expect(answer(name, byS3('elsewhere'))).toBe('denied')
      expect(answer(name, without(byS3(places.bucket), 'kms:ViaService'))).toBe('denied')
    }
    expect(answer('backup-slice', { ...byS3(places.bucket), action: 'kms:GenerateDataKey' })).toBe('allowed')
  })
})

describe('the queues', () => {
  test('refuse plain HTTP', () => {
    const send = queueCall('sqs:SendMessage', `${places.queues}-backup-slice`)
    expect(answer('schedule', send)).toBe('allowed')
    expect(answer('schedule', plainHttp(send))).toBe('denied')
  })

  test('are opened by their own key, by way of SQS alone', () => {
    const call = {
      action: 'kms:GenerateDataKey',
      resource: messageKey,
      context: { ...TLS, 'kms:ViaService': `sqs.${REGION}.amazonaws.com` },
    }
    expect(answer('schedule', call)).toBe('allowed')
    expect(answer('schedule', without(call, 'kms:ViaService'))).toBe('denied')
    expect(answer('prune', call)).toBe('denied')
  })

  test('the Scheduler calls schedule alone, and keeps what nobody answered', () => {
    const invoke = (name: string): Call =>
      queueCall('lambda:InvokeFunction', `arn:aws:lambda:${REGION}:${ACCOUNT}:function:toriki-campus-${name}`)
    expect(answer('scheduler', invoke('schedule'))).toBe('allowed')
    expect(answer('scheduler', invoke('replay-run'))).toBe('denied')
    expect(answer('scheduler', queueCall('sqs:SendMessage', `${places.queues}-schedule-dead`))).toBe('allowed')
    expect(answer('scheduler', queueCall('sqs:SendMessage', `${places.queues}-backup-slice`))).toBe('denied')
  })
})

test('each role has room in IAM, which takes 10,240 characters', () => {
  for (const { Type, Properties } of Object.values(policies.functions))
    if (Type === 'AWS::IAM::Role') expect(JSON.stringify(Properties['Policies']).length).toBeLessThan(9_000)
})
