/**
 * Keeps other restores off what this one is about: the slice whose histories are read and in which its safety snapshot stands, and, under another name, the history that this name has here.
 * What a backup reads meanwhile of what is written to is marked as a mixture.
 */
import type { SliceName } from '../resources/slice.ts'
import type { RestoreService } from './service.ts'
import type { SlicePlan } from './slice-plan.ts'

type Claimed = Pick<SlicePlan, 'slice' | 'generation' | 'to' | 'toGeneration' | 'elsewhere'>

/** Gives the restore that has one of them, when it is not this one; then this one has let go of the others. Idempotent. */
export async function claimSlices(
  { repository }: RestoreService,
  restore: string,
  plan: Claimed,
): Promise<string | undefined> {
  for (const { slice, generation, elsewhere } of claimsOf(plan)) {
    const stored = await repository.openSlice(slice, { access: 'read-trees', generation })
    const holder = await stored?.claim(restore, { elsewhere })
    if (holder !== undefined && holder !== restore) {
      await releaseSlices({ repository }, restore, plan)
      return holder
    }
  }
  return undefined
}

/** Idempotent. */
export async function releaseSlices(
  { repository }: Pick<RestoreService, 'repository'>,
  restore: string,
  plan: Claimed,
): Promise<void> {
  for (const { slice, generation } of claimsOf(plan))
    await (await repository.openSlice(slice, { access: 'read-trees', generation }))?.release(restore)
}

/** In one order for all restores, so that two of them never wait for each other. */
function claimsOf({ slice, generation, to, toGeneration, elsewhere = false }: Claimed): readonly {
  readonly slice: SliceName
  readonly generation: number
  readonly elsewhere: boolean
}[] {
  const own = { slice, generation, elsewhere }
  if (to === undefined || toGeneration === undefined) return [own]
  return [own, { slice: to, generation: toGeneration, elsewhere: false }].sort((a, b) => (a.slice < b.slice ? -1 : 1))
}
