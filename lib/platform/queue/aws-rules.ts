/**
 * What a queue of SQS must be set to, so that no message is delivered twice while it is in work and none is given up too early. The settings of a queue are
 * infrastructure: they are looked at, never changed.
 */
import * as z from 'zod'
import { TorikiError } from '../../errors.ts'

export interface QueueRules {
  /** AWS's rule for functions: six times as long as one may run. */
  readonly visibilityMsMin: number
  /** As often as the house tries a message; a function's trigger asks for at least 5. */
  readonly receivesMin: number
}

/** Values come as texts from AWS, as numbers from other servers. */
const policySchema = z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.coerce.number().int().positive() })

/**
 * `attributes` are the queue's `VisibilityTimeout` and `RedrivePolicy` as the server gives them.
 * @throws TorikiError `queue-refused`, naming the queue and what is wrong.
 */
export function checkQueueRules(
  queue: string,
  deadLetter: string,
  attributes: Readonly<Partial<Record<string, string>>>,
  rules: QueueRules,
): void {
  const refuse = (what: string, remedy: string): never => {
    throw new TorikiError('queue-refused', { message: `The queue ${queue} ${what}.`, remedy })
  }
  const seconds = Number(attributes['VisibilityTimeout'] ?? Number.NaN)
  const secondsMin = Math.ceil(rules.visibilityMsMin / 1000)
  if (!(seconds >= secondsMin))
    refuse(
      `hides a message for ${Number.isNaN(seconds) ? 'an unknown time' : `${seconds} seconds`}: too short`,
      `Set its VisibilityTimeout to ${secondsMin} seconds or more.`,
    )
  const policy = policySchema.safeParse(parsed(attributes['RedrivePolicy']))
  if (!policy.success)
    return refuse(
      'gives up no message: it has no dead-letter queue',
      `Set its RedrivePolicy to ${deadLetter} with a maxReceiveCount of ${rules.receivesMin}.`,
    )
  const { deadLetterTargetArn, maxReceiveCount } = policy.data
  if (!deadLetterTargetArn.endsWith(`:${deadLetter}`))
    refuse(
      `gives its failed messages to another queue than ${deadLetter}`,
      `Set the deadLetterTargetArn of its RedrivePolicy to ${deadLetter}.`,
    )
  if (maxReceiveCount < rules.receivesMin)
    refuse(
      `gives a message up after ${maxReceiveCount} receives: too few`,
      `Set the maxReceiveCount of its RedrivePolicy to ${rules.receivesMin} or more.`,
    )
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined // as good as none: the schema refuses it
  }
}
