import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { AwsObjectStore } from '../../../../lib/platform/object-store/aws.ts'
import type { AwsObjectStoreOptions } from '../../../../lib/platform/object-store/aws.ts'
import { retryObjectStore } from '../../../../lib/platform/object-store/retry.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'
import { seededRandom } from '../../../kit/seeded-random.ts'
import { answeringServer, s3Answer } from '../../../kit/servers/answering-server.ts'
import type { Answer, AnsweringServer } from '../../../kit/servers/answering-server.ts'

const credentials = { accessKeyId: 'id', secretAccessKey: 'very-secret' }
const open = ({ endpoint }: { readonly endpoint: string }, more: Partial<AwsObjectStoreOptions> = {}): AwsObjectStore =>
  new AwsObjectStore({ bucket: 'campus', prefix: 'one', endpoint, credentials, ...more })
const always = (answer: Answer): Promise<AnsweringServer> => answeringServer(() => answer)
const taken: Answer = { status: 200, headers: { etag: '"x"' } }
const listing = (inside: string): Answer => ({
  status: 200,
  headers: { date: 'Sun, 01 Mar 2026 02:00:00 GMT' },
  body: `<ListBucketResult><Name>campus</Name>${inside}</ListBucketResult>`,
})
const entry = (key: string, time = '2026-03-01T01:00:00.000Z'): string =>
  `<Contents><Key>${key}</Key><Size>3</Size><LastModified>${time}</LastModified></Contents>`

