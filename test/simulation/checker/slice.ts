/** Everything of one slice id: packs, indexes, snapshots, checkpoints, marks; each object opened, each reference followed. */
import { createHash } from 'node:crypto'
import { readEntry } from './entries.ts'
import type { CheckedResource } from './entries.ts'
import { exportParentKey } from './hpke-export.ts'
import { chunkIdOf } from './keys.ts'
import type { SliceSecrets } from './keys.ts'
import { openPack, readIndex, readPackTable, unpackBlock } from './packs.ts'
import type { PackTable } from './packs.ts'
import { kinds, openSealed } from './sealed-object.ts'
import { readTree } from './tree.ts'

export interface Violation {
  readonly path: string
  readonly what: string
}

export interface CheckedComponent {
  /** By key, in Latin-1 (keys are bytes). */
  readonly resources: ReadonlyMap<string, CheckedResource>
  readonly root: string
  readonly suspect: string | undefined
  readonly readAt: string
  /** The source as it was recorded. */
  readonly source: unknown
}

export interface CheckedSnapshot {
  readonly id: string
  readonly run: string
  readonly n: number
  readonly time: string
  readonly parent: string | undefined
  readonly components: ReadonlyMap<string, CheckedComponent>
  readonly missing: readonly { readonly component: string; readonly code: string }[]
  readonly accepted: boolean
  /** A restore wrote to the source meanwhile. */
  readonly mixed: boolean
  /** Ids of the chunks that it needs from packs. */
  readonly packed: ReadonlySet<string>
}

export interface Claim {
  readonly restore: string
  readonly from: string
  readonly until?: string
}

export interface CheckedSlice {
  readonly sliceId: string
  /** Ascending by run, then number. */
  readonly snapshots: readonly CheckedSnapshot[]
  readonly checkpoints: number
  /** Restores that had the slice, or have it. */
  readonly claims: readonly Claim[]
  /** Chunk id → the packs that hold it. */
  readonly packsOf: ReadonlyMap<string, readonly string[]>
  /** Path of what condemns → the packs it names. */
  readonly condemned: ReadonlyMap<string, readonly string[]>
}

interface ChunkPlace {
  readonly id: string
  readonly sort: 'content' | 'tree'
  readonly in?: string
  readonly offset: number
  readonly length: number
}
interface ComponentDocument {
  readonly root: string
  readonly resources: number
  readonly suspect?: string
  readonly readAt: string
  readonly source?: unknown
  readonly chunks: readonly ChunkPlace[]
}
interface CaptureDocument {
  readonly time: string
  readonly parent?: { readonly id: string; readonly digest: string }
  readonly indexes: readonly string[]
  readonly components: Readonly<Record<string, ComponentDocument>>
}
interface SnapshotDocument extends CaptureDocument {
  readonly missing: readonly { readonly component: string; readonly code: string }[]
  readonly known: Readonly<Record<string, string>>
  readonly blocks: { readonly tree: number; readonly content: number }
}
interface CheckpointDocument extends CaptureDocument {
  readonly packs: readonly string[]
  readonly partial?: ComponentDocument
}
interface MarksDocument {
  readonly accepted: readonly string[]
  readonly forgotten: readonly { readonly id: string; readonly digest: string }[]
  readonly claims: readonly Claim[]
}
interface Opened {
  readonly document: SnapshotDocument
  readonly digest: string
  readonly blocks: Readonly<Record<'content' | 'tree', Buffer>>
}

/** `objects`: those under `slices/<slice id>/`, by their whole paths. */
export function checkSlice(
  sliceId: string,
  objects: ReadonlyMap<string, Buffer>,
  secrets: SliceSecrets,
  violations: Violation[],
  maintained?: Maintained,
): CheckedSlice {
  return new SliceChecker(sliceId, objects, secrets, violations, maintained).check()
}

/** Of a slice that prune went by: what it may have taken is not missed. */
export interface Maintained {
  /** Checkpoints of others may have lost what they name. */
  readonly openRuns: ReadonlySet<string>
}

