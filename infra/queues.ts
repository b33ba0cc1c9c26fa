/**
 * The queues: one per kind of work and a dead-letter queue for each, all encrypted by a key of their own (messages name people) and closed to plain HTTP. Their times
 * follow from how long a function may run; `lib/platform/queue` refuses queues that say otherwise.
 */
import { FUNCTION_TIMEOUT_MS, VISIBILITY_FACTOR } from '../lib/limits.ts'
import { queueNames } from '../lib/platform/queue/port.ts'
import type { QueueName } from '../lib/platform/queue/port.ts'
import { arn, attribute, pascal, ref, sub } from './cloudformation.ts'
import type { Resource, Resources, Value } from './cloudformation.ts'
import type { Plan } from './plan.ts'

/** A function's trigger asks for at least so many receives before a message is given up: throttled ones count. */
const RECEIVES_MIN = 5
/** As long as SQS keeps anything. */
const KEPT_SECONDS = 1_209_600

export const MESSAGE_KEY = 'MessageKey'
/** Where the schedule's calls go that nobody answered. */
export const SCHEDULE_DEAD_QUEUE = 'ScheduleDeadQueue'

export function queueId(name: QueueName, dead = false): string {
  return `${pascal(name)}${dead ? 'Dead' : ''}Queue`
}

export function queueArn({ queuePrefix }: Plan, name: QueueName, dead = false): Value {
  return arn('sqs', `${queuePrefix}-${name}${dead ? '-dead' : ''}`)
}

export function queues(plan: Plan): Resources {
  const made = Object.fromEntries(
    queueNames.flatMap((name): [string, Resource][] => [
      [
        queueId(name),
        queue(`${plan.queuePrefix}-${name}`, {
          VisibilityTimeout: (FUNCTION_TIMEOUT_MS / 1000) * VISIBILITY_FACTOR,
          RedrivePolicy: {
            deadLetterTargetArn: attribute(queueId(name, true), 'Arn'),
            maxReceiveCount: Math.max(RECEIVES_MIN, plan.attempts),
          },
        }),
      ],
      [
        queueId(name, true),
        queue(`${plan.queuePrefix}-${name}-dead`, {
          VisibilityTimeout: (FUNCTION_TIMEOUT_MS / 1000) * VISIBILITY_FACTOR,
          RedriveAllowPolicy: { redrivePermission: 'byQueue', sourceQueueArns: [queueArn(plan, name)] },
        }),
      ],
    ]),
  )
  const all: Resources = { ...made, [SCHEDULE_DEAD_QUEUE]: queue(`${plan.queuePrefix}-schedule-dead`, {}) }
  return {
    ...all,
    ...Object.fromEntries(Object.keys(all).map((id) => [`${id}Policy`, queuePolicy(id)])),
    [MESSAGE_KEY]: {
      Type: 'AWS::KMS::Key',
      Properties: {
        Description: `Toriki ${plan.deployment}: messages in queues, and alarms. What is stored is locked by another key.`,
        EnableKeyRotation: true,
        KeyPolicy: { Version: '2012-10-17', Statement: messageKeyStatements(plan) },
      },
    },
  }
}

function queue(name: string, more: Readonly<Record<string, Value>>): Resource {
  return {
    Type: 'AWS::SQS::Queue',
    Properties: {
      QueueName: name,
      KmsMasterKeyId: attribute(MESSAGE_KEY, 'Arn'),
      MessageRetentionPeriod: KEPT_SECONDS,
      ...more,
    },
    // A message is one person's backup of one night: the next run makes it again.
    DeletionPolicy: 'Delete',
    UpdateReplacePolicy: 'Delete',
  }
}

function queuePolicy(id: string): Resource {
  const tlsOnly: Value = {
    Sid: 'TlsOnly',
    Effect: 'Deny',
    Principal: '*',
    Action: 'sqs:*',
    Resource: attribute(id, 'Arn'),
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  }
  const fromEvents: Value = {
    // EventBridge puts what a rule could not deliver here itself; the Scheduler comes in a role.
    Sid: 'EventsDeadLetters',
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: attribute(id, 'Arn'),
    Condition: { StringEquals: { 'aws:SourceAccount': ref('AWS::AccountId') } },
  }
  return {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [ref(id)],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: id === SCHEDULE_DEAD_QUEUE ? [tlsOnly, fromEvents] : [tlsOnly],
      },
    },
  }
}

function messageKeyStatements(plan: Plan): Value[] {
  return [
    {
      Sid: 'Account',
      Effect: 'Allow',
      Principal: { AWS: sub('arn:${AWS::Partition}:iam::${AWS::AccountId}:root') },
      Action: 'kms:*',
      Resource: '*',
    },
    {
      Sid: 'AlarmsAndEvents',
      Effect: 'Allow',
      Principal: { Service: ['cloudwatch.amazonaws.com', 'events.amazonaws.com'] },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: '*',
      Condition: { StringEquals: { 'aws:SourceAccount': ref('AWS::AccountId') } },
    },
    {
      Sid: 'NotDeletedByOurRoles',
      Effect: 'Deny',
      Principal: '*',
      Action: ['kms:ScheduleKeyDeletion', 'kms:DisableKey', 'kms:PutKeyPolicy'],
      Resource: '*',
      Condition: {
        ArnLike: {
          'aws:PrincipalArn': sub(`arn:\${AWS::Partition}:iam::\${AWS::AccountId}:role/toriki-${plan.deployment}-*`),
        },
      },
    },
  ]
}
