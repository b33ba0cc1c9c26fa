/**
 * What may be given to the `schedule` function: exactly `{}`, an event of EventBridge or its Scheduler, or the known fields. Anything else, a console's sample
 * event included, is refused and the refusal names the field: a backup of everything must not start by accident.
 */
import * as z from 'zod'
import { TorikiError } from '../errors.ts'
import { componentNames } from '../resources/component-name.ts'
import type { Trigger } from './start-run.ts'

const REMEDY = 'Give {} for everything, or some of "users", "groups", "shared", "components", "dryRun".'
const names = z.array(z.string().min(1).max(1024)).max(10_000)

const fields = z.strictObject({
  users: z.exactOptional(names),
  groups: z.exactOptional(names),
  shared: z.exactOptional(z.boolean()),
  components: z.exactOptional(z.array(z.enum(componentNames)).min(1)),
  dryRun: z.exactOptional(z.boolean()),
})

/** EventBridge's envelope. A rule gives `detail` as an object, the Scheduler as a text; both are empty for a plain schedule. */
const scheduled = z.object({
  'detail-type': z.literal('Scheduled Event'),
  source: z.enum(['aws.events', 'aws.scheduler']),
  time: z.iso.datetime(),
})

export type ScheduleTrigger = Trigger & { readonly dryRun: boolean }

/** `invocation`: the invocation's id, the same when the host delivers it again. @throws TorikiError `message-invalid`. */
export function parseScheduleTrigger(input: unknown, invocation: string): ScheduleTrigger {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new TorikiError('message-invalid', { message: 'The input is not a JSON object.', remedy: REMEDY })
  const event = scheduled.safeParse(input)
  if (event.success) return { intendedAt: new Date(event.data.time), dryRun: false }
  const parsed = fields.safeParse(input)
  if (!parsed.success)
    throw new TorikiError('message-invalid', {
      message: refusal(parsed.error.issues[0]),
      remedy: REMEDY,
      cause: parsed.error,
    })
  const { dryRun = false, ...selection } = parsed.data
  return { invocation, dryRun, ...(Object.keys(selection).length === 0 ? {} : { selection }) }
}

function refusal(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === 'unrecognized_keys')
    return `The input has a field that is not known: ${JSON.stringify(issue.keys[0])}.`
  return `The input has a wrong field: ${JSON.stringify(issue?.path.join('.') ?? '')}.`
}
