/** A small repository with an object of every kind, and everything that reads it: what a fuzzer damages, and what must bear that. */
import { createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isTorikiError } from '../../../lib/errors.ts'
import { checkAll } from '../../../lib/maintenance/check.ts'
import { MemoryObjectStore } from '../../../lib/platform/object-store/memory.ts'
import { checkDeployment, createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import type { ObjectKind } from '../../../lib/repository/format.ts'
import { rewrapSliceKeys } from '../../../lib/repository/key-objects.ts'
import { Notes } from '../../../lib/repository/notes.ts'
import type { SliceRepository } from '../../../lib/repository/repository.ts'
import type { Snapshot } from '../../../lib/repository/snapshot.ts'
import type { SliceKeys } from '../../../lib/repository/chunk-store.ts'
import { formatKey } from '../../../lib/resources/key.ts'
import type { Resource } from '../../../lib/resources/resource.ts'
import { appendEvent } from '../../../lib/runs/event-log.ts'
import { runId } from '../../../lib/runs/run-id.ts'
import { createRun } from '../../../lib/runs/run-log.ts'
import { condemn, keysOf, packsOf } from '../condemn.ts'
import { FakeClock } from '../fake-clock.ts'
import { memoryPlatform } from '../memory-platform.ts'
import type { MemoryPlatform } from '../memory-platform.ts'
import { resourceOf } from '../slice-source.ts'
import type { Things } from '../slice-source.ts'

const ANN = 'user/ann'
const RUN = runId(new Date('2026-03-01T02:00:00Z'), 'full', 'fuzz')
const never = new AbortController().signal
/** A hostile content says that it is endless: nobody reads so much of it. */
const PARTS_MAX = 2000

export interface FuzzWorld {
  readonly platform: MemoryPlatform
  readonly store: MemoryObjectStore
  readonly sliceId: string
  readonly keys: SliceKeys
  readonly runKey: KeyObject
  /** A world of its own with the same objects. */
  copy(): MemoryObjectStore
  /** Lets everything read and go on from what is in the store. Errors of ours are answers; anything else is given back. */
  exercise(store: MemoryObjectStore): Promise<unknown>
}

const night = (salt: string): Things => ({
  ...Object.fromEntries(
    Array.from({ length: 220 }, (_, at) => [
      `f${String(at).padStart(4, '0')}`,
      { state: `${salt} ${at} ${'.'.repeat(120)}`, content: `content ${at % 7}` },
    ]),
  ),
  long: { content: 'x'.repeat(270_000) },
  holed: {
    content: Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? Buffer.from(`data ${at}`) : { holeBytes: 5000 })),
  },
  body: { state: 'long '.repeat(1200) },
})

async function* hinted(things: Things): AsyncGenerator<Resource> {
  const all = Object.entries(things).map(([path, thing]) => ({
    ...resourceOf(path, thing),
    hint: () => Buffer.from(`hint ${path}`),
  }))
  yield* all.sort((a, b) => Buffer.compare(a.key, b.key))
}

export async function fuzzWorld(): Promise<FuzzWorld> {
  const clock = new FakeClock({ auto: true })
  const platform = memoryPlatform({ clock, seed: 'fuzz' })
  const deployment = await createDeployment(platform, { name: 'campus', settings: { some: 'settings' } })
  const identity = { id: 'ann-id', createdAt: new Date('2020-01-01T00:00:00Z') }
  const ann = await deployment.openSlice(ANN, { access: 'write', identity })
  const back = async (run: string, files: Things): Promise<string> => {
    await clock.advance(60_000)
    const capture = await ann.capture({ run, signal: never })
    await capture.store('files', hinted(files), { notes: new Notes() })
    await capture.store('keycloak', hinted({ 'user/ann': { state: 'enabled', kept: 'id', secret: 'hash' } }), {
      notes: new Notes(),
    })
    return (await capture.commit([{ component: 'jupyterhub', code: 'not-selected' }])).snapshot.id
  }
  const first = await back('run-1', night('first'))
  await back('run-2', { ...night('first'), f0003: { state: 'changed' } })
  await back(RUN, night('third'))
  await ann.accept(first)
  await ann.claim('a-restore')
  await ann.release('a-restore')
  const stop = new AbortController()
  const capture = await ann.capture({ run: 'run-4', signal: stop.signal })
  const cut = async function* (): AsyncGenerator<Resource> {
    let at = 0
    for await (const one of hinted(night('cut'))) {
      if (at++ === 100) stop.abort()
      yield one
    }
  }
  await capture.store('files', cut(), { notes: new Notes() }).catch(() => undefined)
  await capture.checkpoint()
  await condemn(platform, deployment, ANN, { packs: (await packsOf(platform, deployment, ANN)).slice(0, 0) })
  const at = clock.now().toISOString()
  const sliceId = deployment.sliceId(ANN, 1)
  await createRun(
    deployment.records,
    {
      ...{ run: RUN, policy: 'full', intendedAt: at, startedAt: at, components: ['files', 'keycloak'] },
      ...{ slicesNonce: '0'.repeat(32), sources: { files: { members: 1 } }, attemptsMax: 5, visibilityMs: 1000 },
    },
    [{ slice: ANN, sliceId, known: ['files'], flags: [] }],
  )
  await appendEvent(
    deployment.records,
    { run: RUN, sliceId, from: 1 },
    { slice: ANN, event: 'saved', at, attempt: 1, snapshot: `${RUN}.1`, generation: 1 },
  )
  const keys = await keysOf(platform, deployment, ANN)
  const copy = (): MemoryObjectStore => {
    const store = new MemoryObjectStore({ clock })
    for (const key of platform.store.keys()) store.replace(key, platform.store.peek(key) as Buffer)
    return store
  }
  return {
    ...{ platform, store: platform.store, sliceId, keys, runKey: await runKeyOf(platform), copy },
    exercise: (store) => exercise({ ...platform, store, keyStore: store }),
  }
}

