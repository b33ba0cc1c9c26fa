/** The files component: homes and shared directories, read and never written. Promises and table of what is kept: README.md beside this file. */
import { TorikiError } from '../../errors.ts'
import type { JsonObject } from '../../resources/json.ts'
import { ENTRY_KIND, encodeKey } from '../../resources/key.ts'
import type { ResourceKey } from '../../resources/key.ts'
import type { Resource } from '../../resources/resource.ts'
import type { Slice } from '../../resources/slice.ts'
import type { FilesSettings } from '../../settings.ts'
import type { Check, Component, ListContext, Member, ReadContext } from '../component.ts'
import type { Directory } from './directory.ts'
import { doctorFiles } from './doctor.ts'
import { findGround } from './ground.ts'
import type { Ground } from './ground.ts'
import { listMembers } from './members.ts'
import { fileNote } from './notes.ts'
import { stopIfAborted } from './pace.ts'
import { PartBuffers } from './part-buffers.ts'
import { openPlaceAbove, placesOf } from './places.ts'
import type { Place, Places } from './places.ts'
import { ByteRate } from './rate.ts'
import { readHome } from './read-home.ts'
import { identityOf, openMember, openRoot } from './root.ts'
import type { MemberDirectory } from './root.ts'
import { readFailed } from './system-failure.ts'
import { upperKeys } from './upper-keys.ts'
import { isReserved, memberEntry } from './template.ts'

export interface FilesOptions {
  /** Folders of ours (store, queue): `doctor` fails when one of them and the root lie in each other. */
  readonly ownFolders?: readonly string[]
  /** The way into the homes; by default the best this machine has. */
  readonly ground?: Ground
}

/** @throws TorikiError `settings-invalid` for a path template that cannot be understood. Opens nothing. */
export function filesComponent(settings: FilesSettings, options: FilesOptions = {}): Component {
  return new FilesComponent(settings, options)
}

const HOME_KEY = encodeKey(ENTRY_KIND)

class FilesComponent implements Component {
  readonly name = 'files'
  readonly kinds = [ENTRY_KIND]
  readonly #settings: FilesSettings
  readonly #options: FilesOptions
  readonly #places: Places
  readonly #rate: ByteRate | undefined
  readonly #buffers = new PartBuffers()
  #ground: Promise<Ground> | undefined

  constructor(settings: FilesSettings, options: FilesOptions) {
    this.#settings = settings
    this.#options = options
    this.#rate = settings.bytesPerSecond === undefined ? undefined : new ByteRate(settings.bytesPerSecond)
    this.#places = placesOf(settings)
  }

  covers(slice: Slice): boolean {
    return slice.kind !== 'shared' && this.#places[slice.kind] !== undefined
  }

  isContainer(key: ResourceKey): boolean {
    return key.equals(HOME_KEY)
  }

  doctor(): AsyncIterable<Check> {
    const { user, group } = this.#places
    return doctorFiles(
      this.#settings.root,
      [user, group].filter((place) => place !== undefined),
      this.#options.ownFolders ?? [],
      () => this.#findGround(),
    )
  }

  async *members(context: ListContext): AsyncGenerator<Member, void, void> {
    for (const place of [this.#places.user, this.#places.group]) {
      if (place === undefined) continue
      stopIfAborted(context.signal)
      yield* await this.#beneath(place, (_root, above) =>
        above === undefined ? [] : listMembers(above, place.template, place.placeholder, place.other),
      )
    }
  }

