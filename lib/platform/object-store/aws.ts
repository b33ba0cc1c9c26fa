/**
 * An object store that is a bucket of S3, or of a server that speaks its protocol. Create-only is `If-None-Match: *`. Bytes carry checksums both ways (CRC32 on a
 * PUT, the stored one on a GET of a whole object). The SDK tries once: put the retry of this house around it. README.md has what is asked of the bucket.
 */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import type { GetObjectCommandOutput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import assert from 'node:assert/strict'
import type { Readable } from 'node:stream'
import pLimit from 'p-limit'
import { TorikiError } from '../../errors.ts'
import { OBJECT_BYTES_MAX } from '../../limits.ts'
import { awsClientOptions, CONNECTIONS_MAX, describePlace } from '../aws-client-options.ts'
import type { AwsPlace } from '../aws-client-options.ts'
import { s3Error } from './aws-error.ts'
import { assertObjectKey, assertObjectPrefix, isObjectKey } from './object-key.ts'
import { resolveRange } from './object-range.ts'
import type { GetOptions } from './object-range.ts'
import { LIST_PAGE_MAX } from './port.ts'
import type { ListOptions, ListPage, ObjectInfo, ObjectStore } from './port.ts'

export interface AwsObjectStoreOptions extends AwsPlace {
  readonly bucket: string
  /** Keys begin with it and a slash; empty: the whole bucket. A key of the port's form. */
  readonly prefix: string
  /** KMS key (id, ARN or alias) that the bucket encrypts these objects with, by a bucket key; absent: as the bucket's default says. */
  readonly encryptionKey?: string
}

export class AwsObjectStore implements ObjectStore {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string
  readonly #place: string
  readonly #turns = pLimit(CONNECTIONS_MAX)
  readonly #encryption: {
    readonly ServerSideEncryption?: 'aws:kms'
    readonly SSEKMSKeyId?: string
    readonly BucketKeyEnabled?: true
  }

  constructor(options: AwsObjectStoreOptions) {
    assert(options.prefix === '' || isObjectKey(options.prefix), 'a prefix is empty or a key')
    this.#bucket = options.bucket
    this.#prefix = options.prefix === '' ? '' : `${options.prefix}/`
    this.#place = describePlace(options)
    this.#encryption =
      options.encryptionKey === undefined
        ? {}
        : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: options.encryptionKey, BucketKeyEnabled: true }
    // A server of one's own has one name; only AWS has one per bucket.
    this.#client = new S3Client({ ...awsClientOptions(options), forcePathStyle: options.endpoint !== undefined })
  }

  /** The region that requests are signed for. @throws TorikiError `store-refused` when nobody names one. */
  region(): Promise<string> {
    return this.#asking('region', '', () => this.#client.config.region())
  }

  create(key: string, body: Uint8Array): Promise<void> {
    return this.#asking('create', key, async () => {
      assertObjectKey(key)
      const { ETag } = await this.#client.send(
        new PutObjectCommand({
          ...this.#at(key),
          Body: body,
          ContentLength: body.length,
          ContentType: 'application/octet-stream',
          IfNoneMatch: '*',
          ...this.#encryption,
        }),
      )
      // Every store names what it took; a page that says "200" to anything does not.
      if (ETag === undefined) throw this.#strange('create', key)
    })
  }

  get(key: string, options: GetOptions = {}): Promise<Buffer> {
    return this.#asking('get', key, async () => {
      assertObjectKey(key)
      const { range, bytesMax = OBJECT_BYTES_MAX } = options
      if (range === undefined) {
        // The stored checksum covers the whole object, so only a whole GET asks for it.
        const whole = await this.#client.send(new GetObjectCommand({ ...this.#at(key), ChecksumMode: 'ENABLED' }))
        return await this.#read(key, whole, bytesMax)
      }
      const { offset, length } = resolveRange(key, Number.MAX_SAFE_INTEGER, {
        range,
        bytesMax: Number.MAX_SAFE_INTEGER,
      })
      try {
        // Nothing cannot be asked for; the first byte tells whether the object is there.
        const last = offset + Math.max(1, length) - 1
        const part = await this.#client.send(
          new GetObjectCommand({ ...this.#at(key), Range: `bytes=${offset}-${last}` }),
        )
        if (length > 0) return await this.#read(key, part, bytesMax, offset)
        discard(part)
      } catch (error) {
        if (!isPastTheEnd(error)) throw error
      }
      return Buffer.alloc(0)
    })
  }

  list(prefix: string, { after = '', max = LIST_PAGE_MAX }: ListOptions = {}): Promise<ListPage> {
    return this.#asking('list', prefix, async () => {
      assertObjectPrefix(prefix)
      let token: string | undefined
      for (;;) {
        const { page, date } = await this.#listOnce(prefix, { after, max }, token)
        const found = page.Contents ?? []
        const objects: ObjectInfo[] = []
        for (const { Key = '', Size, LastModified } of found) {
          const key = Key.slice(this.#prefix.length)
          if (!Key.startsWith(this.#prefix + prefix) || Size === undefined || LastModified === undefined)
            throw this.#strange('list', prefix)
          // What others put there (a console's `folder/`) is passed over: it is no key of ours and cannot be asked for.
          if (isObjectKey(key)) objects.push({ key, sizeBytes: Size, modifiedAt: LastModified })
        }
        const last = found.at(-1)?.Key?.slice(this.#prefix.length)
        const more = page.IsTruncated === true
        // A page may be empty and not the last (S3 says so); only its token leads on then.
        if (more && last === undefined) {
          token = page.NextContinuationToken
          if (token === undefined) throw this.#strange('list', prefix)
          continue
        }
        // The header has whole seconds, the times of objects may have more: the clock has come at least as far as the newest object.
        const at = objects.reduce((latest, { modifiedAt }) => Math.max(latest, modifiedAt.getTime()), date.getTime())
        return { objects, at: new Date(at), ...(more && last !== undefined ? { next: last } : {}) }
      }
    })
  }

  delete(key: string): Promise<void> {
    return this.#asking('delete', key, async () => {
      assertObjectKey(key)
      try {
        await this.#client.send(new DeleteObjectCommand(this.#at(key)))
      } catch (error) {
        // S3 says nothing when it is not there; other servers do.
        if (s3Error(error, this.#context('delete', key)).code !== 'object-not-found') throw error
      }
    })
  }

  /** Ends idle connections. */
  close(): void {
    this.#client.destroy()
  }

  async #listOnce(
    prefix: string,
    { after, max }: Required<ListOptions>,
    token: string | undefined,
  ): Promise<{ readonly page: ListObjectsV2CommandOutput; readonly date: Date }> {
    const command = new ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: this.#prefix + prefix,
      MaxKeys: Math.min(max, LIST_PAGE_MAX),
      ...(after === '' ? {} : { StartAfter: this.#prefix + after }),
      ...(token === undefined ? {} : { ContinuationToken: token }),
    })
    let date: Date | undefined
    command.middlewareStack.add(
      (next) => async (given) => {
        const result = await next(given)
        date = dateOf(result.response)
        return result
      },
      { step: 'deserialize', name: 'dateOfAnswer' },
    )
    const page = await this.#client.send(command)
    if (page.Name !== this.#bucket || date === undefined) throw this.#strange('list', prefix)
    return { page, date }
  }

  /** The body, never more than `bytesMax` of it in memory. @throws TorikiError `object-too-large`, `store-unavailable` when it is cut short. */
  async #read(key: string, answer: GetObjectCommandOutput, bytesMax: number, from = 0): Promise<Buffer> {
    const body = answer.Body as Readable | undefined
    const bytes = answer.ContentLength
    const begins = answer.ContentRange === undefined ? 0 : Number(/^bytes (\d+)-/.exec(answer.ContentRange)?.[1] ?? -1)
    if (body === undefined || bytes === undefined || begins !== from) {
      body?.destroy()
      throw this.#strange('get', key)
    }
    if (bytes > bytesMax) {
      body.destroy()
      throw new TorikiError('object-too-large', { ids: { key, bytes, bytesMax } })
    }
    const whole = Buffer.allocUnsafe(bytes)
    let filled = 0
    for await (const part of body as AsyncIterable<Buffer>) {
      if (filled + part.length > bytes) throw this.#strange('get', key)
      filled += part.copy(whole, filled)
    }
    if (filled !== bytes) throw this.#strange('get', key)
    return whole
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key }
  }

  #context(operation: string, key: string): Parameters<typeof s3Error>[1] {
    return { bucket: this.#bucket, place: this.#place, operation, key }
  }

  #strange(operation: string, key: string): TorikiError {
    return new TorikiError('store-unavailable', {
      message: `What answers at ${this.#place} is not a store, or its answer was cut short.`,
      remedy: 'Check `store.s3.endpoint`: a login page or a proxy may answer there.',
      ids: { operation, key },
    })
  }

  async #asking<T>(operation: string, key: string, ask: () => Promise<T>): Promise<T> {
    try {
      // One call holds one connection until its body is read; who waits for one inside the SDK is told after 5 seconds that there is no server.
      return await this.#turns(ask)
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
      throw s3Error(error, this.#context(operation, key))
    }
  }
}

function discard(answer: GetObjectCommandOutput): void {
  ;(answer.Body as Readable | undefined)?.destroy()
}

function isPastTheEnd(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    '$metadata' in error &&
    (error.$metadata as { readonly httpStatusCode?: number }).httpStatusCode === 416
  )
}

function dateOf(response: unknown): Date | undefined {
  const headers = (response as { readonly headers?: Readonly<Record<string, string>> } | undefined)?.headers
  const date = new Date(headers?.['date'] ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date
}