/** The run key never leaves the repository: it is unwrapped here as that does it. */
async function runKeyOf(platform: MemoryPlatform): Promise<KeyObject> {
  const deployment = JSON.parse(String(platform.store.peek('deployment/2'))) as { id: string }
  const object = JSON.parse(String(platform.store.peek('keys/deployment/1'))) as {
    wrappings: { deployment: { wrapped: string }[] }
  }
  const wrapped = Buffer.from(object.wrappings.deployment[0]?.wrapped ?? '', 'base64')
  const secrets = await platform.keys.unwrap(wrapped, { deployment: deployment.id, purpose: 'deployment' })
  return createSecretKey(secrets.subarray(32))
}

/** The first error that is none of ours; `undefined`: everything was borne. */
async function exercise(platform: MemoryPlatform): Promise<unknown> {
  let crash: unknown
  const bear = async <T>(action: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await action()
    } catch (error) {
      // A programmer's error that came of what is stored is a crash, too.
      if (!isTorikiError(error) || error.code === 'internal') crash ??= error
      return undefined
    }
  }
  await bear(async () => {
    for await (const _ of checkDeployment(platform)) continue
  })
  const deployment = await bear(() => openDeployment(platform, { name: 'campus' }))
  if (deployment === undefined) return crash
  const reading = await bear(() => deployment.openSlice(ANN, { access: 'read-content' }))
  if (reading !== undefined) {
    const snapshots: Snapshot[] = []
    await bear(async () => {
      for await (const snapshot of reading.snapshots({ onBroken: () => undefined })) snapshots.push(snapshot)
    })
    await bear(() => reading.latest('files'))
    for (const snapshot of snapshots)
      for (const component of Object.keys(snapshot.components)) await bear(() => readAll(reading, snapshot, component))
    const [newest, before] = snapshots
    if (newest !== undefined && before !== undefined)
      await bear(async () => {
        for await (const some of reading.diff('files', before, newest, { onLost: () => undefined }))
          for (const { key } of some) formatKey(key)
      })
    await bear(() => reading.check({ readData: () => true, signal: never }))
    await bear(() => reading.prune({ isRunOpen: () => Promise.resolve(false), apply: false, signal: never }))
    await bear(() => reading.rebuildIndex())
  }
  await bear(async () => {
    const { slice: _, ...rest } = { slice: 0, readPercent: 100, signal: never }
    for await (const one of checkAll({ platform, repository: deployment }, rest)) void one
  })
  await bear(async () => {
    const writing = await deployment.openSlice(ANN, { access: 'write', identity: { id: 'ann-id' } })
    for (const run of ['run-4', 'run-5']) {
      const capture = await writing.capture({ run, signal: never, part: 1 })
      for (const component of ['files', 'keycloak']) {
        if (capture.finished[component] !== undefined) continue
        const known = capture.known(component)
        const source = async function* (): AsyncGenerator<Resource> {
          for await (const one of hinted({ a: { content: 'new' }, f0007: { state: 'first 7' } })) {
            const isKnown = (await known?.matches(one.key, Buffer.from(`hint ${formatKey(one.key)}`))) === true
            if (capture.resume?.component === component && Buffer.compare(one.key, capture.resume.after) <= 0) continue
            yield isKnown ? { key: one.key, state: {}, unchanged: true, ...(one.hint && { hint: one.hint }) } : one
          }
        }
        await capture.store(component, source(), { notes: new Notes() })
      }
      await capture.commit([])
    }
    await writing.forget(['run-1.1'])
  })
  await bear(async () => {
    const sliceId = deployment.sliceId(ANN, 1)
    const place = { store: platform.keyStore, service: platform.keys, deploymentId: deployment.id, sliceId }
    await rewrapSliceKeys(place, [
      {
        description: 'another',
        wrap: platform.keys.wrap.bind(platform.keys),
        unwrap: platform.keys.unwrap.bind(platform.keys),
      },
    ])
  })
  return crash
}

async function readAll(reading: SliceRepository, snapshot: Snapshot, component: string): Promise<void> {
  for await (const resource of reading.resources(snapshot, component, { onLost: () => undefined })) {
    formatKey(resource.key)
    try {
      await reading.body(resource)
      for (const reference of [resource.content, ...Object.values(resource.secrets)]) {
        let parts = 0
        if (reference !== undefined) for await (const _ of reading.content(reference)) if (++parts > PARTS_MAX) break
      }
    } catch (error) {
      if (!isTorikiError(error)) throw error
    }
  }
}

/** Kinds by where an object stands. */
export function kindOf(path: string): { readonly kind: ObjectKind; readonly key: 'tree' | 'run' } | undefined {
  const kinds: readonly [RegExp, ObjectKind, 'tree' | 'run'][] = [
    [/^slices\/[^/]+\/index\//, 'index', 'tree'],
    [/^slices\/[^/]+\/snapshots\//, 'snapshot', 'tree'],
    [/^slices\/[^/]+\/checkpoints\//, 'checkpoint', 'tree'],
    [/^slices\/[^/]+\/condemned\//, 'condemned', 'tree'],
    [/^slices\/[^/]+\/marks\//, 'mark', 'tree'],
    [/^keys\/[^/]+\/owner$/, 'owner', 'tree'],
    [/^runs\//, 'run-record', 'run'],
  ]
  const found = kinds.find(([pattern]) => pattern.test(path))
  return found && { kind: found[1], key: found[2] }
}
