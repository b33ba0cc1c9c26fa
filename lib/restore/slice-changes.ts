/** The changes that a slice's plan means: from what the safety snapshot holds to what the plan's snapshots hold, by the names that things have live. */
import { TorikiError } from '../errors.ts'
import type { Change, Wanted } from '../resources/change.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { StoredResource } from '../repository/repository.ts'
import { KeyFinder } from './key-finder.ts'
import type { Look } from './live-look.ts'
import type { PlanItem } from './slice-plan.ts'
import { keyOf, writerOf } from './slice-work.ts'
import type { SliceWork } from './slice-work.ts'
import { readStored } from './stored-damage.ts'
import { proveSecrets, seenOf, wantedOf } from './wanted.ts'
import { renamed } from './wanted-resources.ts'

/** Snapshots are opened once, and their maps walked along. */
export class SliceChanges {
  readonly #work: SliceWork
  readonly #safety: Look
  readonly #before = new Map<ComponentName, KeyFinder>()
  readonly #sources = new Map<ComponentName, KeyFinder>()

  constructor(work: SliceWork, safety: Look) {
    this.#work = work
    this.#safety = safety
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

  /** From what the restore wrote to what was there. The writer tells, member by member, what is neither of both: a restore that was cut off leaves a mixture. */
  async backwards(item: PlanItem): Promise<Change> {
    const [before, wrote] = [await this.before(item), await this.#wanted(item)]
    return {
      key: keyOf(item),
      ...(wrote === undefined ? {} : { before: { state: item.state ?? wrote.state, kept: wrote.kept } }),
      ...(before === undefined ? {} : { after: await wantedOf(this.#safety.repository, before) }),
    }
  }

  /** Live, before the restore. */
  async before(item: PlanItem): Promise<StoredResource | undefined> {
    const { repository, snapshot } = this.#safety
    let finder = this.#before.get(item.component)
    if (finder === undefined)
      this.#before.set(item.component, (finder = new KeyFinder(repository, snapshot, item.component)))
    return await finder.find(keyOf(item))
  }

  async #wanted(item: PlanItem): Promise<Wanted | undefined> {
    if (item.action === 'delete') return undefined
    const { repository } = this.#safety
    const finder = await readStored(() => this.#source(item.component))
    const from = item.from === undefined ? keyOf(item) : Buffer.from(item.from, 'base64url')
    const stored = await readStored(async () => finder?.find(from))
    // The plan saw it there.
    if (stored === undefined) throw new TorikiError('restore-damaged')
    const wanted = await wantedOf(repository, stored)
    const { state, kept } = renamed(writerOf(this.#work, item.component), this.#work.naming, { key: from, ...wanted })
    return { ...wanted, state, kept }
  }

  async #source(component: ComponentName): Promise<KeyFinder | undefined> {
    const known = this.#sources.get(component)
    const id = this.#work.plan.snapshots[component]
    if (known !== undefined || id === undefined) return known
    const { repository } = this.#safety
    const finder = new KeyFinder(repository, await repository.snapshot(id), component)
    this.#sources.set(component, finder)
    return finder
  }
}
