/** Every kind of object of the golden repository, and every way to damage one. */
import { goldenRepository } from './golden-repository.ts'
import type { GoldenRepository } from './golden-repository.ts'

export const damages = ['flipped', 'truncated', 'deleted', 'swapped', 'replayed'] as const
export type Damage = (typeof damages)[number]

const ANN = 'xumsghqpq4tdiqwsh5ng44gyou'
const BOB = 'm3z2cdkgdaenvxct5icfnxvcge'
const OTHER_BOB = '7r7ourxbxxwjsigzdgbkmgys2u'
const RUN = (night: number): RegExp => new RegExp(`/2026030${night}T020000000Z-full-[0-9a-f]{10}`)

/** By kind: the object that is damaged, and another of its kind. */
export const goldenKinds: Readonly<Record<string, { readonly of: RegExp; readonly other?: RegExp }>> = {
  'deployment record': { of: /^deployment\/2$/, other: /^deployment\/1$/ },
  'deployment record before the last': { of: /^deployment\/1$/, other: /^deployment\/2$/ },
  'deployment keys': { of: /^keys\/deployment\/1$/, other: new RegExp(`^keys/${ANN}/1$`) },
  'slice keys': { of: new RegExp(`^keys/${ANN}/1$`), other: new RegExp(`^keys/${BOB}/1$`) },
  owner: { of: new RegExp(`^keys/${ANN}/owner$`), other: new RegExp(`^keys/${OTHER_BOB}/owner$`) },
  'next generation': { of: new RegExp(`^keys/${BOB}/next$`), other: new RegExp(`^keys/${BOB}/owner$`) },
  'content pack': { of: new RegExp(`^slices/${ANN}/packs/`), other: new RegExp(`^slices/${ANN}/packs/`) },
  'tree pack': { of: new RegExp(`^slices/${ANN}/trees/`), other: new RegExp(`^slices/${ANN}/trees/`) },
  index: { of: new RegExp(`^slices/${ANN}/index/`), other: new RegExp(`^slices/${ANN}/index/`) },
  'newest snapshot': {
    of: new RegExp(`^slices/${ANN}/snapshots${RUN(4).source}`),
    other: new RegExp(`^slices/${ANN}/snapshots${RUN(2).source}`),
  },
  'older snapshot': {
    of: new RegExp(`^slices/${ANN}/snapshots${RUN(2).source}`),
    other: new RegExp(`^slices/${ANN}/snapshots${RUN(3).source}`),
  },
  'forgotten snapshot that holds chunks of others': {
    of: new RegExp(`^slices/${ANN}/snapshots${RUN(1).source}`),
    other: new RegExp(`^slices/${ANN}/snapshots${RUN(2).source}`),
  },
  checkpoint: {
    of: new RegExp(`^slices/${ANN}/checkpoints/`),
    other: new RegExp(`^slices/${ANN}/snapshots${RUN(3).source}`),
  },
  condemned: { of: new RegExp(`^slices/${ANN}/condemned/`), other: new RegExp(`^slices/${ANN}/marks/1$`) },
  'newest marks': { of: new RegExp(`^slices/${ANN}/marks/4$`), other: new RegExp(`^slices/${ANN}/marks/1$`) },
  'older marks': { of: new RegExp(`^slices/${ANN}/marks/2$`), other: new RegExp(`^slices/${ANN}/marks/1$`) },
  run: { of: new RegExp(`^runs${RUN(4).source}/run$`), other: new RegExp(`^runs${RUN(3).source}/run$`) },
  'slices of a run': {
    of: new RegExp(`^runs${RUN(4).source}/slices/`),
    other: new RegExp(`^runs${RUN(3).source}/slices/`),
  },
  'event of a run': {
    of: new RegExp(`^runs${RUN(4).source}/events/${ANN}`),
    other: new RegExp(`^runs${RUN(3).source}/events/${ANN}`),
  },
  'restore record': { of: /^restores\/.*\/request$/, other: new RegExp(`^runs${RUN(3).source}/run$`) },
}

export function goldenKeys(repository: GoldenRepository, kind: string): readonly string[] {
  const of = goldenKinds[kind]?.of
  return repository.platform.store.keys().filter((key) => of?.test(key) === true)
}

/** A golden repository with one object damaged. */
export async function damagedGolden(
  kind: string,
  damage: Damage,
  which = 0,
): Promise<GoldenRepository & { readonly key: string }> {
  const golden = await goldenRepository()
  const { store } = golden.platform
  const key = goldenKeys(golden, kind)[which]
  const bytes = key === undefined ? undefined : store.peek(key)
  if (key === undefined || bytes === undefined) throw new Error(`there is no ${kind}`)
  const otherKey = store.keys().find((one) => one !== key && goldenKinds[kind]?.other?.test(one) === true)
  const other = otherKey === undefined ? undefined : store.peek(otherKey)
  if (otherKey === undefined || other === undefined) throw new Error(`there is no other ${kind}`)
  if (damage === 'deleted') await store.delete(key)
  else if (damage === 'truncated') store.replace(key, bytes.subarray(0, bytes.length >> 1))
  else if (damage === 'flipped') {
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 0x10
    store.replace(key, bytes)
  } else {
    store.replace(key, other)
    if (damage === 'swapped') store.replace(otherKey, bytes)
  }
  return { ...golden, key }
}
