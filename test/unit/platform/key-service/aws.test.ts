import { describe, expect, test } from '@jest/globals'
import { decodeKmsWrapping, encodeKmsWrapping, kmsKeyId } from '../../../../lib/platform/key-service/aws-wrapping.ts'
import { AwsKeyService } from '../../../../lib/platform/key-service/aws.ts'
import { answeringServer, jsonAnswer } from '../../../kit/servers/answering-server.ts'
import type { Answer } from '../../../kit/servers/answering-server.ts'

const credentials = { accessKeyId: 'id', secretAccessKey: 'very-secret' }
const keyId = '11111111-2222-3333-4444-555555555555'
const arn = `arn:aws:kms:eu-central-1:123456789012:key/${keyId}`
const context = { deployment: 'campus', slice: 'abc', purpose: 'tree' }
const wrapped = encodeKmsWrapping({ keyId, empty: false, ciphertext: Buffer.from('sealed') })
const ok = (value: object): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(value),
})
const json = { 'content-type': 'application/x-amz-json-1.1' }
/** As KMS says it, word for word. */
const acrossAccounts = (theirs: string): Answer => ({
  status: 400,
  headers: json,
  body: JSON.stringify({
    __type: 'AccessDeniedException',
    Message: `User: arn:aws:sts::111122223333:assumed-role/toriki-backup/session is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-central-1:${theirs}:key/${keyId} because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`,
    message: `User: arn:aws:sts::111122223333:assumed-role/toriki-backup/session is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-central-1:${theirs}:key/${keyId} because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`,
  }),
})
const open = (endpoint: string, key = 'alias/campus'): AwsKeyService =>
  new AwsKeyService({ key, endpoint, credentials })

describe('what KMS says, in our words', () => {
  test.each<[string, Answer, object]>([
    [
      'a disabled key',
      jsonAnswer(400, 'DisabledException'),
      { code: 'key-unusable', retry: 'never', message: expect.stringContaining('alias/campus is disabled') },
    ],
    [
      'a key pending deletion',
      jsonAnswer(400, 'KMSInvalidStateException'),
      {
        code: 'key-unusable',
        message: expect.stringContaining('pending deletion'),
        remedy: expect.stringContaining('Cancel its deletion'),
      },
    ],
    [
      'no such key',
      jsonAnswer(400, 'NotFoundException'),
      { code: 'key-unusable', message: expect.stringContaining('There is no KMS key alias/campus') },
    ],
    [
      'no right, with the purpose that it was asked for',
      jsonAnswer(400, 'AccessDeniedException'),
      {
        code: 'key-unusable',
        message: expect.stringMatching(/may not use the KMS key alias\/campus .*unwrap, purpose tree/),
      },
    ],
    [
      'a key of another account',
      acrossAccounts('123456789012'),
      {
        code: 'key-unusable',
        message: expect.stringMatching(/another account, 123456789012, which gives ours, 111122223333,/),
      },
    ],
    [
      'a key of this account that names its account',
      acrossAccounts('111122223333'),
      { code: 'key-unusable', message: expect.stringMatching(/may not use/) },
    ],
    [
      'an asymmetric key',
      jsonAnswer(400, 'InvalidKeyUsageException'),
      { code: 'key-unusable', message: expect.stringContaining('not a symmetric key') },
    ],
    [
      'a clock that differs',
      {
        status: 400,
        headers: json,
        body: '{"__type":"InvalidSignatureException","message":"Signature expired: 20260301T000000Z is now earlier than 20260301T001500Z"}',
      },
      { code: 'key-service-unavailable', retry: 'now', message: expect.stringContaining('clock') },
    ],
    [
      'another context',
      jsonAnswer(400, 'InvalidCiphertextException'),
      { code: 'key-context-mismatch', retry: 'never' },
    ],
    [
      'another key',
      jsonAnswer(400, 'IncorrectKeyException'),
      { code: 'keyring-foreign', remedy: expect.stringContaining('keys.kms.key') },
    ],
    [
      'expired credentials',
      jsonAnswer(400, 'ExpiredTokenException'),
      { code: 'key-unusable', remedy: expect.stringContaining('renew') },
    ],
    ['throttling', jsonAnswer(400, 'ThrottlingException'), { code: 'key-service-unavailable', retry: 'now' }],
    [
      'a key that is away for a moment',
      jsonAnswer(500, 'KeyUnavailableException'),
      { code: 'key-service-unavailable', retry: 'now' },
    ],
    ['503', { status: 503, headers: { 'retry-after': '2' } }, { code: 'key-service-unavailable', retryAfterMs: 2000 }],
    ['a broken connection', { status: 200, breaks: 'before' }, { code: 'key-service-unavailable', retry: 'now' }],
    [
      '200 from something else',
      ok({}),
      { code: 'key-service-unavailable', remedy: expect.stringContaining('endpoint') },
    ],
    [
      'another key than the wrapping names',
      ok({ KeyId: `${arn.slice(0, -1)}6`, Plaintext: 'AAAA' }),
      { code: 'key-context-mismatch' },
    ],
  ])('unwrap: %s', async (_, answer, expected) => {
    await using server = await answeringServer(() => answer)
    await expect(open(server.endpoint).unwrap(wrapped, context)).rejects.toMatchObject(expected)
    expect(server.seen).toHaveLength(1)
  })

  test('a disabled key does not wrap either', async () => {
    await using server = await answeringServer(() => jsonAnswer(400, 'DisabledException'))
    await expect(open(server.endpoint).wrap(Buffer.of(1), context)).rejects.toMatchObject({ code: 'key-unusable' })
  })
})

