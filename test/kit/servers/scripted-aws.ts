/**
 * S3 and KMS in this process, as far as a deployment needs them, for what no server of ours can be made to say: a bucket of another region, a refusal by encryption
 * context, a store that ignores conditions. Answers are AWS's own, as its documentation has them. `says` speaks first; where it is silent, all is well.
 */
import { answeringServer, jsonAnswer, s3Answer } from './answering-server.ts'
import type { Answer, AnsweringServer, SeenRequest } from './answering-server.ts'

export interface ScriptedCall {
  /** `S3.PutObject`, `S3.GetObject`, `S3.ListObjects`, `KMS.Encrypt`, `KMS.Decrypt`, `KMS.DescribeKey`. */
  readonly name: string
  /** Of S3: the key with its bucket; of KMS: the purpose in the encryption context. */
  readonly subject: string
  /** By the caller's clock: `20260301T000000Z`. */
  readonly signedAt: string
}

export interface ScriptedAws extends AnsweringServer {
  /** What is refused from now on; nothing, when it gives nothing. */
  says: (call: ScriptedCall) => Answer | undefined
  /** Takes every PUT, also of a key that is there. */
  ignoresConditions: boolean
  /** How far its clock is ahead of this machine's. */
  aheadMs: number
  /** By bucket and key. */
  readonly objects: ReadonlyMap<string, string>
  /** Names of the calls so far. */
  calls(): readonly string[]
}

export const ACCOUNT = '111122223333'

export async function scriptedAws(): Promise<ScriptedAws> {
  const objects = new Map<string, string>()
  const calls: string[] = []
  const state: Pick<ScriptedAws, 'says' | 'ignoresConditions' | 'aheadMs'> = {
    says: () => undefined,
    ignoresConditions: false,
    aheadMs: 0,
  }
  const server = await answeringServer((request) => {
    const call = callOf(request)
    calls.push(call.name)
    const answer = state.says(call) ?? (call.name.startsWith('KMS.') ? kms(call.name, request) : s3(call, request))
    return { ...answer, headers: { date: new Date(Date.now() + state.aheadMs).toUTCString(), ...answer.headers } }
  })
  const s3 = ({ name, subject }: ScriptedCall, { body, headers }: SeenRequest): Answer => {
    if (name === 'S3.ListObjects') return listing(objects, subject)
    if (name === 'S3.PutObject') {
      if (!state.ignoresConditions && headers['if-none-match'] === '*' && objects.has(subject))
        return s3Answer(412, 'PreconditionFailed')
      objects.set(subject, body)
      return { status: 200, headers: { etag: '"x"' } }
    }
    const found = objects.get(subject)
    if (found === undefined) return s3Answer(404, 'NoSuchKey')
    return { status: 200, headers: { etag: '"x"', 'content-length': String(found.length) }, body: found }
  }
  return Object.assign(state, {
    endpoint: server.endpoint,
    seen: server.seen,
    objects,
    calls: () => calls,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  })
}

/** As S3 answers who asks in one region for a bucket of another. */
export function otherRegion(region: string): Answer {
  return s3Answer(301, 'PermanentRedirect', '', { 'x-amz-bucket-region': region })
}

/** As KMS refuses a role of `ACCOUNT`; `keyAccount` is whose the key is. */
export function kmsDenied(action: string, keyAccount = ACCOUNT): Answer {
  const message = `User: arn:aws:sts::${ACCOUNT}:assumed-role/toriki-backup/session is not authorized to perform: kms:${action} on resource: arn:aws:kms:eu-central-1:${keyAccount}:key/${KEY_ID} because no identity-based policy allows the kms:${action} action`
  const denied = jsonAnswer(400, 'AccessDeniedException')
  return { ...denied, body: JSON.stringify({ __type: 'AccessDeniedException', message }) }
}

const KEY_ID = '11111111-2222-3333-4444-555555555555'

function callOf({ method, url, headers, body }: SeenRequest): ScriptedCall {
  const target = headers['x-amz-target']
  const signedAt = String(headers['x-amz-date'])
  if (typeof target === 'string') {
    const { EncryptionContext } = JSON.parse(body) as { EncryptionContext?: Record<string, string> }
    return { name: `KMS.${target.split('.').at(-1)}`, subject: EncryptionContext?.['purpose'] ?? '', signedAt }
  }
  const { pathname, searchParams } = new URL(url, 'http://here')
  if (searchParams.get('list-type') === '2')
    return {
      name: 'S3.ListObjects',
      subject: `${pathname.replaceAll('/', '')}/${searchParams.get('prefix') ?? ''}`,
      signedAt,
    }
  return { name: method === 'PUT' ? 'S3.PutObject' : 'S3.GetObject', subject: pathname.slice(1), signedAt }
}

function listing(objects: ReadonlyMap<string, string>, subject: string): Answer {
  const [bucket = ''] = subject.split('/')
  const found = [...objects]
    .filter(([key]) => key.startsWith(subject))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([key, { length }]) =>
        `<Contents><Key>${key.slice(bucket.length + 1)}</Key><Size>${length}</Size><LastModified>2026-03-01T00:00:00.000Z</LastModified></Contents>`,
    )
  const body = `<ListBucketResult><Name>${bucket}</Name><IsTruncated>false</IsTruncated>${found.join('')}</ListBucketResult>`
  return { status: 200, headers: { 'content-type': 'application/xml' }, body }
}

/** A wrapping holds its context and its secret, in clear: this key service is one for tests. */
function kms(name: string, { body }: SeenRequest): Answer {
  const given = JSON.parse(body) as { Plaintext: string; CiphertextBlob: string; EncryptionContext: object }
  const KeyId = `arn:aws:kms:eu-central-1:${ACCOUNT}:key/${KEY_ID}`
  const ok = (value: object): Answer => ({
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify(value),
  })
  if (name === 'KMS.DescribeKey')
    return ok({
      KeyMetadata: { KeyId, KeyState: 'Enabled', KeySpec: 'SYMMETRIC_DEFAULT', KeyUsage: 'ENCRYPT_DECRYPT' },
    })
  if (name === 'KMS.Encrypt') {
    const sealed = JSON.stringify([given.EncryptionContext, given.Plaintext])
    return ok({ KeyId, CiphertextBlob: Buffer.from(sealed).toString('base64') })
  }
  const [context, plaintext] = JSON.parse(Buffer.from(given.CiphertextBlob, 'base64').toString()) as [object, string]
  const isSame = JSON.stringify(context) === JSON.stringify(given.EncryptionContext)
  return isSame ? ok({ KeyId, Plaintext: plaintext }) : jsonAnswer(400, 'InvalidCiphertextException')
}
