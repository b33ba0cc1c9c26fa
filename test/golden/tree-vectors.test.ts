import { describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { StoredEntry } from '../../lib/repository/body.ts'
import { SnapshotCache, SnapshotChunks } from '../../lib/repository/snapshot-chunks.ts'
import { loadSnapshot } from '../../lib/repository/snapshot-object.ts'
import { TreeReader } from '../../lib/repository/tree-reader.ts'
import { snapshotId, treeVectorMakers, vectorContext } from './make-tree-vectors.ts'
import { vectorsFolder } from './make-vectors.ts'

const read = (name: string): Record<string, unknown> => JSON.parse(readFileSync(join(vectorsFolder, `${name}.json`), 'utf8')) as Record<string, unknown>

describe('the test vectors from "Tree" on', () => {
  test.each(Object.keys(treeVectorMakers))('%s.json is what the code makes', async (name) => {
    // zstd may change its mind about bytes that decompress alike; the sealed object is opened below.
    const made = JSON.parse(JSON.stringify(await treeVectorMakers[name]?.())) as object
    expect({ ...made, sealed: undefined }).toEqual({ ...read(name), sealed: undefined })
  })

  test('the sealed snapshot opens, down to the secret', async () => {
    const { sealed, root, key, value, secret } = read('snapshot') as Record<string, string>
    const context = vectorContext({ get: () => Promise.resolve(Buffer.from(sealed ?? '', 'hex')) })
    const { document } = await loadSnapshot(context, snapshotId)
    const stored = document.components.get('keycloak')
    expect(stored?.record).toMatchObject({ root, resources: 1, inlinedIn: snapshotId })
    expect(document.missing).toEqual([{ component: 'files', code: 'root-missing' }])
    const source = new SnapshotChunks(context, stored?.chunks ?? new Map(), new SnapshotCache(context), () => Promise.reject(new Error('no packs')))
    const entries = []
    for await (const entry of new TreeReader(context.formats.map, source).entries(Buffer.from(root ?? '', 'hex'))) entries.push(entry)
    expect(entries.map((entry) => [entry.key.toString('hex'), entry.value.toString('hex')])).toEqual([[key, value]])
    const opened = new StoredEntry(entries[0]!, context.formats, source)
    expect((await opened.secrets['password']?.bytes(100))?.toString('hex')).toBe(secret)
  })
})
