/** One person's real home below a root, backed up and restored by the production code, with a store in memory; every call that writes can be met by somebody else's. */
import { lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Ground } from '../../../lib/components/files/ground.ts'
import { filesComponent } from '../../../lib/components/files/component.ts'
import { filesWriter } from '../../../lib/components/files/write/writer.ts'
import type { WritingCalls } from '../../../lib/components/files/write/writing-calls.ts'
import { systemClock } from '../../../lib/platform/clock.ts'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import { Notes } from '../../../lib/repository/notes.ts'
import { formatKey } from '../../../lib/resources/key.ts'
import { userSlice } from '../../../lib/resources/slice.ts'
import { planSlice } from '../../../lib/restore/plan-slice.ts'
import { restoreId } from '../../../lib/restore/restore-id.ts'
import { restoreSlice } from '../../../lib/restore/restore-slice.ts'
import type { RestoreService } from '../../../lib/restore/service.ts'
import type { RestoreStep } from '../../../lib/restore/slice-log.ts'
import type { SlicePlan } from '../../../lib/restore/slice-plan.ts'
import { planItems } from '../../../lib/restore/slice-plan.ts'
import type { SlicePlanRequest } from '../../../lib/restore/slice-plan-request.ts'
import { memoryPlatform } from '../memory-platform.ts'
import { cutCalls } from './cut-calls.ts'
import type { CutCalls } from './cut-calls.ts'

export interface FilesHouse {
  readonly service: RestoreService
  /** The calls that write, met and cut. */
  readonly cut: CutCalls
  readonly home: string
  at(...names: readonly string[]): string
  backUp(run: string): Promise<void>
  plan(request?: Partial<SlicePlanRequest>): Promise<SlicePlan & { readonly restore: string }>
  planned(restore: string): Promise<readonly string[]>
  /** Delivery after delivery, until it has ended or was given up; the error of a delivery that is not the last is what `between` gets. */
  apply(restore: string, between?: (error: unknown, attempt: number) => void): Promise<RestoreStep>
}

export interface FilesHouseOptions {
  readonly root: string
  readonly ground?: Ground
  readonly calls: WritingCalls
}

const OPTIONS = { installerOwned: false, privileged: false }
const ATTEMPTS = 3

export async function filesHouse({ root, ground, calls }: FilesHouseOptions): Promise<FilesHouse> {
  const settings = { root, home: 'home/{user}', exclude: [], excludeDefaults: true }
  const home = join(root, 'home', 'ann')
  mkdirSync(home, { recursive: true })
  const cut = cutCalls(calls)
  const ways = ground === undefined ? {} : { ground }
  const component = filesComponent(settings, ways)
  const writer = filesWriter(settings, { ...ways, calls: cut.calls })
  const platform = memoryPlatform({ clock: systemClock })
  const repository = await createDeployment(platform, { name: 'campus', settings: {} })
  const service: RestoreService = {
    platform,
    repository,
    components: [component],
    writers: [writer],
    limits: { attempts: ATTEMPTS },
  }
  const slice = userSlice('ann')
  const sliceId = repository.sliceId(slice.name, 1)
  const signal = new AbortController().signal
  let plans = 0
  return {
    service,
    cut,
    home,
    at: (...names) => join(home, ...names),
    async backUp(run) {
      const capture = await (await repository.openSlice(slice.name, { access: 'write' })).capture({ run, signal })
      const resources = component.read(slice, { clock: systemClock, signal, note: () => undefined })
      await capture.store('files', resources, { notes: new Notes() })
      await capture.commit([])
    },
    async plan(request = {}) {
      const restore = restoreId(systemClock.now(), `plan ${++plans}`)
      const whole = { restore, slice, inPlace: true, deleteExtra: false, options: OPTIONS, ...request }
      return { ...(await planSlice(service, whole, signal)), restore }
    },
    async planned(restore) {
      const said: string[] = []
      for await (const { action, key, reason } of planItems(repository.records, { restore, sliceId }))
        said.push(
          [action, formatKey(Buffer.from(key, 'base64url')), ...(reason === undefined ? [] : [reason])].join(' '),
        )
      return said
    },
    async apply(restore, between) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await restoreSlice(service, { restore, sliceId, options: OPTIONS, attempt, signal })
        } catch (error) {
          if (attempt >= ATTEMPTS) throw error
          between?.(error, attempt)
        }
      }
    },
  }
}

/** Every entry beneath, by path: what it is and holds, and for what is no directory also its time. */
export function imageOf(folder: string, path = ''): Readonly<Record<string, string>> {
  const image: Record<string, string> = {}
  const stat = lstatSync(join(folder, path), { bigint: true })
  const kind = stat.isFile()
    ? readFileSync(join(folder, path), 'latin1')
    : stat.isSymbolicLink()
      ? readlinkSync(join(folder, path))
      : ''
  image[path] = [stat.mode.toString(8), stat.uid, stat.gid, stat.mtimeNs, kind].join(' ')
  if (stat.isDirectory())
    for (const name of readdirSync(join(folder, path))) Object.assign(image, imageOf(folder, join(path, name)))
  return image
}