describe('what the store says, in our words', () => {
  test.each<[string, Answer, object]>([
    ['412', s3Answer(412, 'PreconditionFailed'), { code: 'object-exists', retry: 'never' }],
    ['409', s3Answer(409, 'ConditionalRequestConflict'), { code: 'store-unavailable', retry: 'now' }],
    [
      'SlowDown',
      s3Answer(503, 'SlowDown', '', { 'retry-after': '7' }),
      { code: 'store-unavailable', retry: 'now', retryAfterMs: 7000 },
    ],
    ['429 of a proxy', { status: 429 }, { code: 'store-unavailable', retry: 'now' }],
    ['500', s3Answer(500, 'InternalError'), { code: 'store-unavailable', retry: 'now' }],
    ['a page of a proxy with 502', { status: 502, body: '<html>Bad gateway</html>' }, { code: 'store-unavailable' }],
    ['a time-out of the store', s3Answer(400, 'RequestTimeout'), { code: 'store-unavailable', retry: 'now' }],
    ['a body damaged on its way', s3Answer(400, 'BadDigest'), { code: 'store-unavailable', retry: 'now' }],
    ['a broken connection', { status: 200, breaks: 'before' }, { code: 'store-unavailable', retry: 'now' }],
    [
      'a clock that is wrong',
      s3Answer(403, 'RequestTimeTooSkewed'),
      { code: 'store-unavailable', message: expect.stringContaining('clock') },
    ],
    ['507', s3Answer(507, 'InsufficientStorage'), { code: 'store-full', retry: 'later' }],
    ['a quota', s3Answer(403, 'QuotaExceeded'), { code: 'store-full' }],
    [
      'no right',
      s3Answer(403, 'AccessDenied'),
      { code: 'store-refused', retry: 'never', remedy: expect.stringContaining('role') },
    ],
    ['403 without a name', { status: 403 }, { code: 'store-refused', retry: 'never' }],
    [
      'wrong credentials',
      s3Answer(403, 'InvalidAccessKeyId'),
      { code: 'store-refused', remedy: expect.stringContaining('AWS_ACCESS_KEY_ID') },
    ],
    [
      'expired credentials',
      s3Answer(400, 'ExpiredToken'),
      {
        code: 'store-refused',
        message: expect.stringContaining('ExpiredToken'),
        remedy: expect.stringContaining('renew'),
      },
    ],
    [
      'no bucket',
      s3Answer(404, 'NoSuchBucket'),
      { code: 'store-refused', message: expect.stringContaining('campus'), remedy: expect.stringContaining('campus') },
    ],
    [
      'another region, by header',
      s3Answer(301, 'PermanentRedirect', '', { 'x-amz-bucket-region': 'eu-west-9' }),
      {
        code: 'store-refused',
        retry: 'never',
        message: expect.stringContaining('eu-west-9'),
        remedy: expect.stringContaining('region: eu-west-9'),
      },
    ],
    [
      'another region, by body',
      s3Answer(400, 'AuthorizationHeaderMalformed', '<Region>eu-west-9</Region>'),
      { code: 'store-refused', message: expect.stringContaining('eu-west-9') },
    ],
    [
      'a region that is none',
      s3Answer(301, 'PermanentRedirect', '<Region>&lt;b&gt;</Region>'),
      { code: 'store-refused', message: expect.stringContaining('another region') },
    ],
    [
      'a disabled key of the bucket',
      s3Answer(400, 'KMS.DisabledException'),
      { code: 'store-refused', message: expect.stringContaining('key') },
    ],
    [
      'a store without conditional PUTs',
      s3Answer(501, 'NotImplemented'),
      { code: 'store-refused', remedy: expect.stringContaining('If-None-Match') },
    ],
    [
      '200 from something that is no store',
      { status: 200, body: '<html>Log in</html>' },
      { code: 'store-unavailable', remedy: expect.stringContaining('login') },
    ],
  ])('create: %s', async (_, answer, expected) => {
    await using server = await always(answer)
    await expect(open(server).create('a/b', Buffer.from('body'))).rejects.toMatchObject(expected)
    expect(server.seen).toHaveLength(1) // the SDK does not retry behind our back
  })

  test('nobody there is store-unavailable', async () => {
    const server = await always(taken)
    await server[Symbol.asyncDispose]()
    await expect(open(server).get('a')).rejects.toMatchObject({ code: 'store-unavailable', retry: 'now' })
  })

  test('a server that takes the connection and says nothing is given up after the idle time', async () => {
    await using server = await always({ status: 200, breaks: 'never' })
    const store = open(server, { timeouts: { connectionMs: 1000, idleMs: 50 } })
    await expect(store.get('a')).rejects.toMatchObject({ code: 'store-unavailable' })
  })

  test.each([
    [
      'a proxy page',
      { status: 200, headers: { date: 'Sun, 01 Mar 2026 02:00:00 GMT' }, body: '<html><body>Log in</body></html>' },
    ],
    ['an object outside of the prefix', listing(entry('two/a'))],
    ['a page that has more but leads nowhere', listing('<IsTruncated>true</IsTruncated>')],
  ] as const)('a listing that cannot be true is no empty store: %s', async (_, answer) => {
    await using server = await always(answer)
    await expect(open(server).list('')).rejects.toMatchObject({ code: 'store-unavailable' })
  })

  test('no error holds the secret', async () => {
    await using server = await always(s3Answer(403, 'SignatureDoesNotMatch'))
    const error = await open(server)
      .get('a')
      .then(
        () => undefined,
        (thrown: Error) => thrown,
      )
    expect(error).toMatchObject({ code: 'store-refused' })
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('very-secret')
  })
})

