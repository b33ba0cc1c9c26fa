/** What Secrets Manager or Parameter Store said, in the words of settings. Nothing of their answers is shown but short names. */
import { TorikiError } from '../../errors.ts'
import type { AwsPlace } from '../aws-client-options.ts'
import { awsFailure } from '../aws-failure.ts'

export interface KeptName extends AwsPlace {
  /** A name, or an ARN. */
  readonly name: string
}

/** Many functions that start at once ask at once, and there is no retry around these drivers. */
export const TRIES_MAX = 5

/** @throws TorikiError `reference-unresolved` where there is no text. */
export function textOf(text: string | undefined, what: string): string {
  if (text !== undefined && text !== '') return text
  throw new TorikiError('reference-unresolved', {
    message: `${what} holds no text.`,
    remedy: 'Put the secret there as a text.',
  })
}

/** The cause is left out: an SDK's error holds its answer. */
export function unresolved(error: unknown, what: string, right: string): TorikiError {
  if (error instanceof TorikiError) return error
  const { kind, name } = awsFailure(error)
  const [message, remedy] = sayings(kind, name, what, right)
  return new TorikiError('reference-unresolved', { message, remedy, ids: { reason: name } })
}

function sayings(
  kind: ReturnType<typeof awsFailure>['kind'],
  name: string,
  what: string,
  right: string,
): readonly [message: string, remedy: string] {
  switch (kind) {
    case 'credentials':
      return [
        `${what} cannot be asked for: there are no credentials here, or they are wrong or expired.`,
        'Give this process a role or a profile of AWS, or use ${env:NAME} or ${file:PATH}.',
      ]
    case 'denied':
      return [
        `${what} may not be read by this role.`,
        `Allow it ${right} on exactly this name, and kms:Decrypt on its key if it has one of its own.`,
      ]
    case 'missing-region':
      return [`${what} cannot be asked for: nobody names a region.`, 'Set AWS_REGION, or name it by its ARN.']
    case 'skewed':
      return [`${what} cannot be asked for: our clock differs from AWS’s.`, 'Set the clock of this machine.']
    case 'certificate':
    case 'unreadable':
    case 'unavailable':
      return [
        `${what} cannot be asked for: the service does not answer (${name}).`,
        'Check that it can be reached from here: in a VPC by an endpoint of its own, or by a NAT gateway.',
      ]
    case 'answer':
      return /NotFound/.test(name)
        ? [`${what} is not there.`, 'Make it, or mend its name, its account and its region.']
        : [`${what} cannot be read (${name}).`, 'Check that it is not deleted, and that this role may use its key.']
  }
}