class SliceChecker {
  readonly #base: string
  readonly #sliceId: string
  readonly #objects: ReadonlyMap<string, Buffer>
  readonly #secrets: SliceSecrets
  readonly #violations: Violation[]
  readonly #packed = { tree: new Map<string, Buffer>(), content: new Map<string, Buffer>() }
  readonly #snapshots = new Map<string, Opened>()
  readonly #packsOf = new Map<string, string[]>()
  readonly #condemned = new Map<string, readonly string[]>()

  readonly #maintained: Maintained | undefined
  #forgotten: ReadonlyMap<string, string> = new Map()

  constructor(
    sliceId: string,
    objects: ReadonlyMap<string, Buffer>,
    secrets: SliceSecrets,
    violations: Violation[],
    maintained: Maintained | undefined,
  ) {
    this.#maintained = maintained
    this.#base = `slices/${sliceId}/`
    this.#sliceId = sliceId
    this.#objects = objects
    this.#secrets = secrets
    this.#violations = violations
  }

  check(): CheckedSlice {
    this.#checkFolders()
    this.#readPacks()
    for (const path of this.#paths('snapshots'))
      this.#try(path, () => this.#snapshots.set(this.#name(path), this.#openSnapshot(path)))
    const marks = this.#marks()
    this.#forgotten = new Map(marks.forgotten.map(({ id, digest }) => [id, digest]))
    const snapshots: CheckedSnapshot[] = []
    for (const [id, opened] of this.#snapshots) {
      // It may hold chunks for others; nobody sees it, and what it needs may be gone.
      if (this.#maintained !== undefined && this.#forgotten.has(id)) continue
      this.#try(`${this.#base}snapshots/${id}`, () => snapshots.push(this.#checkSnapshot(id, opened, marks)))
    }
    for (const path of this.#paths('checkpoints')) {
      const run = this.#name(path).split('.')[0] ?? ''
      if (this.#maintained === undefined || this.#maintained.openRuns.has(run))
        this.#try(path, () => this.#checkCheckpoint(path))
    }
    for (const path of this.#paths('condemned'))
      this.#try(path, () => this.#condemned.set(path, this.#document(path, kinds.condemned)['packs'] as string[]))
    snapshots.sort((a, b) => (a.run === b.run ? a.n - b.n : a.run < b.run ? -1 : 1))
    return {
      sliceId: this.#sliceId,
      snapshots,
      checkpoints: this.#paths('checkpoints').length,
      claims: marks.claims,
      packsOf: this.#packsOf,
      condemned: this.#condemned,
    }
  }

  #checkFolders(): void {
    const known = ['packs', 'trees', 'index', 'snapshots', 'checkpoints', 'condemned', 'marks', 'claims']
    for (const path of this.#objects.keys()) {
      const [, , folder = '', name = '', ...more] = path.split('/')
      if (!known.includes(folder) || name === '' || more.length > 0)
        this.#violations.push({ path, what: 'is in no place of the layout' })
    }
  }

  /** Chunks count only where a current index says where they lie. A pack that no index names is garbage, but opens all the same. */
  #readPacks(): void {
    const tables = new Map<string, PackTable>()
    for (const path of [...this.#paths('packs'), ...this.#paths('trees')]) {
      this.#try(path, () => {
        const bytes = this.#bytes(path)
        const table = readPackTable(bytes, path, this.#secrets)
        tables.set(path, table)
        if (table.sort === 'tree' || this.#secrets.contentPrivateKey !== undefined)
          openPack(bytes, path, table, this.#secrets)
      })
    }
    const indexes = new Map<string, ReturnType<typeof readIndex>>()
    for (const path of this.#paths('index'))
      this.#try(path, () => indexes.set(this.#name(path), readIndex(this.#bytes(path), path, this.#secrets)))
    const superseded = new Set([...indexes.values()].flatMap(({ supersedes }) => supersedes))
    for (const [name, index] of indexes) {
      if (superseded.has(name)) continue
      for (const table of index.tables) {
        const path = `${this.#base}${table.sort === 'content' ? 'packs' : 'trees'}/${table.packId}`
        this.#try(`${this.#base}index/${name}`, () => {
          const own = tables.get(path)
          if (own === undefined) throw new Error(`names the pack ${table.packId}, which is not there`)
          if (JSON.stringify(own) !== JSON.stringify(table))
            throw new Error(`says other things of the pack ${table.packId} than that itself`)
          if (table.sort === 'content' && this.#secrets.contentPrivateKey === undefined) return
          for (const [id, chunk] of openPack(this.#bytes(path), path, table, this.#secrets)) {
            this.#packed[table.sort].set(id, chunk)
            this.#packsOf.set(id, [...(this.#packsOf.get(id) ?? []), table.packId])
          }
        })
      }
    }
  }

  #openSnapshot(path: string): Opened {
    const bytes = this.#bytes(path)
    const [head, tree, content, ...more] = openSealed(bytes, kinds.snapshot, path, this.#secrets.treeKey)
    if (tree === undefined || content === undefined || more.length > 0) throw new Error('has not three records')
    const document = JSON.parse(String(head)) as SnapshotDocument
    return {
      document,
      digest: createHash('sha256').update(bytes).digest('hex'),
      blocks: {
        tree: document.blocks.tree === 0 ? tree : unpackBlock(tree, document.blocks.tree),
        content: this.#openContent(path, content, document.blocks.content),
      },
    }
  }

  #openContent(path: string, record: Buffer, plainBytes: number): Buffer {
    const { contentPrivateKey } = this.#secrets
    if (plainBytes === 0 || contentPrivateKey === undefined) return Buffer.alloc(0)
    const parentKey = exportParentKey(record.subarray(0, 32), contentPrivateKey, Buffer.from(`toriki content\0${path}`))
    const [block] = openSealed(record.subarray(32), kinds.inlineContent, path, parentKey)
    return unpackBlock(block ?? Buffer.alloc(0), plainBytes)
  }

  #checkSnapshot(id: string, { document }: Opened, { accepted, claims }: MarksDocument): CheckedSnapshot {
    const [run, n] = [id.slice(0, id.lastIndexOf('.')), Number(id.slice(id.lastIndexOf('.') + 1))]
    if (!Number.isSafeInteger(n) || n < 1) throw new Error('has a name that is no snapshot’s')
    this.#checkCapture(document)
    for (const known of Object.values(document.known))
      if (!this.#snapshots.has(known) && !this.#forgotten.has(known))
        throw new Error(`knows of the snapshot ${known}, which is not there`)
    const components = new Map<string, CheckedComponent>()
    const packed = new Set<string>()
    for (const [name, component] of Object.entries(document.components)) {
      if (document.missing.some((missing) => missing.component === name))
        throw new Error(`holds ${name} and says it is missing`)
      const { root, suspect, readAt, source } = component
      components.set(name, { resources: this.#readMap(name, component, id, packed), root, suspect, readAt, source })
    }
    return {
      id,
      run,
      n,
      time: document.time,
      parent: document.parent?.id,
      components,
      missing: document.missing,
      accepted: accepted.includes(id),
      mixed: isMixed(document, claims),
      packed,
    }
  }

  #checkCapture({ parent, indexes }: CaptureDocument): void {
    for (const index of this.#maintained === undefined ? indexes : [])
      if (!this.#objects.has(`${this.#base}index/${index}`))
        throw new Error(`lists the index ${index}, which is not there`)
    if (parent === undefined) return
    const digest = this.#snapshots.get(parent.id)?.digest ?? this.#forgotten.get(parent.id)
    if (digest === undefined) throw new Error(`has the parent ${parent.id}, which is not there`)
    if (digest !== parent.digest) throw new Error(`has another digest for its parent ${parent.id}`)
  }

  /** Every entry of one component, with all its contents. `self`: the snapshot, where it may hold chunks itself. */
  #readMap(
    name: string,
    { root, resources, chunks }: ComponentDocument,
    self: string | undefined,
    packed: Set<string>,
  ): Map<string, CheckedResource> {
    const inline = new Map(chunks.map((place) => [place.id, place]))
    const get = (sort: 'content' | 'tree', id: string): Buffer => {
      const place = inline.get(id)
      if (place?.sort !== sort) packed.add(id)
      const chunk = place?.sort === sort ? this.#inlined(place, self) : this.#packed[sort].get(id)
      if (chunk === undefined) throw new Error(`needs in ${name} a ${sort} chunk that no index and no snapshot has`)
      return chunk
    }
    const source = { tree: (id: string) => get('tree', id), content: (id: string) => get('content', id) }
    const entries = readTree(root, this.#secrets.nodeTag, this.#secrets, source.tree)
    if (entries.length !== resources)
      throw new Error(`says ${name} has ${resources} resources and it has ${entries.length}`)
    return new Map(entries.map(({ key, value }) => [key.toString('latin1'), readEntry(value, source, this.#secrets)]))
  }

  #inlined({ id, sort, in: holder, offset, length }: ChunkPlace, self: string | undefined): Buffer {
    const held = holder ?? self
    const opened = held === undefined ? undefined : this.#snapshots.get(held)
    if (opened === undefined) throw new Error(`names the holder ${String(held)}, which is not there`)
    const chunk = opened.blocks[sort].subarray(offset, offset + length)
    if (chunkIdOf(this.#secrets, chunk) !== id)
      throw new Error(`holds in ${String(held)} a chunk that is not the one its id says`)
    return chunk
  }

  #checkCheckpoint(path: string): void {
    const document = this.#document(path, kinds.checkpoint) as unknown as CheckpointDocument
    this.#checkCapture(document)
    for (const pack of document.packs) {
      if (!['packs', 'trees'].some((folder) => this.#objects.has(`${this.#base}${folder}/${pack}`)))
        throw new Error(`lists the pack ${pack}, which is not there`)
    }
    for (const [name, component] of Object.entries(document.components))
      this.#readMap(name, component, undefined, new Set())
    if (document.partial !== undefined)
      this.#readMap('the component it was reading', document.partial, undefined, new Set())
  }

  #marks(): MarksDocument {
    const numbers = this.#paths('marks').map((path) => Number(this.#name(path)))
    for (const path of this.#paths('marks')) this.#try(path, () => this.#document(path, kinds.mark))
    if (numbers.length === 0) return { accepted: [], forgotten: [], claims: [] }
    const {
      accepted,
      forgotten,
      claims = [],
    } = this.#document(`${this.#base}marks/${Math.max(...numbers)}`, kinds.mark) as {
      accepted: string[]
      forgotten: MarksDocument['forgotten']
      claims?: Claim[]
    }
    if (claims.filter(({ until }) => until === undefined).length > 1)
      this.#violations.push({ path: `${this.#base}marks/`, what: 'two restores have the slice' })
    return { accepted, forgotten, claims }
  }

  #document(path: string, kind: number): Record<string, unknown> {
    const [record, ...more] = openSealed(this.#bytes(path), kind, path, this.#secrets.treeKey)
    if (more.length > 0) throw new Error('has more than one record')
    return JSON.parse(String(record)) as Record<string, unknown>
  }

  #paths(folder: string): string[] {
    return [...this.#objects.keys()].filter((path) => path.startsWith(`${this.#base}${folder}/`)).sort()
  }

  #name(path: string): string {
    return path.slice(path.lastIndexOf('/') + 1)
  }

  #bytes(path: string): Buffer {
    return this.#objects.get(path) as Buffer
  }

  #try(path: string, check: () => unknown): void {
    try {
      check()
    } catch (error) {
      this.#violations.push({ path, what: error instanceof Error ? error.message : String(error) })
    }
  }
}

function isMixed({ time, components }: SnapshotDocument, claims: readonly Claim[]): boolean {
  const read = [time, ...Object.values(components).map(({ readAt }) => readAt)].map((text) => Date.parse(text))
  return claims.some(
    ({ from, until }) =>
      Math.max(...read) >= Date.parse(from) && (until === undefined || Date.parse(time) <= Date.parse(until)),
  )
}
