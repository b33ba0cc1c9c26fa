/** The changes that a slice's plan means: from what the safety snapshot holds to what the plan's snapshots hold, by the names that things have live. */
import { TorikiError } from '../errors.ts'
import type { Change, Wanted } from '../resources/change.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { ContentPart } from '../resources/resource.ts'
import type { Bringing, ResourceFinder, SliceRepository, StoredResource } from '../repository/repository.ts'
import type { Look } from './live-look.ts'
import type { PlanItem } from './planned-item.ts'
import { keyOf, writerOf } from './slice-work.ts'
import type { SliceWork } from './slice-work.ts'
import { isDamage, readStored, unlessDamaged } from './stored-damage.ts'
import { proveSecrets, seenOf, wantedAtOnce, wantedOf } from './wanted.ts'
import { renamed, renames } from './wanted-resources.ts'

/** Below this the thread at hand is done before another has begun. */
const ALONE_ITEMS = 256
const ALONE_BYTES = 4 * 1024 * 1024

/** Snapshots are opened once, and their maps walked along. */
export class SliceChanges {
  readonly #work: SliceWork
  readonly #safety: Look
  readonly #before = new Map<ComponentName, ResourceFinder>()
  readonly #sources = new Map<ComponentName, ResourceFinder>()

  /** Other threads, for contents: from where on there is much to bring. */
  #bringing: Bringing | 'none' | undefined
  #seen = { items: 0, bytes: 0 }

  constructor(work: SliceWork, safety: Look) {
    this.#work = work
    this.#safety = safety
  }

  /** When nothing that was given out is wanted any more. Idempotent. */
  close(): void {
    this.#elsewhere?.close()
    this.#bringing = 'none'
  }

