/** What is done about resources, and how often. */
export const planActions = ['create', 'update', 'delete', 'cannot', 'left'] as const
export type PlanAction = (typeof planActions)[number]

export type PlanCounts = Readonly<Record<PlanAction | 'keep', number>>

export const NOTHING: PlanCounts = { create: 0, update: 0, delete: 0, cannot: 0, left: 0, keep: 0 }

export function sumOf(all: readonly PlanCounts[]): PlanCounts {
  const sum = { ...NOTHING }
  for (const counts of all)
    for (const name of Object.keys(NOTHING) as (keyof PlanCounts)[])
      (sum as Record<string, number>)[name] = sum[name] + counts[name]
  return sum
}
