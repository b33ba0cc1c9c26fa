/** Resources for repository tests: a map of paths as a source would list it. */
import { encodeKey } from '../../lib/resources/key.ts'
import type { ContentPart, Resource } from '../../lib/resources/resource.ts'
import type {
  DeploymentRepository,
  Capture,
  CommitResult,
  SliceRepository,
  StoredResource,
} from '../../lib/repository/repository.ts'
import { Notes } from '../../lib/repository/notes.ts'
import type { MissingComponent, Snapshot } from '../../lib/repository/snapshot.ts'
import type { SliceName } from '../../lib/resources/slice.ts'

/** What a test says of one resource: a text is its content. */
export interface Thing {
  readonly state?: string
  readonly kept?: string
  readonly secret?: string
  readonly content?: string | readonly ContentPart[]
}
export type Things = Readonly<Record<string, Thing>>

export function resourceOf(path: string, thing: Thing): Resource {
  const parts = typeof thing.content === 'string' ? [Buffer.from(thing.content)] : thing.content
  return {
    key: encodeKey('entry', path.split('/')),
    state: { value: thing.state ?? '' },
    ...(thing.kept !== undefined && { kept: { id: thing.kept } }),
    ...(thing.secret !== undefined && { secrets: { password: thing.secret } }),
    ...(parts && {
      content: {
        async *parts() {
          yield* parts
        },
      },
    }),
  }
}

export async function* resourcesOf(things: Things, after?: Buffer): AsyncGenerator<Resource> {
  const all = Object.entries(things).map(([path, thing]) => resourceOf(path, thing))
  for (const resource of all.sort((a, b) => Buffer.compare(a.key, b.key))) {
    if (after === undefined || Buffer.compare(resource.key, after) > 0) yield resource
  }
}

/** A whole capture of some components. */
export async function backUp(
  repository: SliceRepository,
  run: string,
  components: Readonly<Record<string, Things>>,
  missing: readonly MissingComponent[] = [],
): Promise<CommitResult> {
  const capture = await repository.capture({ run, signal: new AbortController().signal })
  await storeAll(capture, components)
  return await capture.commit(missing)
}

/** Stores what this run did not store before. */
export async function storeAll(capture: Capture, components: Readonly<Record<string, Things>>): Promise<void> {
  for (const [component, things] of Object.entries(components)) {
    if (capture.finished[component] !== undefined) continue
    const after = capture.resume?.component === component ? capture.resume.after : undefined
    await capture.store(component, resourcesOf(things, after), { notes: new Notes() })
  }
}

/** Reads a component back whole, contents and secrets included; comparable with `expected`. */
export async function readBack(repository: SliceRepository, snapshot: Snapshot, component: string): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const resource of repository.resources(snapshot, component)) found.push(await plain(repository, resource))
  return found
}

async function plain(repository: SliceRepository, resource: StoredResource): Promise<unknown> {
  const { state, kept } = await repository.body(resource)
  const text = async (reference: StoredResource['content']): Promise<string> => {
    const pieces: string[] = []
    if (reference)
      for await (const part of repository.content(reference))
        pieces.push('holeBytes' in part ? `<hole ${part.holeBytes}>` : Buffer.from(part).toString('latin1'))
    return pieces.join('')
  }
  return {
    key: resource.key.toString('latin1'),
    state,
    kept,
    secret: resource.secrets['password'] && (await text(resource.secrets['password'])),
    content: resource.content && (await text(resource.content)),
  }
}

/** What `readBack` gives for these things. */
export function expected(things: Things): unknown[] {
  return Object.entries(things)
    .map(([path, thing]) => ({ resource: resourceOf(path, thing), thing }))
    .sort((a, b) => Buffer.compare(a.resource.key, b.resource.key))
    .map(({ resource, thing: { secret, content } }) => ({
      key: resource.key.toString('latin1'),
      state: resource.state,
      kept: resource.kept ?? {},
      secret,
      content:
        typeof content === 'string' || content === undefined
          ? content
          : content
              .map((part) => ('holeBytes' in part ? `<hole ${part.holeBytes}>` : Buffer.from(part).toString('latin1')))
              .join(''),
    }))
}

export async function openForReading(deployment: DeploymentRepository, slice: SliceName): Promise<SliceRepository> {
  const repository = await deployment.openSlice(slice, { access: 'read-content' })
  if (repository === undefined) throw new Error('there is no history')
  return repository
}

/** So many files that their tree leaves the snapshot. */
export function manyFiles(count: number, content = (at: number) => `content ${at}`): Things {
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      `f${String(at).padStart(6, '0')}`,
      { state: `file ${at}`, content: content(at) },
    ]),
  )
}
