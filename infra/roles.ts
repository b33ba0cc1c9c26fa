/**
 * The roles, written by hand: one per function (doctor looks through the eyes of backup-slice), one for the Scheduler, and the three that people take: prune, check and
 * restore. Only the two functions of a restore, and who takes its role, read its account's secret; content is opened by them, by compact-slice and by check; prune and prune-slice alone delete. Each may do what its code calls, and nothing else; the buckets' and the key's own policies (infra/storage) forbid the worst once more.
 */
import { queueNames } from '../lib/platform/queue/port.ts'
import type { QueueName } from '../lib/platform/queue/port.ts'
import { arn, attribute, sub } from './cloudformation.ts'
import type { Resource, Resources, Value } from './cloudformation.ts'
import { MESSAGE_KEY, SCHEDULE_DEAD_QUEUE, queueArn } from './queues.ts'
import {
  alarmStatements,
  allow,
  consumeStatements,
  fileSystemStatements,
  hostStatements,
  keyStatements,
  lookAtQueues,
  objectStatements,
  ownAccount,
  secretStatements,
  settingsStatements,
  sendStatements,
} from './policy-statements.ts'
import type { Objects } from './policy-statements.ts'
import type { Plan } from './plan.ts'

export const functionNames = [
  'schedule',
  'backup-slice',
  'settle-run',
  'dead-letter',
  'replay-run',
  'plan-restore',
  'restore-slice',
  'prune-slice',
  'compact-slice',
  'doctor',
] as const
export type FunctionName = (typeof functionNames)[number]

/** Those that read the sources, or write to them: they run in Nebari's network, the others outside of any. */
const READS_SOURCES: readonly FunctionName[] = ['schedule', 'backup-slice', 'plan-restore', 'restore-slice', 'doctor']

export function functionNameOf({ deployment }: Plan, name: FunctionName): string {
  return `toriki-${deployment}-${name}`
}

export function functionArn(plan: Plan, name: FunctionName): Value {
  return arn('lambda', `function:${functionNameOf(plan, name)}`)
}

export function runsInNetwork(plan: Plan, name: FunctionName): boolean {
  return plan.aws.network !== undefined && READS_SOURCES.includes(name)
}

