/**
 * The keys of a pack: a tree pack is sealed under the tree key, a content pack under a fresh key encapsulated to the content public key; the table of
 * either under the tree key, so that an index can be rebuilt without the right to open content. Whoever seals a content pack cannot open it again.
 */
import type { KeyObject } from 'node:crypto'
import { TorikiError } from '../errors.ts'
import type { Random } from '../platform/random.ts'
import { SEAL_HEADER_BYTES } from './format.ts'
import { decapsulate, encapsulate } from './hpke.ts'
import { packPath } from './object-paths.ts'
import { Opener, Sealer } from './seal.ts'
import type { ChunkSort, SliceKeys } from './chunk-store.ts'
import type { PackDescription } from './pack-table.ts'

/** HPKE's `info`: an encapsulated key is good for one pack only. */
function packInfo(path: string): Buffer {
  return Buffer.from(`toriki content\0${path}`, 'utf8')
}

export function sealPack(input: {
  readonly keys: Pick<SliceKeys, 'treeKey' | 'contentPublicKey'>
  readonly sort: ChunkSort
  readonly path: string
  readonly random: Random
}): { readonly sealer: Sealer; readonly header: Buffer } {
  const { keys, sort, path, random } = input
  if (sort === 'tree') {
    const sealer = new Sealer({ parentKey: keys.treeKey, kind: 'tree-pack', path, random })
    return { sealer, header: sealer.header }
  }
  const { enc, key } = encapsulate(keys.contentPublicKey, packInfo(path), random)
  const sealer = new Sealer({ parentKey: key, kind: 'pack', path, random })
  return { sealer, header: Buffer.concat([sealer.header, enc]) }
}

/** @throws TorikiError `content-locked` for a content pack without the private key; `seal-broken`, `format-newer`. */
export function openPack(
  keys: Pick<SliceKeys, 'treeKey' | 'contentPrivateKey'>,
  sliceId: string,
  pack: PackDescription,
): Opener {
  const path = packPath(sliceId, pack.sort, pack.packId)
  const header = pack.header.subarray(0, SEAL_HEADER_BYTES)
  if (pack.sort === 'tree') return new Opener({ parentKey: keys.treeKey, kind: 'tree-pack', path, header })
  return new Opener({
    parentKey: contentKey(keys, path, pack.header.subarray(SEAL_HEADER_BYTES)),
    kind: 'pack',
    path,
    header,
  })
}

function contentKey(keys: Pick<SliceKeys, 'contentPrivateKey'>, path: string, enc: Buffer): KeyObject {
  if (keys.contentPrivateKey === undefined) throw new TorikiError('content-locked', { ids: { object: path } })
  return decapsulate(enc, keys.contentPrivateKey, packInfo(path))
}
