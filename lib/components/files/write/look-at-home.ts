/** What is live of a home's entries, as it is read for a plan, for the safety snapshot, and when what was written is proven. Writes nothing. */
import { TorikiError } from '../../../errors.ts'
import type { ResourceKey } from '../../../resources/key.ts'
import type { Resource } from '../../../resources/resource.ts'
import type { Slice } from '../../../resources/slice.ts'
import type { WriteContext } from '../../writer.ts'
import type { Directory } from '../directory.ts'
import { stopIfAborted } from '../pace.ts'
import type { PartBuffers } from '../part-buffers.ts'
import { openPlaceAbove } from '../places.ts'
import { readHome } from '../read-home.ts'
import { openMember, openRoot } from '../root.ts'
import type { MemberDirectory } from '../root.ts'
import { isReserved, memberEntry } from '../template.ts'
import type { SameRoot } from './same-root.ts'
import type { Way } from './spot.ts'

export interface HomeLook extends Pick<Way, 'ground' | 'root' | 'places'> {
  readonly sameRoot: SameRoot
  readonly buffers: PartBuffers
}

/** As `lookBatches` of a writer. @throws TorikiError as `openRoot` and `openMember`; `read-failed` where it was moved meanwhile. */
export async function* lookAtHome(
  { ground, root: path, places, sameRoot, buffers }: HomeLook,
  slice: Slice,
  keys: AsyncIterable<readonly ResourceKey[]>,
  context: WriteContext,
): AsyncGenerator<readonly Resource[], void, void> {
  stopIfAborted(context.signal)
  const place = slice.kind === 'shared' ? undefined : places[slice.kind]
  if (place === undefined || slice.kind === 'shared') return
  if (isReserved(place.template, place.placeholder, memberEntry(place.template, slice.local), place.other)) return
  const root = openRoot(ground, path)
  let above: Directory | undefined
  let member: MemberDirectory | undefined
  try {
    sameRoot.prove(context.restore, 'root', root)
    above = openPlaceAbove(root, place)
    if (above !== undefined) sameRoot.prove(context.restore, `above ${slice.kind}`, above)
    member = above === undefined ? undefined : openMember(above, place.template, slice.local)
    if (member === undefined) return
    const isOwn = member.directory.stat.device !== above?.stat.device
    sameRoot.prove(context.restore, slice.name, isOwn ? member.directory : undefined)
    const reading = { exclusions: place.exclusions, rate: undefined, buffers }
    yield* readHome(member.directory, reading, { ...context, note: () => undefined }, keys)
    if (!member.isStillThere())
      throw new TorikiError('read-failed', { message: 'The directory was moved or replaced while it was read.' })
  } finally {
    member?.close()
    if (above !== root) above?.close()
    root.close()
  }
}

export async function* oneByOne(keys: AsyncIterable<ResourceKey>): AsyncGenerator<readonly ResourceKey[]> {
  for await (const key of keys) yield [key]
}