export function roles(plan: Plan): Resources {
  return {
    BackupRole: lambdaRole(plan, 'backup', [
      ...objectStatements(plan, {
        // Not packs: what backs up cannot read what it wrote, nor what anybody wrote before.
        read: [
          'deployment',
          'runs',
          'keys',
          'erased',
          'trees',
          'index',
          'snapshots',
          'checkpoints',
          'condemned',
          'marks',
        ],
        // The firsts of the deployment are there already: doctor tries on them that nothing is written over.
        create: [
          'firstDeployment',
          'firstDeploymentKeys',
          'runs',
          'sliceKeys',
          'packs',
          'trees',
          'index',
          'snapshots',
          'checkpoints',
        ],
      }),
      ...keyStatements(plan, { unwrap: ['deployment', 'tree'], wrap: ['tree', 'content'], look: true }),
      ...lookAtQueues(plan),
      ...consumeStatements([queueArn(plan, 'backup-slice')]),
      ...sendStatements([
        queueArn(plan, 'backup-slice'),
        queueArn(plan, 'backup-slice', true),
        // Who opens an ended slice again sends a tick as well: nobody else would end the run.
        queueArn(plan, 'settle-run'),
      ]),
      ...sourceStatements(plan),
      ...host(plan, 'backup-slice', 'doctor'),
    ]),
    ScheduleRole: lambdaRole(plan, 'schedule', [
      ...recordStatements(plan),
      ...sendStatements([
        queueArn(plan, 'backup-slice'),
        queueArn(plan, 'settle-run'),
        ...afterRun(plan),
        // The host puts what failed there, in this role.
        attribute(SCHEDULE_DEAD_QUEUE, 'Arn'),
      ]),
      ...alarmStatements(plan),
      ...sourceStatements(plan),
      ...host(plan, 'schedule'),
    ]),
    SettleRunRole: lambdaRole(plan, 'settle-run', [
      ...recordStatements(plan),
      ...consumeStatements([queueArn(plan, 'settle-run')]),
      ...sendStatements([queueArn(plan, 'settle-run'), queueArn(plan, 'settle-run', true), ...afterRun(plan)]),
      ...alarmStatements(plan),
      ...settingsStatements(plan),
      ...host(plan, 'settle-run'),
    ]),
    DeadLetterRole: lambdaRole(plan, 'dead-letter', [
      ...recordStatements(plan, ['restores']),
      ...consumeStatements(queueNames.map((name) => queueArn(plan, name, true))),
      // A run's next tick; and those who waited for a shared slice whose message was given up.
      ...sendStatements([
        queueArn(plan, 'settle-run'),
        queueArn(plan, 'plan-restore'),
        queueArn(plan, 'restore-slice'),
        ...afterRun(plan),
      ]),
      ...alarmStatements(plan),
      ...settingsStatements(plan),
      ...host(plan, 'dead-letter'),
    ]),
    ReplayRunRole: lambdaRole(plan, 'replay-run', [
      ...recordStatements(plan),
      ...consumeStatements([queueArn(plan, 'replay-run')]),
      ...sendStatements([
        queueArn(plan, 'replay-run', true),
        ...(['backup-slice', 'settle-run'] as const).map((name: QueueName) => queueArn(plan, name)),
        ...afterRun(plan),
      ]),
      ...alarmStatements(plan),
      ...settingsStatements(plan),
      ...host(plan, 'replay-run'),
    ]),
    PlanRestoreRole: lambdaRole(plan, 'plan-restore', [
      ...objectStatements(plan, { read: [...readByRestore], create: ['restores'] }),
      ...keyStatements(plan, { unwrap: ['deployment', 'tree', 'content'] }),
      ...lookAtQueues(plan),
      ...consumeStatements([queueArn(plan, 'plan-restore')]),
      // Everybody else once shared state is planned.
      ...sendStatements([queueArn(plan, 'plan-restore'), queueArn(plan, 'plan-restore', true)]),
      ...restoreStatements(plan),
      ...fileSystemStatements(plan),
      ...host(plan, 'plan-restore'),
    ]),
    RestoreSliceRole: lambdaRole(plan, 'restore-slice', [
      ...objectStatements(plan, { read: [...readByRestore], create: [...createdByRestore] }),
      ...keyStatements(plan, { unwrap: ['deployment', 'tree', 'content'] }),
      ...lookAtQueues(plan),
      ...consumeStatements([queueArn(plan, 'restore-slice')]),
      // Its own continuations, and everybody else once shared state is proven.
      ...sendStatements([queueArn(plan, 'restore-slice'), queueArn(plan, 'restore-slice', true)]),
      ...restoreStatements(plan),
      ...fileSystemStatements(plan, { writes: true }),
      ...host(plan, 'restore-slice'),
    ]),
    SchedulerRole: role(plan, 'scheduler', serviceTrust('scheduler.amazonaws.com', ownAccount()), [
      allow(['lambda:InvokeFunction'], functionArn(plan, 'schedule')),
      allow(['sqs:SendMessage'], attribute(SCHEDULE_DEAD_QUEUE, 'Arn')),
      allow(['kms:GenerateDataKey', 'kms:Decrypt'], attribute(MESSAGE_KEY, 'Arn'), {
        StringLike: { 'kms:ViaService': 'sqs.*.amazonaws.com' },
      }),
    ]),
    PruneSliceRole: lambdaRole(plan, 'prune-slice', [
      ...pruneStatements(plan),
      ...lookAtQueues(plan),
      ...consumeStatements([queueArn(plan, 'prune-slice')]),
      // Where packs are mostly dead.
      ...sendStatements([queueArn(plan, 'prune-slice', true), queueArn(plan, 'compact-slice')]),
      ...settingsStatements(plan),
      ...host(plan, 'prune-slice'),
    ]),
    CompactSliceRole: lambdaRole(plan, 'compact-slice', [
      ...objectStatements(plan, {
        read: readAll.filter((name) => name !== 'restores'),
        // Of records that somebody was told of damage.
        create: ['packs', 'trees', 'index', 'runs'],
      }),
      ...keyStatements(plan, { unwrap: ['deployment', 'tree', 'content'] }),
      ...lookAtQueues(plan),
      ...consumeStatements([queueArn(plan, 'compact-slice')]),
      // Its own continuations.
      ...sendStatements([queueArn(plan, 'compact-slice'), queueArn(plan, 'compact-slice', true)]),
      ...alarmStatements(plan),
      ...settingsStatements(plan),
      ...host(plan, 'compact-slice'),
    ]),
    PruneRole: role(plan, 'prune', maintainerTrust(plan), pruneStatements(plan)),
    CheckRole: role(plan, 'check', maintainerTrust(plan), [
      ...objectStatements(plan, {
        read: [...readAll],
        create: ['packs', 'trees', 'index', 'snapshots', 'condemned', 'runs'],
      }),
      ...keyStatements(plan, { unwrap: ['deployment', 'tree', 'content'] }),
    ]),
    RestoreRole: role(plan, 'restore', maintainerTrust(plan), [
      ...objectStatements(plan, { read: [...readAll], create: [...createdByRestore] }),
      ...keyStatements(plan, { unwrap: ['deployment', 'tree', 'content'] }),
      ...lookAtQueues(plan),
      ...sendStatements([queueArn(plan, 'plan-restore'), queueArn(plan, 'restore-slice')]),
      ...restoreStatements(plan),
    ]),
  }
}

