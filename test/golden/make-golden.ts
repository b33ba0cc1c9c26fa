/**
 * Makes the golden repository of the format's version: `node test/golden/make-golden.ts` writes version-<n>/ once, and refuses when it is there. What it made is committed and
 * never made again: it shows that what was written then is read by every later release. See README.md.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createKeyring } from '../../lib/platform/key-service/keyring.ts'
import { openLocalKeyService } from '../../lib/platform/key-service/local.ts'
import { listAll } from '../../lib/platform/object-store/port.ts'
import { createDeployment } from '../../lib/repository/deployment-repository.ts'
import { FORMAT_VERSION } from '../../lib/repository/format.ts'
import { openIndex, sealIndex } from '../../lib/repository/index-object.ts'
import { Notes } from '../../lib/repository/notes.ts'
import type { Capture, DeploymentRepository, SliceRepository } from '../../lib/repository/repository.ts'
import type { Resource } from '../../lib/resources/resource.ts'
import type { SliceName } from '../../lib/resources/slice.ts'
import { appendEvent } from '../../lib/runs/event-log.ts'
import { runId } from '../../lib/runs/run-id.ts'
import { createRun } from '../../lib/runs/run-log.ts'
import { condemn, keysOf, packsOf } from '../kit/condemn.ts'
import { FakeClock } from '../kit/fake-clock.ts'
import { memoryPlatform } from '../kit/memory-platform.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { accountOf, homeOfAnn, sharedRealm } from './golden-sources.ts'
import { manifestOf } from './golden-manifest.ts'

const folder = join(import.meta.dirname, `version-${FORMAT_VERSION}`)
const RUNS = [1, 2, 3, 4, 5].map((night) => runId(new Date(`2026-03-0${night}T02:00:00Z`), 'full', `golden ${night}`))
const DAY_MS = 24 * 60 * 60 * 1000
const never = new AbortController().signal

async function makeGolden(): Promise<void> {
  const clock = new FakeClock()
  const random = seededRandom('golden')
  const keyring = join(mkdtempSync(join(tmpdir(), 'golden-')), 'keyring')
  await createKeyring(keyring, { deployment: 'campus', clock, random })
  const keys = await openLocalKeyService({ path: keyring, deployment: 'campus', random })
  const platform = { ...memoryPlatform({ clock, random }), keys }
  const deployment = await createDeployment(platform, { name: 'campus', settings: { deployment: 'campus' } })

  const ann = await open(deployment, 'user/ann', 'ann-id')
  const shared = await deployment.openSlice('shared', { access: 'write' })
  for (const [at, run] of RUNS.slice(0, 4).entries()) {
    const night = at + 1
    const finished: [SliceName, SliceRepository, string][] = []
    const back = async (slice: SliceName, repository: SliceRepository, store: (capture: Capture) => Promise<void>): Promise<void> => {
      const capture = await repository.capture({ run, signal: never })
      await store(capture)
      const { snapshot } = await capture.commit([{ component: 'jupyterhub', code: 'not-selected' }])
      finished.push([slice, repository, snapshot.id])
    }
    await back('user/ann', ann, async (capture) => {
      const notes = new Notes()
      notes.add({ code: 'special-file', message: 'A FIFO, socket or device: recorded, never opened.' })
      const source = { root: 'golden' }
      await capture.store('files', asyncOf(homeOfAnn(Math.min(night, 2))), { notes, source, isContainer: (key) => key.toString() === 'entry' })
      await capture.store('keycloak', asyncOf(night === 3 ? [] : accountOf('ann', 'ann-id')), { notes: new Notes() })
      if (night === 3) capture.suspect('keycloak', 'emptied')
    })
    await back('shared', shared, (capture) => capture.store('keycloak', asyncOf(sharedRealm(Math.min(night, 2))), { notes: new Notes() }).then(() => undefined))
    // Two people of one name, one after the other.
    const bob = await open(deployment, 'user/bob', night < 3 ? 'bob-id' : 'another-bob-id')
    await back('user/bob', bob, (capture) =>
      capture.store('keycloak', asyncOf(accountOf('bob', night < 3 ? 'bob-id' : 'another-bob-id')), { notes: new Notes() }).then(() => undefined),
    )
    await recordRun(deployment, clock, run, finished)
    await clock.advance(DAY_MS)
  }
  // A suspect snapshot that somebody believed, one that was forgotten, a restore that claimed the slice and let go of it.
  await ann.accept(`${RUNS[2]}.1`)
  await ann.forget([`${RUNS[0]}.1`])
  await ann.claim('20260304T120000Z-golden')
  await clock.advance(60_000)
  await ann.release('20260304T120000Z-golden')
  // A run that ran out of time while it read the files.
  await clock.advance(DAY_MS)
  const stop = new AbortController()
  const capture = await ann.capture({ run: RUNS[4] as string, signal: stop.signal })
  await capture.store('files', cutAfter(homeOfAnn(1), 150, stop), { notes: new Notes() }).catch(() => undefined)
  await capture.checkpoint()
  // A pack that nothing needs was condemned; and an index object that replaces another, which is still there: a prune that was cut off.
  const garbage = await ann.capture({ run: 'garbage', signal: never })
  const before = new Set(await packsOf(platform, deployment, 'user/ann'))
  await garbage.store('files', asyncOf(manyOthers()), { notes: new Notes() })
  await garbage.checkpoint()
  const packs = (await packsOf(platform, deployment, 'user/ann')).filter((pack) => !before.has(pack))
  for await (const { key } of listAll(platform.store, `slices/${ann.sliceId}/checkpoints/garbage`)) await platform.store.delete(key)
  await condemn(platform, deployment, 'user/ann', { packs })
  const { treeKey } = await keysOf(platform, deployment, 'user/ann')
  const indexes: { name: string; tables: readonly Buffer[] }[] = []
  const prefix = `slices/${ann.sliceId}/index/`
  for await (const { key } of listAll(platform.store, prefix))
    indexes.push({ name: key.slice(prefix.length), ...openIndex(treeKey, key, await platform.store.get(key)) })
  const [first, second] = indexes
  if (first === undefined || second === undefined) throw new Error('two index objects at least')
  const joined = sealIndex(
    { sliceId: ann.sliceId, treeKey, random },
    { supersedes: [first.name, second.name], tables: [...first.tables, ...second.tables] },
  )
  await platform.store.create(joined.path, joined.bytes)
  await deployment.records.create('restores/20260304T120000Z-golden/request', { note: 'a restore’s record' })

  let bytes = 0
  for await (const { key } of listAll(platform.store, '')) {
    const body = await platform.store.get(key)
    write(join(folder, 'store', key), body)
    bytes += body.length
  }
  write(join(folder, 'keyring'), readFileSync(keyring))
  const manifest = JSON.stringify(await manifestOf(platform), null, 1)
  write(join(folder, 'manifest.json'), `${manifest}\n`)
  process.stdout.write(`${bytes} bytes of objects, ${manifest.length} of manifest\n`)
}

async function open(deployment: DeploymentRepository, slice: SliceName, id: string): Promise<SliceRepository> {
  return await deployment.openSlice(slice, { access: 'write', identity: { id, createdAt: new Date('2026-01-01T00:00:00Z') } })
}

async function recordRun(
  deployment: DeploymentRepository,
  clock: FakeClock,
  run: string,
  finished: readonly [SliceName, SliceRepository, string][],
): Promise<void> {
  const at = clock.now().toISOString()
  const slices = finished.map(([slice]) => ({ slice, sliceId: deployment.sliceId(slice, 1), known: ['keycloak'] as const, flags: [] }))
  await createRun(
    deployment.records,
    {
      run,
      policy: 'full',
      intendedAt: at,
      startedAt: at,
      components: ['keycloak', 'files'],
      slicesNonce: '0123456789abcdef0123456789abcdef',
      sources: { keycloak: { members: 2 }, files: { members: 2 } },
      attemptsMax: 5,
      visibilityMs: 5_400_000,
    },
    slices.sort((a, b) => (a.sliceId < b.sliceId ? -1 : 1)),
  )
  for (const [slice, { generation }, snapshot] of finished)
    await appendEvent(
      deployment.records,
      { run, sliceId: deployment.sliceId(slice, 1), from: 1 },
      { slice, event: 'saved', at, attempt: 1, snapshot, generation },
    )
}

async function* asyncOf(resources: Iterable<Resource>): AsyncGenerator<Resource> {
  yield* resources
}

async function* cutAfter(resources: Iterable<Resource>, count: number, stop: AbortController): AsyncGenerator<Resource> {
  let at = 0
  for (const resource of resources) {
    if (at++ === count) stop.abort()
    yield resource
  }
}

/** Enough for packs of their own. */
function* manyOthers(): Generator<Resource> {
  for (const resource of homeOfAnn(1)) {
    const { key, state, content } = resource
    yield { key, state: { ...state, mtime: '1' }, ...(content && key.includes('note-') && { content }) }
  }
}

function write(path: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes, { flag: 'wx' })
}

if (process.argv[1] === import.meta.filename) {
  if (existsSync(folder)) throw new Error('the golden repository of this version is there, and is never made again')
  await makeGolden()
}
