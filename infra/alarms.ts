/**
 * Who is told when something is wrong: CloudWatch alarms on the service's own metrics and on its queues, all to one topic. Made for what a person must do something about;
 * docs/operations.md says what.
 */
import { Cron } from 'croner'
import { attribute, pascal, ref, sub } from './cloudformation.ts'
import type { Properties, Resource, Resources, Value } from './cloudformation.ts'
import type { Plan } from './plan.ts'
import { MESSAGE_KEY, SCHEDULE_DEAD_QUEUE, queueId } from './queues.ts'
import { functionNameOf, functionNames } from './roles.ts'
import { queueNames } from '../lib/platform/queue/port.ts'

export const NAMESPACE = 'Toriki'
const HOUR_SECONDS = 3600
/** A run may take so long after its schedule before it is missed. */
const RUN_HOURS = 6
/** CloudWatch looks back a week at most. */
const LOOK_BACK_HOURS_MAX = 168
/** Dead letters are recorded within minutes; older ones mean that nobody records them. */
const DEAD_LETTER_AGE_SECONDS = 900

export interface AlarmNames {
  readonly [logicalId: string]: string
}

export function topicArn(plan: Plan): Value {
  return isOwnTopic(plan) ? ref('AlarmTopic') : (plan.topic ?? '')
}

/** `alarms.topic` names the one that this stack makes, or nobody named any. */
function isOwnTopic(plan: Plan): boolean {
  return plan.topic === undefined || plan.topic.endsWith(`:${topicName(plan)}`)
}

function topicName({ deployment }: Plan): string {
  return `toriki-${deployment}-alarms`
}

export function alarms(plan: Plan): Resources {
  const hours = hoursBetweenRuns(plan)
  return {
    ...(isOwnTopic(plan) ? topic(plan) : {}),
    ...Object.fromEntries(
      plan.aws.alarmEmails.map((address, index) => [
        `AlarmEmail${index + 1}`,
        {
          Type: 'AWS::SNS::Subscription',
          Properties: { TopicArn: topicArn(plan), Protocol: 'email', Endpoint: address },
        },
      ]),
    ),
    SlicesFailedAlarm: onMetric(plan, 'SlicesFailed', 'People or groups were not backed up: toriki status'),
    SlicesSuspectAlarm: onMetric(
      plan,
      'SlicesSuspect',
      'A source looks emptied; its backup is kept but not believed: toriki status',
    ),
    DeadLettersAlarm: onMetric(plan, 'DeadLetters', 'Messages were given up: toriki status'),
    RunRefusedAlarm: onMetric(
      plan,
      'RunRefused',
      'A backup was not begun, since the one before is still open: toriki status',
    ),
    BeyondRpoAlarm: onMetric(
      plan,
      'PeopleBeyondRpo',
      'People have had no good backup for longer than alarms.rpo: toriki status',
    ),
    ...(hours === undefined ? {} : { NoCompleteRunAlarm: noCompleteRun(plan, hours) }),
    ...Object.fromEntries(
      queueNames.map((name): [string, Resource] => [
        `${pascal(name)}DeadLetterAgeAlarm`,
        onQueue(
          plan,
          queueId(name, true),
          'ApproximateAgeOfOldestMessage',
          DEAD_LETTER_AGE_SECONDS,
          `Given-up messages of ${name} are not recorded: look at the log of dead-letter`,
        ),
      ]),
    ),
    ScheduleUnansweredAlarm: onQueue(
      plan,
      SCHEDULE_DEAD_QUEUE,
      'ApproximateNumberOfMessagesVisible',
      0,
      'The schedule called and nobody answered: look at the log of schedule',
    ),
    ...Object.fromEntries(
      functionNames
        .filter((name) => name !== 'doctor')
        .map((name): [string, Resource] => [
          `${pascal(name)}ErrorsAlarm`,
          alarm(plan, `${name}-errors`, `The function ${name} fails: look at its log`, {
            Namespace: 'AWS/Lambda',
            MetricName: 'Errors',
            Dimensions: [{ Name: 'FunctionName', Value: functionNameOf(plan, name) }],
            Statistic: 'Sum',
            Period: 300,
            // A worker that dies is counted with its message; several in a row are an illness.
            EvaluationPeriods: name.endsWith('-slice') ? 3 : 1,
            Threshold: 0,
            ComparisonOperator: 'GreaterThanThreshold',
            TreatMissingData: 'notBreaching',
          }),
        ]),
    ),
  }
}

