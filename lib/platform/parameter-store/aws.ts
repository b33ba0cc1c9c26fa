/** Parameter Store. A client for one question: a parameter is asked for once per process. */
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { awsClientOptions } from '../aws-client-options.ts'
import { textOf, TRIES_MAX, unresolved } from '../kept-text/aws-error.ts'
import type { KeptName } from '../kept-text/aws-error.ts'

/** The parameter's value, decrypted. @throws TorikiError `reference-unresolved`. */
export async function readParameter({ name, ...place }: KeptName): Promise<string> {
  const client = new SSMClient({ ...awsClientOptions(place), maxAttempts: TRIES_MAX })
  try {
    const { Parameter } = await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }))
    return textOf(Parameter?.Value, `The parameter ${name}`)
  } catch (error) {
    throw unresolved(error, `The parameter ${name}`, 'ssm:GetParameter')
  } finally {
    client.destroy()
  }
}
