/**
 * Makes the test vectors of docs/format.md from fixed secrets and fixed "randomness": `node test/golden/make-vectors.ts` writes vectors/*.json anew.
 * vectors.test.ts holds them against the code: a difference means that the format has changed. (hpke-rfc9180.json is the RFC's own and not made here.)
 * All bytes are hexadecimal.
 */
import { createSecretKey, hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import type { Random } from '../../lib/platform/random.ts'
import { Chunker, gearTable } from '../../lib/repository/chunker.ts'
import { encapsulate, EXPORT_CONTEXT } from '../../lib/repository/hpke.ts'
import { sealIndex } from '../../lib/repository/index-object.ts'
import { chunkId, deriveSliceKeys, generateSliceSecrets, ownerDigest, sliceId } from '../../lib/repository/keys.ts'
import { PackWriter } from '../../lib/repository/pack-writer.ts'
import { sealObject } from '../../lib/repository/seal.ts'
import { keyCheck } from '../../lib/repository/wrapped-keys.ts'

type Json = string | number | readonly Json[] | { readonly [name: string]: Json }

export const vectorsFolder = join(import.meta.dirname, 'vectors')

/** Block n of "random" bytes is SHA-256("toriki vectors" ‖ name ‖ n): any language can repeat it. */
function countedRandom(name: string): Random {
  let block = 0
  const bytes = (count: number): Buffer => {
    const parts: Buffer[] = []
    for (let have = 0; have < count; have += 32) parts.push(hash('sha256', `toriki vectors ${name} ${block++}`, 'buffer'))
    return Buffer.concat(parts).subarray(0, count)
  }
  return { bytes, fraction: () => 0 }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const slice = 'slices/mfrggzdfmztwq2lkmfrggzdfmz'
const secrets = generateSliceSecrets(countedRandom('slice secrets'))
const keys = deriveSliceKeys(secrets.treeSecret, secrets.contentPublicKey)

function keyVectors(): Json {
  const namingKey = countedRandom('naming key').bytes(32)
  return {
    treeSecret: hex(secrets.treeSecret),
    contentPublicKey: hex(secrets.contentPublicKey),
    contentPrivateKey: hex(secrets.contentPrivateKey),
    check: keyCheck(Buffer.concat([secrets.treeSecret, secrets.contentPublicKey])),
    chunkIdKey: hex(keys.chunkIdKey),
    boundaryKey: hex(keys.boundaryKey),
    gearKey: hex(keys.gearKey),
    treeKey: hex(keys.treeKey.export()),
    namingKey: hex(namingKey),
    sliceIds: [
      ['shared', 1],
      ['user/ann', 1],
      ['user/ann', 2],
      ['user/J%C3%BCrgen', 1],
      ['user/jürgen', 10],
    ].map(([name, generation]) => ({ name: String(name), generation: Number(generation), id: sliceId(namingKey, String(name), Number(generation)) })),
    owner: { id: '6f1c8f0e-5b1f-4f57-9b34-3f8f5f0d2c11', digest: hex(ownerDigest(namingKey, '6f1c8f0e-5b1f-4f57-9b34-3f8f5f0d2c11')) },
  }
}

function sealVectors(): Json {
  const parentKey = Buffer.alloc(32, 1)
  const place = { parentKey: createSecretKey(parentKey), kind: 'snapshot', path: `${slice}/snapshots/run.1` } as const
  return [[''], ['one'], ['one', '', 'three']].map((texts, at) => ({
    parentKey: hex(parentKey),
    kind: 8,
    path: place.path,
    records: texts.map((text) => hex(Buffer.from(text))),
    sealed: hex(sealObject({ ...place, records: texts.map((text) => Buffer.from(text)), random: countedRandom(`seal ${at}`) })),
  }))
}

function hpkeVectors(): Json {
  const info = Buffer.from(`toriki content\0${slice}/packs/aaaaaaaaaaaaaaaaaaaaaaaaaa`)
  const { enc, key } = encapsulate(secrets.contentPublicKey, info, countedRandom('encapsulation'))
  return {
    privateKey: hex(secrets.contentPrivateKey),
    info: hex(info),
    enc: hex(enc),
    exporterContext: hex(EXPORT_CONTEXT),
    parentKey: hex(key.export()),
  }
}

/** Bytes that any language can make: a linear congruential generator, see `recipe`. */
function chunkerInput(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = 1
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

function chunkVectors(): Json {
  const texts = ['', 'a', 'a'.repeat(56), 'a'.repeat(300_000)]
  const gear = gearTable(keys.gearKey)
  const input = chunkerInput(12 * 1024 * 1024)
  const cut = (offset: number): number[] => {
    const chunker = new Chunker(gear, offset)
    const lengths = [...chunker.push(input)].map((chunk) => chunk.length)
    return [...lengths, chunker.finish()?.length ?? 0]
  }
  return {
    chunkIdKey: hex(keys.chunkIdKey),
    ids: texts.map((text) => ({ letter: 'a', length: text.length, id: hex(chunkId(keys.chunkIdKey, Buffer.from(text))) })),
    gearKey: hex(keys.gearKey),
    gear: [...gear].map((number) => number >>> 0),
    input: {
      recipe: 'state = 1; for each byte: state = (1664525 × state + 1013904223) mod 2^32, byte = state div 2^24',
      length: input.length,
      sha256: hash('sha256', input, 'hex'),
    },
    cuts: [0, 64 * 1024 * 1024 - 3_000_000].map((offset) => ({ offset, lengths: cut(offset) })),
  }
}

function packVectors(): Json {
  const sliceIdText = slice.slice('slices/'.length)
  const chunks = { content: ['a file', 'another file', ''], tree: ['a node', 'another node'] }
  const packs = (['content', 'tree'] as const).map((sort) => {
    const random = countedRandom(`${sort} pack`)
    const writer = new PackWriter({ sliceId: sliceIdText, sort, keys, random })
    for (const text of chunks[sort]) writer.add(chunkId(keys.chunkIdKey, Buffer.from(text)), Buffer.from(text))
    return writer.finish()
  })
  const tables = packs.map(({ table }) => table)
  const index = sealIndex({ sliceId: sliceIdText, treeKey: keys.treeKey, random: countedRandom('index') }, { supersedes: ['aaaaaaaaaaaaaaaaaaaaaaaaaa'], tables })
  return {
    treeSecret: hex(secrets.treeSecret),
    contentPublicKey: hex(secrets.contentPublicKey),
    contentPrivateKey: hex(secrets.contentPrivateKey),
    packs: packs.map(({ sort, path, body, table }) => ({
      sort,
      path,
      body: hex(body),
      table: hex(table),
      chunks: chunks[sort].map((text) => ({ id: hex(chunkId(keys.chunkIdKey, Buffer.from(text))), plain: hex(Buffer.from(text)) })),
    })),
    index: { path: index.path, body: hex(index.bytes), supersedes: ['aaaaaaaaaaaaaaaaaaaaaaaaaa'] },
    // Only to be read: another release of zstd may compress the same plaintext to other bytes.
    zstdBlock: { block: hex(Buffer.concat([Buffer.of(1), zstdCompressSync(Buffer.alloc(1000, 'toriki '))])), plain: hex(Buffer.alloc(1000, 'toriki ')) },
  }
}

export const vectors: Readonly<Record<string, () => Json>> = {
  keys: keyVectors,
  seal: sealVectors,
  hpke: hpkeVectors,
  chunks: chunkVectors,
  packs: packVectors,
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, make] of Object.entries(vectors)) writeFileSync(join(vectorsFolder, `${name}.json`), `${JSON.stringify(make(), null, 2)}\n`)
}
