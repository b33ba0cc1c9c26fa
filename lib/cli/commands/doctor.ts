/** `toriki doctor`: every connection and right, one line each, with what to do about each that fails. Changes nothing. */
import { checkPlatform } from '../check-platform.ts'
import { createComponents } from '../../components/registry.ts'
import type { Check } from '../../components/component.ts'
import { toTorikiError } from '../../errors.ts'
import { systemClock } from '../../platform/clock.ts'
import { systemRandom } from '../../platform/random.ts'
import { loadSettings } from '../../settings.ts'
import type { Settings } from '../../settings.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-status.ts'
import { wrap } from '../table.ts'

export async function doctor(context: CommandContext): Promise<number> {
  const checks: Check[] = []
  const { terminal } = context
  const report = (check: Check): void => {
    checks.push(check)
    if (!context.json) terminal.out(line(context, check))
  }
  let settings: Settings | undefined
  try {
    settings = loadSettings({ file: context.settingsFile })
    report({ check: `settings: ${settings.file}`, ok: true })
  } catch (error) {
    const { message, remedy } = toTorikiError(error)
    report({ check: 'settings', ok: false, remedy: `${message} ${remedy}` })
  }
  if (settings !== undefined) {
    for await (const check of checkPlatform(settings)) report(check)
    for (const component of createComponents(settings, { clock: systemClock, random: systemRandom })) {
      try {
        for await (const check of component.doctor()) {
          context.signal.throwIfAborted()
          report(check)
        }
      } finally {
        await component.close()
      }
    }
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
