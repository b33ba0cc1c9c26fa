/** What a restore finds: a deployment with people in it, damage, people who go on working, and live systems that refuse or forget. */
import { TorikiError } from '../../lib/errors.ts'
import type { Random } from '../../lib/platform/random.ts'
import type { SliceName } from '../../lib/resources/slice.ts'
import { coveringOf } from './promises.ts'
import { NAMED, PLANTED } from './world.ts'
import type { SourceName, Thing, World } from './world.ts'

export function populate(world: World, random: Random, users: number): void {
  const roles = Array.from({ length: 2 + below(random, 4) }, (_, at): [string, Thing] => [
    `${NAMED}role ${at}`,
    { state: { mark: NAMED, rank: at, text: text(random) }, secrets: { secret: `${PLANTED} ${text(random)}` } },
  ])
  world.set('keycloak', 'shared', new Map([['realm', { state: { realm: 'nebari' } } as Thing], ...roles]))
  world.set(
    'files',
    `group/${NAMED}lab`,
    new Map<string, Thing>([
      ['home', { state: { mode: 0o2770 } }],
      [`${NAMED}data`, file(random)],
      [`${NAMED}more`, file(random)],
    ]),
  )
  for (let user = 0; user < users; user++)
    world.addUser(`${NAMED}${['ann', 'bob@example.org', 'Ünal', 'c.d-e'][user % 4]}${user}`)
}

/** Between a backup and a restore: some of everything is deleted or changed, some people are gone altogether. */
export function damage(world: World, random: Random, slices: readonly SliceName[]): void {
  for (const slice of slices) {
    for (const source of coveringOf(slice)) {
      const draw = random.fraction()
      if (draw < 0.15) continue
      if (draw < 0.3) world.remove(source, slice)
      else if (draw < 0.45 && source === 'files')
        world.set(
          source,
          slice,
          new Map([...(world.slices[source].get(slice) ?? [])].filter(([name]) => name === 'home')),
        )
      else for (let times = 1 + below(random, 4); times > 0; times--) work(world, random, source, slice)
    }
  }
}

/** Somebody writes, makes or deletes something. Says where. */
export function workSomewhere(world: World, random: Random, slices: readonly SliceName[]): string {
  const slice = slices[below(random, slices.length)] as SliceName
  const sources = coveringOf(slice)
  const source = sources[below(random, sources.length)] as SourceName
  work(world, random, source, slice)
  return `${source} ${slice}`
}

function work(world: World, random: Random, source: SourceName, slice: SliceName): void {
  const things = new Map(world.slices[source].get(slice))
  const texts = [...things.keys()].filter((one) => one !== 'home')
  const some = texts[below(random, texts.length)]
  const draw = random.fraction()
  if (some === undefined || draw < 0.2) {
    things.set(`${NAMED}new ${text(random)}`, source === 'files' ? file(random) : { state: { text: text(random) } })
    world.set(source, slice, things)
    return
  }
  const thing = things.get(some) as Thing
  if (draw < 0.4) things.delete(some)
  else if (draw < 0.6 || thing.content === undefined)
    things.set(some, { ...thing, state: { ...thing.state, text: text(random) } })
  else if (draw < 0.7) {
    const { mark: _, ...rest } = thing.state
    things.set(some, { ...thing, state: { ...rest, also: text(random) } })
  } else {
    const { content, state } = file(random)
    things.set(some, { ...thing, state: { ...thing.state, ...state }, ...(content && { content }) })
  }
  world.set(source, slice, things)
}

/** What the live systems do wrong until they are mended. */
export function troubleTarget(world: World, random: Random, slices: readonly SliceName[]): void {
  const chance = (of: number): boolean => random.fraction() < of
  const some = (): SliceName | undefined => (chance(0.35) ? slices[below(random, slices.length)] : undefined)
  const [refusing, forgetting, busy, lasting] = [some(), some(), some(), chance(0.4) ? some() : undefined]
  const counted = new Map<string, number>()
  const from = below(random, 4)
  let left = 1 + below(random, 5)
  let lookedLeft = below(random, 4)
  world.refuse = (_source, slice) => {
    if (slice === busy && left-- > 0) return new TorikiError('source-busy')
    // Half-way: the first few are written.
    const place = counted.get(slice) ?? 0
    counted.set(slice, place + 1)
    if (slice === refusing && place >= from && place < from + 3) return new TorikiError('source-rights')
    // Also when it is to be taken back.
    if (slice === lasting && place >= from) return new TorikiError('source-rights')
    return undefined
  }
  world.forgets = (_source, slice, _name, member) => slice === forgetting && member === 'state.text'
  world.fault = (source, operation, slice) => {
    if (operation !== 'read' || slice === undefined || slice !== busy || source !== 'files' || lookedLeft-- <= 0)
      return undefined
    return { error: new TorikiError('source-unreachable') }
  }
  const hardly = chance(0.3) ? text(random).slice(0, 1) : undefined
  world.cannot = (_source, _slice, name) => hardly !== undefined && name.endsWith(hardly)
}

function file(random: Random): Thing {
  const content = Buffer.concat([Buffer.from(PLANTED), random.bytes(below(random, 400))])
  return { state: { size: content.length, mark: NAMED, text: text(random) }, content: [content] }
}

function text(random: Random): string {
  return random.bytes(6).toString('hex')
}

function below(random: Random, max: number): number {
  return Math.floor(random.fraction() * max)
}
