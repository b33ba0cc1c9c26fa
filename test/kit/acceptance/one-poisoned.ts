/** One person of many cannot be read; then the cause is mended. What the whole product says and writes at each step, for tests to compare with the promise. */
import type { Nebari, Report } from './nebari.ts'
import { writtenSince } from './store-objects.ts'
import { storedObjects } from './stored-objects.ts'

export interface OnePoisoned {
  readonly backup: { readonly status: number; readonly report: Report }
  /** What `status --json` says afterwards. */
  readonly status: Report
  readonly replay: { readonly status: number; readonly report: Report }
  readonly again: { readonly status: number; readonly report: Report }
  /** Objects that the second replay wrote, by place: must be none. */
  readonly writtenAgain: Readonly<Record<string, number>>
}

export async function onePoisoned(
  nebari: Nebari,
  { poison, mend }: { readonly poison: () => void; readonly mend: () => void },
): Promise<OnePoisoned> {
  const ran = async (...words: readonly string[]): Promise<{ status: number; report: Report }> => {
    const result = await nebari.toriki(['--json', ...words])
    return { status: result.status, report: result.json<Report>() }
  }
  poison()
  const backup = await ran('backup')
  const { report: status } = await ran('status')
  mend()
  const replay = await ran('replay')
  const before = await storedObjects(nebari.settings)
  const again = await ran('replay')
  return { backup, status, replay, again, writtenAgain: writtenSince(before, await storedObjects(nebari.settings)) }
}
