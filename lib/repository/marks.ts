/**
 * Marks on a slice: snapshots accepted although suspect, or forgotten; restores that wrote to it (docs/format.md, "Marks"). Each mark repeats those before it, so the
 * highest n says all and reading them costs one object, however old the slice; a racing writer loses the number, reads and goes on from there.
 */
import * as z from 'zod'
import { isTorikiError } from '../errors.ts'
import type { TorikiError } from '../errors.ts'
import { OBJECT_BYTES_MAX } from '../limits.ts'
import { listAll } from '../platform/object-store/port.ts'
import { openJson, sealJson } from './sealed-json.ts'
import { parseSnapshotId } from './snapshot-id.ts'
import { slicePath } from './slice-context.ts'
import type { JsonObject } from '../resources/json.ts'
import type { SliceContext } from './slice-context.ts'
import type { SnapshotId } from './snapshot.ts'

/** So many do not race: the numbers have come to their end, which somebody wanted. */
const TRIES_MAX = 100
const NUMBER = /^[1-9]\d{0,8}$/
const snapshotId = z.string().refine((text) => parseSnapshotId(text) !== undefined)
const claimSchema = z.object({
  restore: z.string(),
  from: z.iso.datetime(),
  until: z.exactOptional(z.iso.datetime()),
  elsewhere: z.exactOptional(z.literal(true)),
})
/** Members that are not known are written again as they were: each mark repeats those before it, also what a later version marked. */
const markSchema = z.looseObject({
  accepted: z.array(snapshotId),
  forgotten: z.array(z.object({ id: snapshotId, digest: z.string().regex(/^[0-9a-f]{64}$/) })),
  claims: z.array(claimSchema).optional(),
})

/** A restore that writes to the slice's sources, or did; `elsewhere`: that only reads its history, and writes to another's. */
export type Claim = Readonly<z.infer<typeof claimSchema>>

export interface Marks {
  /** 0 when nothing was ever marked. */
  readonly n: number
  readonly accepted: ReadonlySet<SnapshotId>
  /** With the digest of the sealed object, so that a lost snapshot is told from a forgotten one. */
  readonly forgotten: ReadonlyMap<SnapshotId, string>
  /** Oldest first. At most the last one is open. */
  readonly claims: readonly Claim[]
  /** Members that this version does not know. */
  readonly others: JsonObject
}

export const NO_MARKS: Marks = { n: 0, accepted: new Set(), forgotten: new Map(), claims: [], others: {} }

/** Those before the newest, with what is wrong with each. For `check`. */
export async function* readOlderMarks(
  context: SliceContext,
): AsyncGenerator<{ readonly n: number; readonly error?: TorikiError }> {
  const prefix = slicePath(context, 'marks')
  const numbers: number[] = []
  for await (const { key } of listAll(context.platform.store, prefix)) {
    const name = key.slice(prefix.length)
    if (NUMBER.test(name)) numbers.push(Number(name))
  }
  for (const n of numbers.sort((a, b) => a - b).slice(0, -1)) {
    try {
      await readNumbered(context, n)
      yield { n }
    } catch (error) {
      if (!isTorikiError(error)) throw error
      if (error.code !== 'object-not-found') yield { n, error }
    }
  }
}

/** One list and at most one read. @throws TorikiError `seal-broken`. */
export async function readMarks(context: SliceContext): Promise<Marks> {
  const prefix = slicePath(context, 'marks')
  let n = 0
  for await (const { key } of listAll(context.platform.store, prefix)) {
    const name = key.slice(prefix.length)
    if (NUMBER.test(name)) n = Math.max(n, Number(name))
  }
  return n === 0 ? NO_MARKS : await readNumbered(context, n)
}

async function readNumbered(context: SliceContext, n: number): Promise<Marks> {
  const path = slicePath(context, 'marks', String(n))
  const bytes = await context.platform.store.get(path, { bytesMax: OBJECT_BYTES_MAX })
  const { accepted, forgotten, claims = [], ...others } = openJson({ ...place(context, path), bytes }, markSchema)
  return {
    n,
    accepted: new Set(accepted),
    forgotten: new Map(forgotten.map(({ id, digest }) => [id, digest])),
    claims,
    others: others as JsonObject,
  }
}

/** Adds to the marks. Idempotent: writes nothing when all of it is marked already. */
export async function addMarks(
  context: SliceContext,
  added: {
    readonly accepted?: readonly SnapshotId[]
    readonly forgotten?: readonly { readonly id: SnapshotId; readonly digest: string }[]
  },
): Promise<void> {
  await change(context, (marks) => {
    const accepted = new Set([...marks.accepted, ...(added.accepted ?? [])])
    const forgotten = new Map([
      ...marks.forgotten,
      ...(added.forgotten ?? []).map(({ id, digest }) => [id, digest] as const),
    ])
    if (accepted.size === marks.accepted.size && forgotten.size === marks.forgotten.size) return undefined
    return { ...marks, accepted, forgotten }
  })
}

/** Keeps two restores off one slice. Gives the restore that has it: this one, or another that has not let go. Idempotent. */
export async function claimSlice(
  context: SliceContext,
  restore: string,
  at: Date,
  elsewhere: boolean,
): Promise<string> {
  const marks = await change(context, (before) => {
    if (openClaim(before) !== undefined) return undefined
    const claim = { restore, from: at.toISOString(), ...(elsewhere ? { elsewhere: true as const } : {}) }
    return { ...before, claims: [...before.claims, claim] }
  })
  return openClaim(marks)?.restore ?? restore
}

/** Lets go of a slice that this restore has. Idempotent. */
export async function releaseSlice(context: SliceContext, restore: string, at: Date): Promise<void> {
  await change(context, (before) => {
    if (openClaim(before)?.restore !== restore) return undefined
    const claims = before.claims.map((claim) =>
      claim.until === undefined ? { ...claim, until: at.toISOString() } : claim,
    )
    return { ...before, claims }
  })
}

function openClaim({ claims }: Marks): Claim | undefined {
  return claims.find(({ until }) => until === undefined)
}

/** Writes what `next` makes of the marks, and gives what is marked then; writes nothing when it makes nothing of them. */
async function change(context: SliceContext, next: (marks: Marks) => Marks | undefined): Promise<Marks> {
  for (let tries = 1; ; tries++) {
    const marks = await readMarks(context)
    const changed = next(marks)
    if (changed === undefined) return marks
    const { accepted, forgotten, claims, others } = changed
    const n = marks.n + 1
    const path = slicePath(context, 'marks', String(n))
    const document = {
      ...others,
      accepted: [...accepted],
      forgotten: [...forgotten].map(([id, digest]) => ({ id, digest })),
      ...(claims.length === 0 ? {} : { claims }),
    }
    try {
      const { random, store } = context.platform
      await store.create(path, sealJson({ ...place(context, path), random }, document))
      return { ...changed, n }
    } catch (error) {
      // Somebody took the number, or this is the answer to a create of ours that was lost: the next look tells.
      if (!isTorikiError(error, 'object-exists') || tries === TRIES_MAX) throw error
    }
  }
}

function place(
  context: SliceContext,
  path: string,
): { parentKey: SliceContext['keys']['treeKey']; kind: 'mark'; path: string } {
  return { parentKey: context.keys.treeKey, kind: 'mark', path }
}
