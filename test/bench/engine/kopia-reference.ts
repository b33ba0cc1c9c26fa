/**
 * Where kopia is not on the machine: how it stood to restic when both were measured in one loop, on two cores of the same kind (wall seconds, medians; restic and kopia were development builds of
 * August 2026, the data homes of the same make-up and size; S3 was another server than ours). Taken times what restic takes here, that is an estimate, and is called one.
 */
import type { Profile } from '../../kit/made-homes/profiles.ts'
import type { Step } from './engine.ts'

type Row = Readonly<Partial<Record<Step, number>>>
type Trio = Readonly<Record<'restic' | 'kopia' | 'kopia-zstd', Row>>

const row = (first: number, unchanged: number, rest: Row = {}): Row => ({ first, unchanged, ...rest })

const FOLDER: Readonly<Record<Profile, Trio>> = {
  mixed: {
    restic: row(5.52, 1.06, { changed: 1.12, restore: 2.29, one: 0.73, check: 1.63 }),
    kopia: row(1.84, 0.27, { changed: 0.38, restore: 3.77, one: 0.22, check: 1.24 }),
    'kopia-zstd': row(3.55, 0.28, { changed: 0.38, restore: 3.32, one: 0.25, check: 2.09 }),
  },
  small: {
    restic: row(5.0, 2.25, { changed: 3.91, restore: 6.25, one: 0.76, check: 2.45 }),
    kopia: row(4.34, 0.96, { changed: 1.71, restore: 8.78, one: 0.52, check: 5.82 }),
    'kopia-zstd': row(6.45, 0.98, { changed: 1.84, restore: 10.14, one: 0.54, check: 4.12 }),
  },
  large: {
    restic: row(12.0, 0.74, { restore: 4.49, one: 4.04, check: 3.44 }),
    kopia: row(11.61, 0.17, { check: 3.32 }),
    'kopia-zstd': row(13.94, 0.21, { restore: 14.3, one: 6.72, check: 3.86 }),
  },
  dup: {
    restic: row(3.72, 1.01),
    kopia: row(1.43, 0.28),
    'kopia-zstd': row(2.49, 0.29),
  },
}
const S3: Readonly<Partial<Record<Profile, Trio>>> = {
  mixed: {
    restic: row(5.89, 1.05, { restore: 2.89, one: 0.81, check: 1.93 }),
    kopia: row(3.71, 0.27, { restore: 19.26, one: 0.26, check: 1.99 }),
    'kopia-zstd': row(4.77, 0.29, { restore: 12.74, one: 0.23, check: 1.52 }),
  },
}

/** kopia's wall time in restic's; `undefined` where the two were not measured together. */
export function kopiaToRestic(
  tool: 'kopia' | 'kopia-zstd',
  { profile, store }: { readonly profile: Profile; readonly store: 'folder' | 's3' },
  step: Step,
): number | undefined {
  const trio = store === 'folder' ? FOLDER[profile] : S3[profile]
  const [kopia, restic] = [trio?.[tool][step], trio?.restic[step]]
  return kopia === undefined || restic === undefined ? undefined : kopia / restic
}
