/**
 * Every number of the format, in one place: magic, version, kinds, sizes. Changing one changes the format (docs/format.md), except where a comment
 * says that it is the writer's choice. All integers in objects are big-endian and unsigned.
 */

/** The version this code writes, and the only one there is: 0 was never released. Every later version reads this one. */
export const FORMAT_VERSION = 1
/** The oldest that is read. */
export const FORMAT_VERSION_OLDEST = 1
/** Features without which something stored cannot be read rightly: a name in `mandatory` that does not stand here is refused. */
export const MANDATORY_FEATURES: readonly string[] = []

/** The first six bytes of every sealed object. */
export const MAGIC: Buffer = Buffer.from('toriki', 'latin1')

/** What an object is, as the byte in its header. Numbers are never reused. */
export const objectKinds = {
  deployment: 1,
  'deployment-keys': 2,
  'slice-keys': 3,
  owner: 4,
  pack: 5,
  'tree-pack': 6,
  index: 7,
  snapshot: 8,
  checkpoint: 9,
  condemned: 10,
  mark: 11,
  claim: 12,
  'run-record': 13,
  'restore-record': 14,
  erased: 15,
  /** The table at the end of a pack, sealed by itself so that it opens without content rights. */
  'pack-table': 16,
  /** A snapshot's own small content: one record of the snapshot, sealed to the content public key. */
  'inline-content': 17,
  /** In a generation's keys: another generation follows. */
  'next-generation': 18,
} as const

export type ObjectKind = keyof typeof objectKinds

export const SALT_BYTES = 32
export const COMMITMENT_BYTES = 32
/** magic 6 ‖ version 1 ‖ kind 1 ‖ salt 32 ‖ commitment 32. */
export const SEAL_HEADER_BYTES = 72
/** Before each record of an object that is read whole: last 1 bit ‖ length of the plaintext 31 bits. */
export const RECORD_FRAME_BYTES = 4
/** The tag of AES-256-GCM behind each ciphertext. */
export const TAG_BYTES = 16
/** Longest path in additional data; real ones are under 200. */
export const PATH_BYTES_MAX = 1024

/** Length of every symmetric secret and X25519 key. */
export const KEY_BYTES = 32
/** One block of SHA-256, so that the key alone fills the first step of the hash (see `chunkId`). */
export const CHUNK_ID_KEY_BYTES = 64
export const CHUNK_ID_BYTES = 32

/** A file up to here is one chunk, and no chunk but a file's or segment's last is shorter. */
export const CHUNK_BYTES_MIN = 256 * 1024
/** Where the chunker changes from the stricter to the laxer mask. */
export const CHUNK_BYTES_AVERAGE = 1024 * 1024
export const CHUNK_BYTES_MAX = 4 * 1024 * 1024
/** Cutting begins anew at every multiple of this offset in the file. */
export const SEGMENT_BYTES = 64 * 1024 * 1024
/** A tree node is one chunk, and holds what its keys and bodies need. */
export const TREE_CHUNK_BYTES_MAX = 32 * 1024 * 1024

/** A content block is closed before it would pass this (a longer chunk stands alone). Writer's choice. */
export const CONTENT_BLOCK_BYTES = 1024 * 1024
/** The same for a block of tree nodes. Writer's choice. */
export const TREE_BLOCK_BYTES = 64 * 1024
/** A pack is closed when its blocks reach this. Writer's choice. */
export const PACK_BYTES = 16 * 1024 * 1024
/** No key has more leading zeros than SHA-256 has bits, so no tree is higher: 256 / 7. */
export const TREE_LEVEL_MAX = 36
/** The keys of one node, written out: bounds memory where they are stored without what they share. */
export const NODE_KEYS_BYTES_MAX = 256 * 1024 * 1024
/** One key. The longest that is written is that of a path of 16,384 bytes, escaped. */
export const RESOURCE_KEY_BYTES_MAX = 65_536
/** 127 are between two closing keys on average; by chance there will never be so many. */
export const NODE_ITEMS_MAX = 65_536
/** Objects and lists in stored JSON stand in each other no deeper than this. */
export const JSON_DEPTH_MAX = 100

/** A pack holds no more chunks than this, which bounds its table. */
export const PACK_CHUNKS_MAX = 65_536
/** Raw bytes of a pack's id. */
export const PACK_ID_BYTES = 16
/** An index object is closed when its tables reach this. Writer's choice: it is in memory three times while it is made. */
export const INDEX_BYTES = 8 * 1024 * 1024

/** A component is read by so many at once at most; bounds what is listed and opened for a join. */
export const RANGES_MAX = 64