/** Of whoever deletes, and forgets before. */
function pruneStatements(plan: Plan): Value[] {
  return [
    ...objectStatements(plan, {
      // Neither packs nor the keys of content: what deletes reads no content. Of restores, whether they are over.
      read: [...readAll.filter((name) => name !== 'packs')],
      create: ['condemned', 'index', 'trees', 'marks', 'runs'],
      delete: ['packs', 'trees', 'index', 'snapshots', 'checkpoints', 'condemned', 'runs', 'restores'],
    }),
    ...keyStatements(plan, { unwrap: ['deployment', 'tree'] }),
  ]
}

/** Whoever ends a full run sends what follows it. */
function afterRun(plan: Plan): Value[] {
  return [queueArn(plan, 'prune-slice')]
}

const readAll = [
  'deployment',
  'runs',
  'restores',
  'keys',
  'erased',
  'packs',
  'trees',
  'index',
  'snapshots',
  'checkpoints',
  'condemned',
  'marks',
  'claims',
] as const

/** The restore's records, the safety snapshot with what it holds, and the claim on the slice, which is one of its marks. */
const createdByRestore = ['restores', 'packs', 'trees', 'index', 'snapshots', 'marks'] as const
/** Everything that is stored of a slice; of runs nothing. */
const readByRestore = readAll.filter((name) => name !== 'runs')

/** What restore alone reads beside what backup reads: its own account. */
function restoreStatements(plan: Plan): Value[] {
  return [...settingsStatements(plan), ...secretStatements(plan, [...plan.secrets, ...plan.restoreSecrets])]
}

/** A run's records; and of people the snapshots, which say at a run's end how old everybody's newest good backup is, and of a message given up what was saved after all. */
function recordStatements(plan: Plan, others: readonly Objects[] = []): Value[] {
  return [
    ...objectStatements(plan, {
      read: ['deployment', 'runs', ...others, 'keys', 'erased', 'snapshots', 'marks'],
      create: ['runs', ...others],
    }),
    ...keyStatements(plan, { unwrap: ['deployment', 'tree'] }),
    ...lookAtQueues(plan),
  ]
}

function host(plan: Plan, ...names: readonly FunctionName[]): Value[] {
  return hostStatements(
    plan,
    names.map((name) => functionNameOf(plan, name)),
    { inNetwork: names.some((name) => runsInNetwork(plan, name)) },
  )
}

function sourceStatements(plan: Plan): Value[] {
  return [...settingsStatements(plan), ...secretStatements(plan, plan.secrets), ...fileSystemStatements(plan)]
}

function lambdaRole(plan: Plan, name: string, statements: readonly Value[]): Resource {
  return role(plan, name, serviceTrust('lambda.amazonaws.com'), statements)
}

function role(plan: Plan, name: string, trust: Value, statements: readonly Value[]): Resource {
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      RoleName: `toriki-${plan.deployment}-${name}`,
      AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [trust] },
      Policies: [{ PolicyName: name, PolicyDocument: { Version: '2012-10-17', Statement: statements } }],
    },
  }
}

function serviceTrust(service: string, condition?: Readonly<Record<string, Value>>): Value {
  return {
    Effect: 'Allow',
    Principal: { Service: service },
    Action: 'sts:AssumeRole',
    ...(condition === undefined ? {} : { Condition: condition }),
  }
}

/** Whom `maintainers` names; else whom the account's own administrators give the right to. */
function maintainerTrust({ aws }: Plan): Value {
  const account = sub('arn:${AWS::Partition}:iam::${AWS::AccountId}:root')
  return {
    Effect: 'Allow',
    Principal: { AWS: aws.maintainers.length === 0 ? account : aws.maintainers },
    Action: 'sts:AssumeRole',
  }
}
