import { describe, expect, test } from '@jest/globals'
import { createSecretKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeBlock } from '../../lib/repository/compression.ts'
import { decapsulate } from '../../lib/repository/hpke.ts'
import { openIndex } from '../../lib/repository/index-object.ts'
import { deriveSliceKeys } from '../../lib/repository/keys.ts'
import { PackReader } from '../../lib/repository/pack-reader.ts'
import { openObject } from '../../lib/repository/seal.ts'
import type { ChunkSort } from '../../lib/repository/chunk-store.ts'
import { vectors, vectorsFolder } from './make-vectors.ts'

const read = (name: string): unknown => JSON.parse(readFileSync(join(vectorsFolder, `${name}.json`), 'utf8'))
const hex = (text: string): Buffer => Buffer.from(text, 'hex')

interface PackVectors {
  readonly treeSecret: string
  readonly contentPublicKey: string
  readonly contentPrivateKey: string
  readonly packs: readonly { readonly sort: ChunkSort; readonly path: string; readonly body: string; readonly table: string }[]
  readonly index: { readonly path: string; readonly body: string; readonly supersedes: readonly string[] }
  readonly zstdBlock: { readonly block: string; readonly plain: string }
}

describe('the test vectors', () => {
  test.each(Object.keys(vectors))('%s.json is what the code makes', (name) => {
    const [made, kept] = [vectors[name]?.(), read(name)] as [object, object]
    // zstd may change its mind about bytes that decompress alike.
    expect({ ...made, zstdBlock: undefined }).toEqual({ ...kept, zstdBlock: undefined })
  })

  test('sealed objects open', () => {
    for (const { parentKey, path, records, sealed } of read('seal') as { parentKey: string; path: string; records: string[]; sealed: string }[]) {
      const opened = openObject({ parentKey: createSecretKey(hex(parentKey)), kind: 'snapshot', path, bytes: hex(sealed) })
      expect(opened.map((record) => record.toString('hex'))).toEqual(records)
    }
  })

  test('an encapsulated key is found again', () => {
    const { enc, privateKey, info, parentKey } = read('hpke') as Record<string, string>
    const key = decapsulate(hex(enc ?? ''), hex(privateKey ?? ''), hex(info ?? ''))
    expect(key.export().toString('hex')).toBe(parentKey)
  })

  test('packs, their tables and the index open', () => {
    const { treeSecret, contentPublicKey, contentPrivateKey, packs, index, zstdBlock } = read('packs') as PackVectors
    const keys = deriveSliceKeys(hex(treeSecret), hex(contentPublicKey), hex(contentPrivateKey))
    for (const { sort, path, body, table } of packs) {
      const [, sliceId, , packId] = path.split('/') as [string, string, string, string]
      const reader = new PackReader({ store: { get: () => Promise.reject(new Error('no store')) }, sliceId, keys })
      expect(reader.verify(sort, packId, hex(body)).toString('hex')).toBe(table)
    }
    const { supersedes, tables } = openIndex(keys.treeKey, index.path, hex(index.body))
    expect(supersedes).toEqual(index.supersedes)
    expect(tables.map((table) => table.toString('hex'))).toEqual(packs.map(({ table }) => table))
    expect(decodeBlock(hex(zstdBlock.block), 1000).toString('hex')).toBe(zstdBlock.plain)
  })
})
