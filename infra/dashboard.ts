/** One page in CloudWatch: how the runs ended, who waits, what the functions do. */
import { NAMESPACE } from './alarms.ts'
import { pascal, sub } from './cloudformation.ts'
import type { Resources } from './cloudformation.ts'
import type { Plan } from './plan.ts'
import { functionNameOf, functionNames } from './roles.ts'
import { queueNames } from '../lib/platform/queue/port.ts'

type Metric = readonly (string | Readonly<Record<string, string>>)[]

export function dashboard(plan: Plan): Resources {
  const ours = (...names: readonly string[]): Metric[] =>
    names.map((name) => [NAMESPACE, name, 'deployment', plan.deployment])
  const lambda = (metric: string): Metric[] =>
    functionNames.map((name) => ['AWS/Lambda', metric, 'FunctionName', functionNameOf(plan, name)])
  const queues = (metric: string, suffix: string): Metric[] =>
    queueNames.map((name) => ['AWS/SQS', metric, 'QueueName', `${plan.queuePrefix}-${name}${suffix}`])
  const widgets = [
    graph(
      'How runs ended',
      ours('SlicesSaved', 'SlicesPartial', 'SlicesFailed', 'SlicesSkipped', 'SlicesSuspect'),
      'Maximum',
    ),
    graph('Complete, refused, given up', ours('RunComplete', 'RunRefused', 'DeadLetters'), 'Sum'),
    graph('People beyond rpo', ours('PeopleBeyondRpo'), 'Maximum'),
    graph('Age of the oldest good backup (s)', ours('GoodBackupAgeMaxSeconds'), 'Maximum'),
    graph('Messages waiting', queues('ApproximateNumberOfMessagesVisible', ''), 'Maximum'),
    graph('Given-up messages: age (s)', queues('ApproximateAgeOfOldestMessage', '-dead'), 'Maximum'),
    graph('Functions: errors', lambda('Errors'), 'Sum'),
    graph('Functions: duration (ms)', lambda('Duration'), 'Maximum'),
    graph('Functions: at once', lambda('ConcurrentExecutions'), 'Maximum'),
    graph('Functions: throttled', lambda('Throttles'), 'Sum'),
  ].map((properties, index) => ({
    type: 'metric',
    x: (index % 2) * 12,
    y: Math.floor(index / 2) * 6,
    width: 12,
    height: 6,
    properties,
  }))
  return {
    Dashboard: {
      Type: 'AWS::CloudWatch::Dashboard',
      Properties: {
        DashboardName: `Toriki${pascal(`-${plan.deployment}`)}`,
        DashboardBody: sub(JSON.stringify({ widgets })),
      },
    },
  }
}

function graph(title: string, metrics: readonly Metric[], stat: string): Readonly<Record<string, unknown>> {
  return { title, metrics, stat, period: 300, region: '${AWS::Region}', view: 'timeSeries' }
}