describe('what is asked of the store', () => {
  test('a create is conditional, carries a checksum, and names the key of the bucket when there is one', async () => {
    await using server = await always(taken)
    await open(server).create('a/b', Buffer.from('body'))
    await open(server, { encryptionKey: 'alias/x' }).create('a/c', Buffer.from('body'))
    const [plain, encrypted] = server.seen
    expect(plain).toMatchObject({
      method: 'PUT',
      url: expect.stringMatching(/^\/campus\/one\/a\/b(\?|$)/),
      body: 'body',
    })
    expect(plain?.headers).toMatchObject({ 'if-none-match': '*', 'x-amz-checksum-crc32': expect.any(String) })
    expect(Object.keys(plain?.headers ?? {}).filter((name) => /server-side|acl|tagging/.test(name))).toEqual([])
    expect(encrypted?.headers).toMatchObject({
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'alias/x',
      'x-amz-server-side-encryption-bucket-key-enabled': 'true',
    })
  })

  test('a whole object whose checksum is wrong, or that is cut short, is not given out', async () => {
    const answers: Answer[] = [
      {
        status: 200,
        headers: { etag: '"x"', 'x-amz-checksum-crc32': 'AAAAAA==', 'content-length': '4' },
        body: 'body',
      },
      { status: 200, headers: { etag: '"x"', 'content-length': '400' }, body: 'body', breaks: 'within' },
      { status: 206, headers: { etag: '"x"', 'content-range': 'bytes 9-12/100', 'content-length': '4' }, body: 'body' },
    ]
    await using server = await answeringServer((_, number) => answers[number - 1] as Answer)
    for (const range of [undefined, undefined, { offset: 3, length: 4 }])
      await expect(open(server).get('a', range === undefined ? {} : { range })).rejects.toMatchObject({
        code: 'store-unavailable',
      })
    expect(server.seen[0]?.headers['x-amz-checksum-mode']).toBe('ENABLED')
  })

  test('more than bytesMax is refused before it is read', async () => {
    const headers = { etag: '"x"', 'content-length': String(2 ** 40) }
    await using server = await always({ status: 200, headers, body: 'the beginning', breaks: 'within' })
    await expect(open(server).get('a')).rejects.toMatchObject({ code: 'object-too-large' })
  })

  test('a listing says the time of the store, passes over what is no key of ours, and goes on behind it', async () => {
    const page = listing(`<IsTruncated>true</IsTruncated>${entry('one/a/b')}${entry('one/a/folder/')}`)
    await using server = await always(page)
    expect(await open(server).list('a/', { after: 'a/a' })).toEqual({
      objects: [{ key: 'a/b', sizeBytes: 3, modifiedAt: new Date('2026-03-01T01:00:00Z') }],
      at: new Date('2026-03-01T02:00:00Z'),
      next: 'a/folder/',
    })
    const url = new URL(server.seen[0]?.url ?? '', server.endpoint)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      prefix: 'one/a/',
      'start-after': 'one/a/a',
      'max-keys': '1000',
    })
  })

  test('an empty page that is not the last is followed by its token', async () => {
    await using server = await answeringServer((_, number) =>
      number === 1
        ? listing('<IsTruncated>true</IsTruncated><NextContinuationToken>t1</NextContinuationToken>')
        : listing(entry('one/z')),
    )
    expect((await open(server).list('')).objects.map(({ key }) => key)).toEqual(['z'])
    expect(server.seen[1]?.url).toContain('continuation-token=t1')
  })

  test('an object newer than the header of the answer, which has whole seconds, does not come from the future', async () => {
    await using server = await always(listing(entry('one/a', '2026-03-01T02:00:00.700Z')))
    expect((await open(server).list('')).at).toEqual(new Date('2026-03-01T02:00:00.700Z'))
  })
})

describe('with the retry of the house around it', () => {
  const retried = (server: AnsweringServer): ReturnType<typeof retryObjectStore> =>
    retryObjectStore(open(server), { clock: new FakeClock({ auto: true }), random: seededRandom(1) })

  test.each([
    ['409', s3Answer(409, 'ConditionalRequestConflict')],
    ['SlowDown', s3Answer(503, 'SlowDown')],
    ['500', s3Answer(500, 'InternalError')],
    ['a broken connection', { status: 200, breaks: 'before' } as const],
  ])('%s, then well', async (_, trouble) => {
    await using server = await answeringServer((_request, number) => (number <= 3 ? trouble : taken))
    await retried(server).create('a', Buffer.from('x'))
    expect(server.seen).toHaveLength(4)
  })

  test('a create whose answer was lost is ours when the bytes are', async () => {
    await using server = await answeringServer(({ method }, number) => {
      if (method === 'GET') return { status: 200, headers: { etag: '"x"', 'content-length': '1' }, body: 'x' }
      return number === 1 ? { status: 200, breaks: 'before' } : s3Answer(412, 'PreconditionFailed')
    })
    await retried(server).create('a', Buffer.from('x'))
    await expect(retried(server).create('b', Buffer.from('y'))).rejects.toMatchObject({ code: 'object-exists' })
  })
})