describe('what is asked of KMS', () => {
  test('the key is named at both ways, and the context goes as encryption context', async () => {
    await using server = await answeringServer(({ headers }) =>
      ok({
        KeyId: arn,
        ...(String(headers['x-amz-target']).endsWith('Encrypt')
          ? { CiphertextBlob: 'c2VhbGVk' }
          : { Plaintext: 'b3Blbg==' }),
      }),
    )
    const keys = open(server.endpoint)
    expect(await keys.wrap(Buffer.from('open'), context)).toEqual(wrapped)
    expect((await keys.unwrap(wrapped, context)).toString()).toBe('open')
    expect(server.seen.map(({ body }) => JSON.parse(body) as object)).toEqual([
      { KeyId: 'alias/campus', Plaintext: 'b3Blbg==', EncryptionContext: context },
      { KeyId: 'alias/campus', CiphertextBlob: 'c2VhbGVk', EncryptionContext: context },
    ])
  })

  test('what another key wrapped, or no KMS, is refused without asking', async () => {
    await using server = await answeringServer(() => ok({}))
    const other = encodeKmsWrapping({ keyId: 'mrk-1', empty: false, ciphertext: Buffer.of(1) })
    for (const foreign of [other, Buffer.from('TKWR something'), Buffer.alloc(0)])
      await expect(open(server.endpoint, arn).unwrap(foreign, context)).rejects.toMatchObject({
        code: 'keyring-foreign',
      })
    expect(server.seen).toEqual([])
  })
})

describe('the key itself, looked at', () => {
  const fine = { KeyId: keyId, KeyState: 'Enabled', KeySpec: 'SYMMETRIC_DEFAULT', KeyUsage: 'ENCRYPT_DECRYPT' }
  test('is taken when it is enabled and symmetric, and when this role may not look', async () => {
    await using server = await answeringServer((_, number) =>
      number === 1 ? ok({ KeyMetadata: fine }) : jsonAnswer(400, 'AccessDeniedException'),
    )
    await open(server.endpoint).check()
    await open(server.endpoint).check()
    expect(server.seen).toHaveLength(2)
  })

  test.each<[string, object, RegExp]>([
    ['disabled', { KeyState: 'Disabled' }, /alias\/campus is disabled/],
    [
      'pending deletion',
      { KeyState: 'PendingDeletion', DeletionDate: 1_780_000_000 },
      /pending deletion and will be gone on 2026-05-28/,
    ],
    ['without its material', { KeyState: 'PendingImport' }, /not ready for use \(PendingImport\)/],
    ['in a state that is no word', { KeyState: '<b>' }, /not ready for use \(unknown state\)/],
    ['asymmetric', { KeySpec: 'RSA_2048' }, /not a symmetric key/],
    ['for signing', { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }, /not a symmetric key/],
  ])('is refused when it is %s', async (_, change, says) => {
    await using server = await answeringServer(() => ok({ KeyMetadata: { ...fine, ...change } }))
    await expect(open(server.endpoint).check()).rejects.toMatchObject({
      code: 'key-unusable',
      retry: 'never',
      message: expect.stringMatching(says),
    })
  })

  test.each<[string, Answer, object]>([
    [
      'is not there',
      jsonAnswer(400, 'NotFoundException'),
      { code: 'key-unusable', message: expect.stringContaining('no KMS key') },
    ],
    ['lies at a server that is none', ok({}), { code: 'key-service-unavailable' }],
  ])('that %s is refused', async (_, answer, expected) => {
    await using server = await answeringServer(() => answer)
    await expect(open(server.endpoint).check()).rejects.toMatchObject(expected)
  })
})

describe('the form of a wrapping', () => {
  test('is what the README says', () => {
    expect(encodeKmsWrapping({ keyId: 'mrk-1', empty: true, ciphertext: Buffer.of(255) }).toString('latin1')).toBe(
      'TKKM\u0001\u0001\u0005mrk-1\u00ff',
    )
    expect(decodeKmsWrapping(wrapped)).toEqual({ keyId, empty: false, ciphertext: Buffer.from('sealed') })
  })

  test.each([
    ['a newer version', Buffer.from('TKKM\x02\0\x01a!', 'latin1'), 'format-newer'],
    ['an unknown flag', Buffer.from('TKKM\x01\x02\x01a!', 'latin1'), 'key-context-mismatch'],
    ['no ciphertext', Buffer.from('TKKM\x01\0\x01a', 'latin1'), 'key-context-mismatch'],
    ['an id of other characters', Buffer.from('TKKM\x01\0\x01 !', 'latin1'), 'key-context-mismatch'],
    ['too much', Buffer.concat([Buffer.from('TKKM\x01\0\x01a', 'latin1'), Buffer.alloc(6145)]), 'key-context-mismatch'],
  ])('%s is refused', (_, bytes, code) => {
    expect(() => decodeKmsWrapping(bytes)).toThrow(expect.objectContaining({ code }))
  })

  test('an id is found in an ARN and is one by itself; an alias has none', () => {
    expect([arn, keyId, 'arn:aws:kms:x:1:alias/a', 'alias/a', ''].map(kmsKeyId)).toEqual([
      keyId,
      keyId,
      undefined,
      undefined,
      undefined,
    ])
  })
})
