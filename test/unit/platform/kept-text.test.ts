/** What Secrets Manager and Parameter Store are asked, and how their refusals are told; they are a small server here. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { readKeptText } from '../../../lib/platform/kept-text.ts'
import { readParameter } from '../../../lib/platform/parameter-store/aws.ts'
import { readSecret } from '../../../lib/platform/secrets-manager/aws.ts'
import { answeringServer } from '../../kit/servers/answering-server.ts'
import type { Answer, AnsweringServer } from '../../kit/servers/answering-server.ts'

const credentials = { accessKeyId: 'id', secretAccessKey: 'key' }

let server: AnsweringServer | undefined
afterEach(async () => {
  await server?.[Symbol.asyncDispose]()
})

async function place(answer: (number: number) => Answer) {
  server = await answeringServer((_request, number) => answer(number))
  return { endpoint: server.endpoint, region: 'eu-central-1', credentials }
}
const headers = { 'content-type': 'application/x-amz-json-1.1' }
const saying = (body: object, status = 200): Answer => ({ status, headers, body: JSON.stringify(body) })
const refusing = (type: string) => place(() => saying({ __type: type, message: 'planted-secret' }, 400))
const seen = () => server?.seen.map((request) => ({ target: request.headers['x-amz-target'], body: request.body }))

test('what a process asked for it keeps, and what failed it asks for again', async () => {
  const { endpoint } = await place((number) =>
    number === 1
      ? saying({ __type: 'ResourceNotFoundException', message: 'no' }, 400)
      : saying({ SecretString: `kept ${number}` }),
  )
  const before = { ...process.env }
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'key',
  })
  try {
    const text = { service: 'aws-sm', name: 'campus/once', region: 'eu-central-1' } as const
    await expect(readKeptText(text)).rejects.toMatchObject({ code: 'reference-unresolved' })
    expect(await Promise.all([readKeptText(text), readKeptText(text)])).toEqual(['kept 2', 'kept 2'])
    expect(await readKeptText(text)).toBe('kept 2')
  } finally {
    process.env = before
  }
})

describe('a kept text', () => {
  test('is the secret’s current version', async () => {
    const at = await place(() => saying({ Name: 'campus', SecretString: 'kept' }))
    expect(await readSecret({ name: 'campus/hub', ...at })).toBe('kept')
    expect(seen()).toEqual([{ target: 'secretsmanager.GetSecretValue', body: '{"SecretId":"campus/hub"}' }])
  })

  test('is the parameter, decrypted', async () => {
    const at = await place(() => saying({ Parameter: { Name: '/campus', Value: 'kept' } }))
    expect(await readParameter({ name: '/campus', ...at })).toBe('kept')
    expect(seen()).toEqual([{ target: 'AmazonSSM.GetParameter', body: '{"Name":"/campus","WithDecryption":true}' }])
  })

  test('that is bytes, or empty, is refused', async () => {
    const at = await place(() => saying({ SecretBinary: 'a2VwdA==' }))
    await expect(readSecret({ name: 'campus', ...at })).rejects.toMatchObject({
      code: 'reference-unresolved',
      message: 'The secret campus holds no text.',
    })
  })

  test.each([
    ['ResourceNotFoundException', 'The secret campus is not there.'],
    ['AccessDeniedException', 'The secret campus may not be read by this role.'],
    [
      'UnrecognizedClientException',
      'The secret campus cannot be asked for: there are no credentials here, or they are wrong or expired.',
    ],
    ['DecryptionFailure', 'The secret campus cannot be read (DecryptionFailure).'],
  ])('that is refused with %s says so by name, with a remedy and nothing of the answer', async (type, message) => {
    const error = await readSecret({ name: 'campus', ...(await refusing(type)) }).catch((refusal: unknown) => refusal)
    expect(error).toMatchObject({ code: 'reference-unresolved', message, remedy: expect.any(String) })
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('planted-secret')
    expect((error as Error).cause).toBeUndefined()
  })

  test('of a parameter that is not there is refused by its name', async () => {
    await expect(readParameter({ name: '/campus', ...(await refusing('ParameterNotFound')) })).rejects.toMatchObject({
      code: 'reference-unresolved',
      message: 'The parameter /campus is not there.',
    })
  })

  test('is asked for again while the service is busy', async () => {
    const at = await place((number) =>
      number === 1 ? saying({ __type: 'ThrottlingException', message: 'no' }, 400) : saying({ SecretString: 'kept' }),
    )
    expect(await readSecret({ name: 'campus', ...at })).toBe('kept')
  })
})
