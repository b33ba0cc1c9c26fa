import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { Log } from '../../../lib/log.ts'
import { runAlarmCommand } from '../../../lib/platform/alarm-command.ts'

function recordingLog(): Log & { readonly events: string[] } {
  const events: string[] = []
  return { events, write: (_level, event, fields) => void events.push(`${event} ${JSON.stringify(fields)}`) }
}

function program(text: string): { readonly path: string; readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'toriki-alarm-'))
  const path = join(folder, 'tell-me')
  writeFileSync(path, `#!/bin/sh\ncd "$(dirname "$0")" || exit 9\n${text}\n`)
  chmodSync(path, 0o755)
  return { path, folder }
}

describe('the alarm command', () => {
  test('gets one JSON document on its standard input', async () => {
    const { path, folder } = program('cat > got.json')
    const log = recordingLog()
    await runAlarmCommand(path, { alarm: 'suspect', run: 'r1' }, log)
    expect(JSON.parse(readFileSync(join(folder, 'got.json'), 'utf8'))).toEqual({ alarm: 'suspect', run: 'r1' })
    expect(log.events).toEqual([])
  })

  test('that fails or is missing is logged, and fails nobody else', async () => {
    const log = recordingLog()
    await runAlarmCommand(program('exit 3').path, { alarm: 'suspect' }, log)
    await runAlarmCommand('/nonexistent/tell-me', { alarm: 'suspect' }, log)
    expect(log.events.filter((event) => event.startsWith('alarm-command-failed'))).toEqual([
      'alarm-command-failed {"status":3}',
      'alarm-command-failed {"reason":"ENOENT"}',
    ])
  })
})
