/**
 * What starts a run: the schedule of `toriki.yaml` in its time zone and, by choice, an event that a person's pipeline sends before an upgrade of Nebari. What nobody
 * answered is kept in a queue, and that is an alarm.
 */
import { arn, attribute } from './cloudformation.ts'
import type { Resources } from './cloudformation.ts'
import { cronForEventBridge } from './cron-for-eventbridge.ts'
import type { Plan } from './plan.ts'
import { SCHEDULE_DEAD_QUEUE } from './queues.ts'
import { functionArn, functionNameOf } from './roles.ts'

const RETRY = { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 5 }

export function schedule(plan: Plan): Resources {
  return { ...nightly(plan), ...(plan.aws.upgradeTrigger ? beforeUpgrade(plan) : {}) }
}

/** No input: then the Scheduler sends its own event, whose time becomes the run's, so a call that comes twice opens one run. */
function nightly(plan: Plan): Resources {
  if (plan.schedule === undefined) return {}
  const { cron, timezone } = plan.schedule
  return {
    Schedule: {
      Type: 'AWS::Scheduler::Schedule',
      Properties: {
        Name: `toriki-${plan.deployment}`,
        Description: `A backup of ${plan.deployment}: ${cron} in ${timezone}`,
        ScheduleExpression: cronForEventBridge(cron),
        ScheduleExpressionTimezone: timezone,
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: {
          Arn: functionArn(plan, 'schedule'),
          RoleArn: attribute('SchedulerRole', 'Arn'),
          RetryPolicy: RETRY,
          DeadLetterConfig: { Arn: attribute(SCHEDULE_DEAD_QUEUE, 'Arn') },
        },
      },
    },
  }
}

/** `aws events put-events --entries '[{"Source":"toriki","DetailType":"Upgrade Planned","Detail":"{\"deployment\":\"…\"}"}]'` */
function beforeUpgrade(plan: Plan): Resources {
  const name = `toriki-${plan.deployment}-upgrade`
  return {
    UpgradeRule: {
      Type: 'AWS::Events::Rule',
      Properties: {
        Name: name,
        Description: `A backup of ${plan.deployment} before an upgrade`,
        EventPattern: {
          source: ['toriki'],
          'detail-type': ['Upgrade Planned'],
          detail: { deployment: [plan.deployment] },
        },
        Targets: [
          {
            Id: 'schedule',
            Arn: functionArn(plan, 'schedule'),
            Input: '{}',
            RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 5 },
            DeadLetterConfig: { Arn: attribute(SCHEDULE_DEAD_QUEUE, 'Arn') },
          },
        ],
      },
    },
    UpgradeRulePermission: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        FunctionName: functionNameOf(plan, 'schedule'),
        Action: 'lambda:InvokeFunction',
        Principal: 'events.amazonaws.com',
        SourceArn: arn('events', `rule/${name}`),
      },
      DependsOn: ['ScheduleLambdaFunction'],
    },
  }
}
