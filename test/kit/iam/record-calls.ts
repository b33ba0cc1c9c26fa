/** A platform that writes down, in AWS's words, what each of its calls asks of AWS: the action, the resource and what stands in the request's context. */
import type { KeyService, WrapContext } from '../../../lib/platform/key-service/port.ts'
import type { ObjectStore } from '../../../lib/platform/object-store/port.ts'
import type { Platform } from '../../../lib/platform/platform.ts'
import { queueNames } from '../../../lib/platform/queue/port.ts'
import type { Queue, QueueName, Queues } from '../../../lib/platform/queue/port.ts'
import type { Request } from './evaluate.ts'

/** A request without who asks. */
export type Call = Pick<Request, 'action' | 'resource' | 'context'>

export interface Places {
  readonly bucket: string
  readonly keyBucket: string
  readonly prefix: string
  readonly key: string
  /** `arn:aws:sqs:…:PREFIX`, to which a hyphen and the queue's name are put. */
  readonly queues: string
}

export const TLS = { 'aws:SecureTransport': 'true' } as const

/** A create-only PUT, as the driver of S3 sends it. */
export const CREATE_ONLY = { 's3:if-none-match': '*', 's3:ObjectCreationOperation': 'true' } as const

export function recordCalls(platform: Platform, places: Places, record: (call: Call) => void): Platform {
  return {
    ...platform,
    store: recordStore(platform.store, places.bucket, places.prefix, record),
    keyStore: recordStore(platform.keyStore, places.keyBucket, places.prefix, record),
    keys: recordKeys(platform.keys, places.key, record),
    queues: recordQueues(platform.queues, places.queues, record),
  }
}

export function objectCall(action: string, bucket: string, key: string): Call {
  return {
    action,
    resource: `arn:aws:s3:::${bucket}/${key}`,
    context: action === 's3:PutObject' ? { ...TLS, ...CREATE_ONLY } : TLS,
  }
}

export function keyCall(action: string, key: string, context: WrapContext): Call {
  const members = Object.entries(context).map(([name, value]) => [`kms:EncryptionContext:${name}`, value] as const)
  return { action, resource: key, context: { ...TLS, ...Object.fromEntries(members) } }
}

export function queueCall(action: string, queue: string): Call {
  return { action, resource: queue, context: TLS }
}

function recordStore(store: ObjectStore, bucket: string, prefix: string, record: (call: Call) => void): ObjectStore {
  const at = (action: string, key: string): void => record(objectCall(action, bucket, `${prefix}/${key}`))
  return {
    create: (key, body) => (at('s3:PutObject', key), store.create(key, body)),
    get: (key, options) => (at('s3:GetObject', key), store.get(key, options)),
    delete: (key) => (at('s3:DeleteObject', key), store.delete(key)),
    list(listed, options) {
      record({
        action: 's3:ListBucket',
        resource: `arn:aws:s3:::${bucket}`,
        context: { ...TLS, 's3:prefix': `${prefix}/${listed}` },
      })
      return store.list(listed, options)
    },
  }
}

function recordKeys(keys: KeyService, key: string, record: (call: Call) => void): KeyService {
  return {
    description: keys.description,
    wrap: (plaintext, context) => (record(keyCall('kms:Encrypt', key, context)), keys.wrap(plaintext, context)),
    unwrap: (wrapped, context) => (record(keyCall('kms:Decrypt', key, context)), keys.unwrap(wrapped, context)),
  }
}

function recordQueues(queues: Queues, prefix: string, record: (call: Call) => void): Queues {
  const recorded = (queue: Queue, name: string): Queue => {
    const ask = (action: string): void => record(queueCall(action, `${prefix}-${name}`))
    return {
      send: (messages) => (ask('sqs:GetQueueUrl'), ask('sqs:SendMessage'), queue.send(messages)),
      receive: (options) => (ask('sqs:GetQueueUrl'), ask('sqs:ReceiveMessage'), queue.receive(options)),
      delete: (receipt) => (ask('sqs:GetQueueUrl'), ask('sqs:DeleteMessage'), queue.delete(receipt)),
      changeVisibility: (receipt, ms) => (
        ask('sqs:GetQueueUrl'),
        ask('sqs:ChangeMessageVisibility'),
        queue.changeVisibility(receipt, ms)
      ),
      depth: () => (ask('sqs:GetQueueUrl'), ask('sqs:GetQueueAttributes'), queue.depth()),
    }
  }
  const pairs = new Map(
    queueNames.map((name) => [
      name,
      { work: recorded(queues.queue(name), name), dead: recorded(queues.deadLetter(name), `${name}-dead`) },
    ]),
  )
  const pair = (name: QueueName): { readonly work: Queue; readonly dead: Queue } => pairs.get(name)!
  return {
    queue: (name) => pair(name).work,
    deadLetter: (name) => pair(name).dead,
    async check(name) {
      for (const queue of [name, `${name}-dead`])
        for (const action of ['sqs:GetQueueUrl', 'sqs:GetQueueAttributes'])
          record(queueCall(action, `${prefix}-${queue}`))
    },
    close: () => queues.close(),
  }
}
