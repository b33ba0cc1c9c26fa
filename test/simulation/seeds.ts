/** Which seeds run: TORIKI_SEED alone; else those that ever failed, then a stretch of new ones. */
import { readFileSync } from 'node:fs'

/** Seeds that once found something: they run first, for ever. */
export function keptSeeds(): readonly number[] {
  return JSON.parse(readFileSync(new URL('seeds.json', import.meta.url), 'utf8')) as number[]
}

/** The one seed that was asked for. */
export function askedSeed(): string | undefined {
  return process.env['TORIKI_SEED']
}

export function stretch(from: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => from + at)
}
