/** `toriki doctor`: every connection and right, one line each, with what to do about each that fails. Changes nothing. */
import type { Check } from '../../components/component.ts'
import { diagnose } from '../../doctor/diagnose.ts'
import { loadSettings } from '../../load-settings.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-status.ts'
import { commandLog } from '../session.ts'
import { wrap } from '../table.ts'

export async function doctor(context: CommandContext): Promise<number> {
  const checks: Check[] = []
  const { terminal } = context
  const settings = (resolve: 'all' | 'platform' | 'restore'): ReturnType<typeof loadSettings> =>
    loadSettings({ file: context.settingsFile, resolve })
  for await (const check of diagnose({ settings, log: commandLog() })) {
    context.signal.throwIfAborted()
    checks.push(check)
    if (!context.json) terminal.out(line(context, check))
  }
  const failed = checks.filter(({ ok }) => !ok).length
  answer(context, checks, () =>
    failed === 0
      ? terminal.style('green', `\nAll ${checks.length} checks passed.\n`)
      : terminal.style('red', `\n${failed} of ${checks.length} checks failed.\n`),
  )
  return failed === 0 ? EXIT.complete : EXIT.failed
}

function line({ terminal }: CommandContext, { check, ok, remedy }: Check): string {
  const mark = ok ? terminal.style('green', 'ok  ') : terminal.style('red', 'FAIL')
  return `${mark} ${check}\n${remedy === undefined ? '' : wrap(`→ ${remedy}`, terminal.width, '     ')}`
}