  /** With every secret proven to open. @throws TorikiError `restore-damaged` where what is stored of it is: then nothing is written. */
  async forwards(item: PlanItem): Promise<Change> {
    const before = await this.before(item)
    const after = await this.#wanted(item)
    if (after !== undefined) await proveSecrets(after)
    return {
      key: keyOf(item),
      ...(before === undefined ? {} : { before: await seenOf(this.#safety.repository, before) }),
      ...(after === undefined ? {} : { after }),
    }
  }

  /**
   * The same of many that follow each other, with the content of short files, which are fetched side by side; `undefined` for one that must be asked for by itself, which also says what is
   * amiss with it.
   */
  async forwardsTogether(items: readonly PlanItem[]): Promise<readonly (Change | undefined)[]> {
    await this.#giveAway(items)
    const changes: (Change | undefined)[] = []
    const fetched: Promise<void>[] = []
    for (const item of items) {
      // Most answers come at once.
      const asked = this.#storedFresh(item)
      const stored = asked instanceof Promise ? await asked : asked
      const change = stored && changeAtOnce(this.#safety.repository, stored, this.#elsewhere)
      const at = changes.push(undefined) - 1
      if (change instanceof Promise) fetched.push(change.then((whole) => void (changes[at] = whole)))
      else changes[at] = change
    }
    await Promise.all(fetched)
    return changes
  }

  /** What is wanted where nothing was, by the name that it has in the snapshot. */
  #storedFresh(item: PlanItem): StoredResource | undefined | Promise<StoredResource | undefined> {
    const { component } = item
    if (item.action !== 'create' || item.from !== undefined) return undefined
    if (renames(writerOf(this.#work, component), this.#work.naming)) return undefined
    const key = keyOf(item)
    const source = this.#sources.get(component)
    try {
      const before = source && this.#beforeOf(component).find(key)
      if (source === undefined || before instanceof Promise) return this.#freshLater(component, key)
      return before === undefined ? unlessBroken(source.find(key)) : undefined
    } catch (error) {
      if (isDamage(error)) return undefined
      throw error
    }
  }

  async #freshLater(component: ComponentName, key: ResourceKey): Promise<StoredResource | undefined> {
    try {
      const source = await this.#source(component)
      return (await this.#beforeOf(component).find(key)) === undefined ? await source?.find(key) : undefined
    } catch (error) {
      if (isDamage(error)) return undefined
      throw error
    }
  }

  /** From what the restore wrote to what was there. The writer tells, member by member, what is neither of both: a restore that was cut off leaves a mixture. */
  async backwards(item: PlanItem): Promise<Change> {
    const [before, wrote] = [await this.before(item), await this.#wanted(item)]
    return {
      key: keyOf(item),
      ...(wrote === undefined ? {} : { before: { state: item.state ?? wrote.state, kept: wrote.kept } }),
      ...(before === undefined ? {} : { after: await wantedOf(this.#safety.repository, before, this.#elsewhere) }),
    }
  }

  /** Live, before the restore. */
  before(item: PlanItem): StoredResource | undefined | Promise<StoredResource | undefined> {
    return this.#beforeOf(item.component).find(keyOf(item))
  }

  #beforeOf(component: ComponentName): ResourceFinder {
    const { repository, snapshot } = this.#safety
    let finder = this.#before.get(component)
    if (finder === undefined) this.#before.set(component, (finder = repository.finder(snapshot, component)))
    return finder
  }

  async #wanted(item: PlanItem): Promise<Wanted | undefined> {
    if (item.action === 'delete') return undefined
    const { repository } = this.#safety
    const finder = await readStored(() => this.#source(item.component))
    const from = item.from === undefined ? keyOf(item) : Buffer.from(item.from, 'base64url')
    const stored = await readStored(async () => finder?.find(from))
    // The plan saw it there.
    if (stored === undefined) throw new TorikiError('restore-damaged')
    const wanted = await wantedOf(repository, stored, this.#elsewhere)
    const { state, kept } = renamed(writerOf(this.#work, item.component), this.#work.naming, { key: from, ...wanted })
    return { ...wanted, state, kept }
  }

  get #elsewhere(): Bringing | undefined {
    return this.#bringing === 'none' ? undefined : this.#bringing
  }

  async #giveAway(items: readonly PlanItem[]): Promise<void> {
    if (this.#bringing !== undefined) return
    this.#seen.items += items.length
    for (const { bytes = 0 } of items) this.#seen.bytes += bytes
    if (this.#seen.items <= ALONE_ITEMS && this.#seen.bytes <= ALONE_BYTES) return
    this.#bringing = (await unlessDamaged(readStored(() => this.#safety.repository.bringing()))) ?? 'none'
  }

  async #source(component: ComponentName): Promise<ResourceFinder | undefined> {
    const known = this.#sources.get(component)
    const id = this.#work.plan.snapshots[component]
    if (known !== undefined || id === undefined) return known
    const { repository } = this.#safety
    const finder = repository.finder(await repository.snapshot(id), component)
    this.#sources.set(component, finder)
    return finder
  }
}

/** `undefined` for what is damaged. */
function unlessBroken(
  finding: ReturnType<ResourceFinder['find']>,
): StoredResource | undefined | Promise<StoredResource | undefined> {
  if (!(finding instanceof Promise)) return finding
  return finding.catch((error: unknown) => {
    if (isDamage(error)) return undefined
    throw error
  })
}

function changeAtOnce(
  repository: SliceRepository,
  stored: StoredResource,
  bringing: Bringing | undefined,
): Change | Promise<Change> | undefined {
  const { key, content } = stored
  for (const _ in stored.secrets) return undefined
  const after = wantedAtOnce(repository, stored, bringing)
  if (after === undefined) return undefined
  // Nothing of it is opened here.
  if (content === undefined || after.content?.elsewhere !== undefined) return { key, after }
  const short = repository.shortContent(content)
  return short instanceof Promise ? short.then((ready) => changeWith(key, after, ready)) : changeWith(key, after, short)
}

function changeWith(key: ResourceKey, after: Wanted, ready: readonly ContentPart[] | undefined): Change {
  const { content } = after
  if (ready === undefined || content === undefined) return { key, after }
  return { key, after: { ...after, content: { sizeBytes: content.sizeBytes, parts: () => content.parts(), ready } } }
}
