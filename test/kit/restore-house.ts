/** A deployment with one fake component that can be read and written, everything in memory, one person in it who is backed up. */
import { createDeployment } from '../../lib/repository/deployment-repository.ts'
import { Notes } from '../../lib/repository/notes.ts'
import type { SnapshotId } from '../../lib/repository/snapshot.ts'
import type { JsonObject } from '../../lib/resources/json.ts'
import { decodeKey } from '../../lib/resources/key.ts'
import type { Resource } from '../../lib/resources/resource.ts'
import { parseSlice } from '../../lib/resources/slice.ts'
import type { Slice, SliceName } from '../../lib/resources/slice.ts'
import { planSlice } from '../../lib/restore/plan-slice.ts'
import type { SlicePlanRequest } from '../../lib/restore/slice-plan-request.ts'
import { restoreSlice } from '../../lib/restore/restore-slice.ts'
import { restoreId } from '../../lib/restore/restore-id.ts'
import type { RestoreService } from '../../lib/restore/service.ts'
import type { RestoreStep } from '../../lib/restore/slice-log.ts'
import type { SlicePlan } from '../../lib/restore/slice-plan.ts'
import { FakeClock } from './fake-clock.ts'
import { fakeComponent, put } from './fake-component.ts'
import type { FakeComponent } from './fake-component.ts'
import { fakeWriter } from './fake-writer.ts'
import type { FakeWriter } from './fake-writer.ts'
import { memoryPlatform } from './memory-platform.ts'
import type { MemoryPlatform } from './memory-platform.ts'

const ANN: SliceName = 'user/ann'
const PLAIN = { installerOwned: false, privileged: false }

export interface RestoreHouse {
  readonly service: RestoreService
  readonly platform: MemoryPlatform
  readonly clock: FakeClock
  readonly component: FakeComponent
  readonly writer: FakeWriter
  /** The live things of ann, or somebody else, by name: state, and content as text. */
  live(slice?: SliceName): Record<string, unknown>
  backUp(run: string, slice?: SliceName): Promise<SnapshotId>
  plan(request?: Partial<SlicePlanRequest>): Promise<SlicePlan & { readonly restore: string }>
  apply(restore: string, attempt?: number): Promise<RestoreStep>
}

export async function restoreHouse(
  things: Readonly<Record<string, JsonObject>>,
  contents: Readonly<Record<string, string>> = {},
  others: Readonly<Partial<Record<SliceName, Readonly<Record<string, JsonObject>>>>> = {},
  covers: readonly Slice['kind'][] = ['user', 'shared'],
): Promise<RestoreHouse> {
  const clock = new FakeClock()
  const platform = memoryPlatform({ clock })
  const component = fakeComponent({ name: 'files', covers })
  put(component, ANN, things)
  for (const [slice, theirs = {}] of Object.entries(others)) put(component, parseSlice(slice).name, theirs)
  for (const [name, text] of Object.entries(contents)) component.live.contents.set(name, Buffer.from(text))
  const writer = fakeWriter(component)
  const repository = await createDeployment(platform, { name: 'campus', settings: {} })
  const service: RestoreService = {
    platform,
    repository,
    components: [component],
    writers: [writer],
    limits: { attempts: 3 },
  }
  const signal = new AbortController().signal
  let plans = 0
  return {
    service,
    platform,
    clock,
    component,
    writer,
    live: (of = ANN) =>
      Object.fromEntries(
        [...(component.live.slices.get(of) ?? [])].map(([name, state]) => {
          const content = component.live.contents.get(name)?.toString('utf8')
          return [name, content === undefined ? state : { ...state, content }]
        }),
      ),
    async backUp(run, of = ANN) {
      await clock.advance(1_000)
      const slice = await repository.openSlice(of, { access: 'write' })
      const capture = await slice.capture({ run, signal })
      const resources = withKept(component.read(parseSlice(of), { clock, signal, note: () => undefined }), writer)
      await capture.store('files', resources, { notes: new Notes() })
      const { snapshot } = await capture.commit([])
      await clock.advance(1_000)
      return snapshot.id
    },
    async plan(request = {}) {
      const restore = restoreId(clock.now(), `plan ${++plans}`)
      const whole = { restore, slice: parseSlice(ANN), inPlace: true, deleteExtra: false, options: PLAIN, ...request }
      return { ...(await planSlice(service, whole, signal)), restore }
    },
    async apply(restore, attempt = 1) {
      const sliceId = repository.sliceId(ANN, 1)
      return await restoreSlice(service, { restore, sliceId, options: PLAIN, attempt, signal })
    },
  }
}

async function* withKept(resources: AsyncIterable<Resource>, { kept }: FakeWriter): AsyncGenerator<Resource> {
  for await (const resource of resources) {
    const beside = kept.get(decodeKey(resource.key).segments[0]?.toString('utf8') ?? '')
    yield beside === undefined ? resource : { ...resource, kept: beside }
  }
}
