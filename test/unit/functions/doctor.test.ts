/** The function `doctor`: what it is given, what it answers, and that nothing that is wrong makes it throw. What is tried is tested with lib/doctor. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { handle } from '../../../functions/doctor.ts'
import { silentLog } from '../../../lib/log.ts'
import { parseSettings } from '../../../lib/settings.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

const invocation = { getRemainingTimeInMillis: () => 900_000 }

async function settingsOf(lines: string): Promise<ReturnType<typeof parseSettings>> {
  const folder = await temporaryFolder()
  mkdirSync(join(folder, 'nebari/home/ann'), { recursive: true })
  const text = `deployment: campus\n${lines}\ncomponents: { files: { root: ${folder}/nebari, home: "home/{user}" } }\n`
  return parseSettings(text, join(folder, 'toriki.yaml'))
}

describe('doctor', () => {
  test('answers with one line for each thing that it tried, in the contract’s shape', async () => {
    const settings = await settingsOf('')
    const checks = await handle({ settings: () => settings, log: silentLog }, {}, invocation)
    expect(checks).toContainEqual({ check: `settings: ${settings.file}`, ok: true })
    expect(checks).toContainEqual({ check: 'files: root present', ok: true })
    for (const { check, ok, remedy, ...more } of checks) {
      expect([typeof check, typeof ok, more]).toEqual(['string', 'boolean', {}])
      if (!ok) expect(remedy).toMatch(/\w/)
    }
  })

  test('settings that are wrong are its answer', async () => {
    const settings = (): never => parseSettings('deployment: Campus!\n', '/there/toriki.yaml') as never
    expect(await handle({ settings, log: silentLog }, {}, invocation)).toEqual([
      { check: 'settings', ok: false, remedy: expect.stringContaining('deployment') },
    ])
  })

  test('a service that cannot be put together is its answer, and the rest is tried all the same', async () => {
    const settings = await settingsOf('keys: { keyring: nowhere }')
    const checks = await handle({ settings: () => settings, log: silentLog }, {}, invocation)
    expect(checks).toContainEqual({ check: expect.any(String), ok: false, remedy: expect.stringContaining('keyring') })
    expect(checks).toContainEqual({ check: 'files: root present', ok: true })
  })

  test('what does not answer before the time is out is its answer too', async () => {
    const never = new Promise<never>(() => {})
    const checks = await handle({ settings: () => never, log: silentLog }, {}, { getRemainingTimeInMillis: () => 0 })
    expect(checks).toEqual([
      { check: 'doctor: ended in time', ok: false, remedy: expect.stringContaining('did not answer') },
    ])
  })

  test.each<[unknown, RegExp]>([
    [{ key1: 'value1', key2: 'value2' }, /"key1"/],
    [{ Records: [] }, /"Records"/],
    [[], /not a JSON object/],
    ['{}', /not a JSON object/],
    [null, /not a JSON object/],
    [undefined, /not a JSON object/],
  ])('%j is refused and named', async (input, names) => {
    let asked = 0
    const settings = (): never => {
      asked++
      throw new Error('not asked for')
    }
    await expect(handle({ settings, log: silentLog }, input, invocation)).rejects.toMatchObject({
      code: 'message-invalid',
      message: expect.stringMatching(names),
    })
    expect(asked).toBe(0)
  })
})
