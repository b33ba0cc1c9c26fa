/**
 * What `serverless.yml` asks for: the two settings files, decided once, as names, numbers and resources. An error reaches the person as one sentence with its remedy,
 * without a stack.
 */
import { FUNCTION_TIMEOUT_MS } from '../lib/limits.ts'
import { queueNames } from '../lib/platform/queue/port.ts'
import { isTorikiError } from '../lib/errors.ts'
import { alarms } from './alarms.ts'
import type { Resources, Value } from './cloudformation.ts'
import { dashboard } from './dashboard.ts'
import { accessPointArn, network, placeOf } from './network.ts'
import { loadPlan } from './plan.ts'
import type { Plan } from './plan.ts'
import { queues } from './queues.ts'
import { functionNameOf, functionNames, roles } from './roles.ts'
import { schedule } from './schedule.ts'

const FUNCTION_SECONDS = FUNCTION_TIMEOUT_MS / 1000

export function serverlessValues(plan: Plan = loadPlan()): Readonly<Record<string, unknown>> {
  const { aws } = plan
  const place = placeOf(plan)
  const mount = plan.mount === undefined ? undefined : { localMountPath: plan.mount, arn: accessPointArn(plan) }
  return {
    service: `toriki-${plan.deployment}`,
    region: plan.region,
    architecture: aws.architecture,
    tracing: aws.tracing,
    logRetentionDays: aws.logRetentionDays,
    settingsPlace: plan.settingsPlace,
    names: Object.fromEntries(functionNames.map((name) => [name, functionNameOf(plan, name)])),
    memoryMb: aws.memoryMb,
    seconds: FUNCTION_SECONDS,
    concurrency: concurrencyOf(plan),
    /** Null takes the key out of the function. */
    vpc: place ?? null,
    fileSystem: mount ?? null,
    takesSlices: plan.clusterComponents.length === 0,
    takesRestores: plan.canRestore,
    resources: resourcesOf(plan),
  }
}

/** The event sources of one function together never ask for more than is reserved for it, else messages are thrown back and counted. */
function concurrencyOf({ aws }: Plan): Readonly<Record<string, Value>> {
  const reserved = (most: number): number | null => (aws.reserveConcurrency ? most : null)
  return {
    slices: aws.concurrency,
    others: OTHERS_AT_ONCE,
    reserved: {
      schedule: reserved(2),
      'backup-slice': reserved(aws.concurrency),
      'settle-run': reserved(OTHERS_AT_ONCE),
      // One source per kind of work.
      'dead-letter': reserved(queueNames.length * OTHERS_AT_ONCE),
      'plan-restore': reserved(aws.concurrency),
      'restore-slice': reserved(aws.concurrency),
      'prune-slice': reserved(aws.concurrency),
      'compact-slice': reserved(OTHERS_AT_ONCE),
      // And one by hand.
      'replay-run': reserved(OTHERS_AT_ONCE + 1),
      doctor: reserved(1),
    },
  } as unknown as Readonly<Record<string, Value>>
}

/** The least that an event source may be held to. */
const OTHERS_AT_ONCE = 2

function resourcesOf(plan: Plan): {
  readonly Description: string
  readonly Resources: Resources
  readonly Outputs: Value
} {
  return {
    Description: `Toriki: backups of the Nebari deployment ${plan.deployment}, and their restore. The store and its key are another stack's.`,
    Resources: {
      ...queues(plan),
      ...roles(plan),
      ...network(plan),
      ...schedule(plan),
      ...alarms(plan),
      ...dashboard(plan),
    },
    Outputs: {},
  }
}

export function sentenceOf(error: unknown): string {
  if (!isTorikiError(error)) return error instanceof Error ? (error.stack ?? error.message) : String(error)
  return `${error.message} ${error.remedy}`
}
