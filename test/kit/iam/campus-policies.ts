/** The policies of the example deployment, all of them without intrinsic functions: those of the functions' stack and of the storage stack, and what AWS answers by them. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseAwsSettings, planOf } from '../../../infra/plan.ts'
import { serverlessValues } from '../../../infra/serverless-values.ts'
import { parseSettings } from '../../../lib/settings.ts'
import { evaluate } from './evaluate.ts'
import type { Policies, Statement } from './evaluate.ts'
import type { Call, Places } from './record-calls.ts'
import { ACCOUNT, parseTemplate, REGION, resolveTemplate } from './resolve-template.ts'
import type { Template } from './resolve-template.ts'

const root = resolve(import.meta.dirname, '../../..')
const examples = join(root, 'infra/examples')

export const places: Places = {
  bucket: 'campus-backup',
  keyBucket: 'campus-backup-keys',
  prefix: 'campus',
  key: `arn:aws:kms:${REGION}:${ACCOUNT}:key/Key`,
  queues: `arn:aws:sqs:${REGION}:${ACCOUNT}:toriki-campus`,
}
/** The key of messages and alarms, which is the functions' stack's own. */
export const messageKey = `arn:aws:kms:${REGION}:${ACCOUNT}:key/MessageKey`
export const topic = `arn:aws:sns:${REGION}:${ACCOUNT}:toriki-campus-alarms`
export const OTHER = 'zzzzzzzzzzzzzzzzzzzzzzzzzz'
export const SLICE = 'abcdefghijklmnopqrstuvwxy2'

const roles = {
  schedule: 'ScheduleRole',
  'backup-slice': 'BackupRole',
  'settle-run': 'SettleRunRole',
  'dead-letter': 'DeadLetterRole',
  'replay-run': 'ReplayRunRole',
  'plan-restore': 'PlanRestoreRole',
  'restore-slice': 'RestoreSliceRole',
  'prune-slice': 'PruneSliceRole',
  'compact-slice': 'CompactSliceRole',
  prune: 'PruneRole',
  check: 'CheckRole',
  restore: 'RestoreRole',
  scheduler: 'SchedulerRole',
} as const
export type RoleName = keyof typeof roles

export interface CampusPolicies {
  /** What AWS says when this role asks: by the identity's policy, and that of the bucket, queue or key that is asked. */
  answer(name: RoleName, call: Call): 'allowed' | 'denied'
  /** The same where bucket, queue and key forbid nothing, as a bucket and a key may do that were there already: the role alone decides. */
  answerByRole(name: RoleName, call: Call): 'allowed' | 'denied'
  /** The same for an administrator of the account, who may do everything that no resource forbids. */
  answerAdministrator(call: Call): 'allowed' | 'denied'
  readonly functions: Template['Resources']
  readonly storage: Template['Resources']
}

export function campusPolicies(deploymentId: string): CampusPolicies {
  const file = join(examples, 'toriki.yaml')
  const aws = parseAwsSettings(readFileSync(join(examples, 'toriki-aws.yaml'), 'utf8'), 'toriki-aws.yaml')
  const plan = planOf(parseSettings(readFileSync(file, 'utf8'), file, 'platform'), { ...aws, deploymentId })
  const functions = resolveTemplate(serverlessValues(plan)['resources'] as Template)
  const storage = resolveTemplate(parseTemplate(readFileSync(join(root, 'infra/storage/template.yaml'), 'utf8')), {
    Deployment: 'campus',
    Bucket: places.bucket,
    KeysBucket: places.keyBucket,
  })
  const ask = (
    principal: string,
    identity: readonly Statement[],
    call: Call,
    others: Omit<Policies, 'identity'>,
  ): 'allowed' | 'denied' => {
    const aliases = call.resource === places.key ? { 'kms:ResourceAliases': ['alias/toriki-campus'] } : {}
    const context = { ...call.context, ...aliases, 'aws:PrincipalArn': principal }
    return evaluate({ ...call, principal, account: ACCOUNT, context }, { identity, ...others })
  }
  const policiesOf = (resource: string): Omit<Policies, 'identity'> => {
    const statements = (properties: Readonly<Record<string, unknown>> | undefined, member: string): Statement[] =>
      (properties![member] as { readonly Statement: Statement[] }).Statement
    if (resource === places.key) return { key: statements(storage['Key']?.Properties, 'KeyPolicy') }
    if (resource === messageKey) return { key: statements(functions['MessageKey']?.Properties, 'KeyPolicy') }
    const bucket = [
      ['BackupBucketPolicy', places.bucket],
      ['KeyBucketPolicy', places.keyBucket],
    ].find(([, name]) => resource === `arn:aws:s3:::${name}` || resource.startsWith(`arn:aws:s3:::${name}/`))
    if (bucket !== undefined) return { resource: statements(storage[bucket[0]!]?.Properties, 'PolicyDocument') }
    const queue = Object.values(functions).find(
      ({ Type, Properties }) =>
        Type === 'AWS::SQS::QueuePolicy' && JSON.stringify(Properties).includes(`"${resource}"`),
    )
    return queue === undefined ? {} : { resource: statements(queue.Properties, 'PolicyDocument') }
  }
  const theAccount: Statement = {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
    Action: 'kms:*',
    Resource: '*',
  }
  const roleOf = (name: RoleName) =>
    functions[roles[name]]!.Properties as {
      readonly RoleName: string
      readonly Policies: readonly { readonly PolicyDocument: { readonly Statement: readonly Statement[] } }[]
    }
  const arnOf = (name: RoleName): string => `arn:aws:iam::${ACCOUNT}:role/${roleOf(name).RoleName}`
  const identityOf = (name: RoleName): readonly Statement[] =>
    roleOf(name).Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
  return {
    functions,
    storage,
    answer: (name, call) => ask(arnOf(name), identityOf(name), call, policiesOf(call.resource)),
    answerByRole: (name, call) =>
      ask(arnOf(name), identityOf(name), call, call.resource.startsWith('arn:aws:kms:') ? { key: [theAccount] } : {}),
    answerAdministrator: (call) =>
      ask(
        `arn:aws:iam::${ACCOUNT}:role/administrator`,
        [{ Effect: 'Allow', Action: '*', Resource: '*' }],
        call,
        policiesOf(call.resource),
      ),
  }
}