  async source(slice: Slice, context: ListContext): Promise<JsonObject> {
    stopIfAborted(context.signal)
    const place = this.#placeOf(slice)
    return await this.#beneath(place, (root, above) => {
      const member =
        place === undefined || above === undefined || slice.kind === 'shared'
          ? undefined
          : openMember(above, place.template, slice.local)
      try {
        return {
          root: identityOf(root),
          ...(above === undefined || above === root ? {} : { above: identityOf(above) }),
          // A home that is a volume of its own: when it is not mounted, its empty mount point must not pass for an emptied home.
          ...(above === undefined || member === undefined || member.directory.stat.device === above.stat.device
            ? {}
            : { own: identityOf(member.directory) }),
        }
      } catch (error) {
        throw readFailed(error)
      } finally {
        member?.close()
      }
    })
  }

  async *read(slice: Slice, context: ReadContext): AsyncGenerator<Resource, void, void> {
    for await (const batch of this.readBatches(slice, context)) yield* batch
  }

  async *readBatches(slice: Slice, context: ReadContext): AsyncGenerator<readonly Resource[], void, void> {
    stopIfAborted(context.signal)
    const place = this.#placeOf(slice)
    if (place === undefined || slice.kind === 'shared') return
    if (isReserved(place.template, place.placeholder, memberEntry(place.template, slice.local), place.other))
      return context.note(fileNote('reserved-name'))
    const root = openRoot(await this.#findGround(), this.#settings.root)
    let above: Directory | undefined
    let member: MemberDirectory | undefined
    try {
      above = openPlaceAbove(root, place)
      member = above === undefined ? undefined : openMember(above, place.template, slice.local)
      if (member === undefined) {
        if (context.after !== undefined || context.until !== undefined) throw moved()
        return context.note(fileNote('no-home'))
      }
      yield* readHome(
        member.directory,
        { exclusions: place.exclusions, rate: this.#rate, buffers: this.#buffers },
        context,
      )
      if (!member.isStillThere()) throw moved()
    } finally {
      member?.close()
      if (above !== root) above?.close()
      root.close()
    }
  }

  readonly ranges = {
    identify: (slice: Slice, context: ListContext): Promise<JsonObject | undefined> =>
      this.#inMember(slice, context, ({ directory }) => ({
        ...identityOf(directory),
        // Numbers are given again.
        born: directory.stat.bornNs.toString(),
      })),
    borders: (slice: Slice, context: ListContext): AsyncIterable<ResourceKey> => this.#borders(slice, context),
  }

  async *#borders(slice: Slice, context: ListContext): AsyncGenerator<ResourceKey, void, void> {
    const keys = await this.#inMember(slice, context, ({ directory }, { exclusions }) =>
      upperKeys(directory, exclusions),
    )
    yield* keys ?? []
  }

  /** `undefined` where there is no such directory. */
  async #inMember<T>(
    slice: Slice,
    context: ListContext,
    action: (member: MemberDirectory, place: Place) => T,
  ): Promise<T | undefined> {
    stopIfAborted(context.signal)
    const place = this.#placeOf(slice)
    if (place === undefined || slice.kind === 'shared') return undefined
    if (isReserved(place.template, place.placeholder, memberEntry(place.template, slice.local), place.other))
      return undefined
    return await this.#beneath(place, (_root, above) => {
      const member = above === undefined ? undefined : openMember(above, place.template, slice.local)
      try {
        return member && action(member, place)
      } catch (error) {
        throw readFailed(error)
      } finally {
        member?.close()
      }
    })
  }

  close(): Promise<void> {
    return Promise.resolve() // nothing is held between calls
  }

  #placeOf(slice: Slice): Place | undefined {
    return slice.kind === 'shared' ? undefined : this.#places[slice.kind]
  }

  #findGround(): Promise<Ground> {
    this.#ground ??= this.#options.ground === undefined ? findGround() : Promise.resolve(this.#options.ground)
    return this.#ground
  }

  /** Opens root and the directory above the members for the length of `action`. */
  async #beneath<T>(
    place: Place | undefined,
    action: (root: Directory, above: Directory | undefined) => T,
  ): Promise<T> {
    const root = openRoot(await this.#findGround(), this.#settings.root)
    let above: Directory | undefined
    try {
      above = place === undefined ? undefined : openPlaceAbove(root, place)
      return action(root, above)
    } finally {
      if (above !== root) above?.close()
      root.close()
    }
  }
}

function moved(): TorikiError {
  return new TorikiError('read-failed', { message: 'The directory was moved or replaced while it was read.' })
}
