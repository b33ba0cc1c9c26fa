/** Which seeds run: TORIKI_SEED alone; else those that ever failed, then a stretch of new ones. */
import { readFileSync } from 'node:fs'

/** Seeds that once found something: they run first, for ever. */
export function keptSeeds(): readonly number[] {
  return kept().backups
}

/** Those of restores. */
export function keptRestoreSeeds(): readonly number[] {
  return kept().restores
}

function kept(): { readonly backups: readonly number[]; readonly restores: readonly number[] } {
  return JSON.parse(readFileSync(new URL('seeds.json', import.meta.url), 'utf8')) as ReturnType<typeof kept>
}

/** The one seed that was asked for. */
export function askedSeed(): string | undefined {
  return process.env['TORIKI_SEED']
}

export function stretch(from: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => from + at)
}
