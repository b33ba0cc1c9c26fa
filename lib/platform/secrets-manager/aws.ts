/** Secrets Manager. A client for one question: a secret is asked for once per process. */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { awsClientOptions } from '../aws-client-options.ts'
import { textOf, TRIES_MAX, unresolved } from '../kept-text/aws-error.ts'
import type { KeptName } from '../kept-text/aws-error.ts'

/** The text of the secret's current version. @throws TorikiError `reference-unresolved`. */
export async function readSecret({ name, ...place }: KeptName): Promise<string> {
  const client = new SecretsManagerClient({ ...awsClientOptions(place), maxAttempts: TRIES_MAX })
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: name }))
    return textOf(SecretString, `The secret ${name}`)
  } catch (error) {
    throw unresolved(error, `The secret ${name}`, 'secretsmanager:GetSecretValue')
  } finally {
    client.destroy()
  }
}