/** Hours after which a complete run is missing: the schedule's longest gap within a year, and the time a run may take. Undefined when CloudWatch cannot look back so far. */
export function hoursBetweenRuns({ schedule }: Plan): number | undefined {
  if (schedule === undefined) return undefined
  const job = new Cron(schedule.cron, { paused: true, timezone: schedule.timezone })
  const begin = new Date(Date.UTC(2027, 0, 1))
  const end = Date.UTC(2028, 0, 1)
  let longestMs = 0
  let before: Date | null = job.nextRun(begin)
  while (before !== null && before.getTime() < end) {
    const next: Date | null = job.nextRun(before)
    if (next === null) break
    longestMs = Math.max(longestMs, next.getTime() - before.getTime())
    before = next
    if (longestMs > LOOK_BACK_HOURS_MAX * HOUR_SECONDS * 1000) return undefined
  }
  const hours = Math.ceil(longestMs / 1000 / HOUR_SECONDS) + RUN_HOURS
  return hours > LOOK_BACK_HOURS_MAX ? undefined : hours
}

function topic(plan: Plan): Resources {
  return {
    AlarmTopic: {
      Type: 'AWS::SNS::Topic',
      Properties: {
        TopicName: topicName(plan),
        DisplayName: `Toriki ${plan.deployment}`.slice(0, 100),
        KmsMasterKeyId: attribute(MESSAGE_KEY, 'Arn'),
      },
    },
    AlarmTopicPolicy: {
      Type: 'AWS::SNS::TopicPolicy',
      Properties: {
        Topics: [ref('AlarmTopic')],
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'Alarms',
              Effect: 'Allow',
              Principal: { Service: 'cloudwatch.amazonaws.com' },
              Action: 'sns:Publish',
              Resource: ref('AlarmTopic'),
              Condition: { StringEquals: { 'aws:SourceAccount': ref('AWS::AccountId') } },
            },
            {
              Sid: 'Account',
              Effect: 'Allow',
              Principal: { AWS: sub('arn:${AWS::Partition}:iam::${AWS::AccountId}:root') },
              Action: ['sns:Publish', 'sns:Subscribe', 'sns:GetTopicAttributes'],
              Resource: ref('AlarmTopic'),
            },
            {
              Sid: 'TlsOnly',
              Effect: 'Deny',
              Principal: '*',
              Action: 'sns:Publish',
              Resource: ref('AlarmTopic'),
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            },
          ],
        },
      },
    },
  }
}

function onMetric(plan: Plan, metric: string, description: string): Resource {
  return alarm(plan, metric, description, {
    Namespace: NAMESPACE,
    MetricName: metric,
    Dimensions: [{ Name: 'deployment', Value: plan.deployment }],
    Statistic: 'Maximum',
    Period: 300,
    EvaluationPeriods: 1,
    Threshold: 0,
    ComparisonOperator: 'GreaterThanThreshold',
    // Between runs nothing is told, and that is well.
    TreatMissingData: 'notBreaching',
  })
}

/** Not one hour of so many has seen a complete run; silence counts, for a schedule that never fires says nothing. */
function noCompleteRun(plan: Plan, hours: number): Resource {
  return alarm(plan, 'NoCompleteRun', `No complete backup for ${hours} hours: toriki runs`, {
    Namespace: NAMESPACE,
    MetricName: 'RunComplete',
    Dimensions: [{ Name: 'deployment', Value: plan.deployment }],
    Statistic: 'Maximum',
    Period: HOUR_SECONDS,
    EvaluationPeriods: hours,
    DatapointsToAlarm: hours,
    Threshold: 1,
    ComparisonOperator: 'LessThanThreshold',
    TreatMissingData: 'breaching',
  })
}

function onQueue(plan: Plan, queue: string, metric: string, threshold: number, description: string): Resource {
  return alarm(plan, `${queue}-${metric}`, description, {
    Namespace: 'AWS/SQS',
    MetricName: metric,
    Dimensions: [{ Name: 'QueueName', Value: attribute(queue, 'QueueName') }],
    Statistic: 'Maximum',
    Period: 300,
    EvaluationPeriods: 1,
    Threshold: threshold,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'notBreaching',
  })
}

function alarm(plan: Plan, name: string, description: string, properties: Properties): Resource {
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: `toriki-${plan.deployment}-${name}`,
      AlarmDescription: description,
      AlarmActions: [topicArn(plan)],
      OKActions: [topicArn(plan)],
      ...properties,
    },
  }
}
