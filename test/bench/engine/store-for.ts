/** Where repositories go: folders, or an S3 server of our own on this machine. Each repository gets a place of its own, whose size can be asked. */
import { CreateBucketCommand, DeleteObjectsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { awsClientOptions } from '../../../lib/platform/aws-client-options.ts'
import { startVersitygw, TEST_CREDENTIALS } from '../../kit/servers/versitygw.ts'
import type { StorePlace } from './tool.ts'

export interface Stores {
  place(name: string): StorePlace
  bytes(place: StorePlace): Promise<number>
  remove(place: StorePlace): Promise<void>
  stop(): Promise<void>
}

const BUCKET = 'bench'

export async function openStores(kind: 'folder' | 's3', folder: string): Promise<Stores> {
  return kind === 'folder' ? folderStores(folder) : await s3Stores()
}

function folderStores(folder: string): Stores {
  const pathOf = (place: StorePlace): string => (place.kind === 'folder' ? place.folder : '')
  return {
    place(name) {
      mkdirSync(folder, { recursive: true })
      return { kind: 'folder', folder: join(folder, name) }
    },
    bytes: (place) => Promise.resolve(bytesBelow(pathOf(place))),
    remove(place) {
      rmSync(pathOf(place), { recursive: true, force: true })
      return Promise.resolve()
    },
    stop: () => Promise.resolve(),
  }
}

async function s3Stores(): Promise<Stores> {
  process.env['AWS_ACCESS_KEY_ID'] = TEST_CREDENTIALS.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = TEST_CREDENTIALS.secretAccessKey
  const server = await startVersitygw()
  const client = new S3Client({
    ...awsClientOptions({ endpoint: server.endpoint, credentials: TEST_CREDENTIALS }),
    forcePathStyle: true,
  })
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }))
  async function* objects(place: StorePlace): AsyncGenerator<{ Key: string; Size: number }> {
    for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
      const page = await client.send(
        new ListObjectsV2Command({
          Bucket: BUCKET,
          Prefix: place.kind === 's3' ? `${place.prefix}/` : '',
          ...(token === undefined ? {} : { ContinuationToken: token }),
        }),
      )
      for (const { Key, Size } of page.Contents ?? []) if (Key !== undefined) yield { Key, Size: Size ?? 0 }
      token = page.NextContinuationToken
    }
  }
  return {
    place: (name) => ({ kind: 's3', endpoint: server.endpoint, bucket: BUCKET, prefix: name }),
    async bytes(place) {
      let bytes = 0
      for await (const { Size } of objects(place)) bytes += Size
      return bytes
    },
    async remove(place) {
      const keys = []
      for await (const { Key } of objects(place)) keys.push({ Key })
      for (let at = 0; at < keys.length; at += 1000)
        await client.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: keys.slice(at, at + 1000) } }))
    },
    async stop() {
      client.destroy()
      await server.stop()
    },
  }
}

function bytesBelow(folder: string): number {
  let bytes = 0
  for (const name of readdirSync(folder)) {
    const stat = lstatSync(join(folder, name))
    bytes += stat.isDirectory() ? bytesBelow(join(folder, name)) : stat.size
  }
  return bytes
}
