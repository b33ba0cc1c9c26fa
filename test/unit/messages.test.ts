import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { TorikiError } from '../../lib/errors.ts'
import { encodeMessage, parseMessage } from '../../lib/messages.ts'
import type { Message } from '../../lib/messages.ts'

const run = '20261121T020000000Z-full-0123456789'

function refusal(body: string): TorikiError {
  try {
    parseMessage(body)
  } catch (error) {
    if (error instanceof TorikiError) return error
  }
  throw new Error('expected a refusal')
}

describe('messages', () => {
  test.each<[string, Message]>([
    ['backup-slice', { v: 1, kind: 'backup-slice', run, slice: 'user/ann', components: ['keycloak'], part: 2 }],
    ['settle-run', { v: 1, kind: 'settle-run', run, tick: 3 }],
    ['replay-run', { v: 1, kind: 'replay-run', run, users: ['ann'] }],
  ])('%s is read as it was written', (_kind, message) => {
    expect(parseMessage(encodeMessage(message))).toEqual(message)
  })

  test('unknown fields are kept', () => {
    const message = { v: 1, kind: 'settle-run', run, tick: 1, later: { a: 1 } }
    expect(parseMessage(JSON.stringify(message))).toEqual(message)
  })

  test.each([
    ['{"v":2,"kind":"backup-slice"}', 'message-unknown'],
    ['{"v":1,"kind":"drop-everything"}', 'message-unknown'],
    ['{}', 'message-unknown'],
    ['{"v":1,"kind":["backup-slice"]}', 'message-unknown'],
    ['not json', 'message-invalid'],
    ['[]', 'message-invalid'],
    ['null', 'message-invalid'],
    [`{"v":1,"kind":"backup-slice","run":"../x","slice":"user/ann"}`, 'message-invalid'],
    [`{"v":1,"kind":"backup-slice","run":"${run}","slice":"user/ann","components":["nope"]}`, 'message-invalid'],
    [`{"v":1,"kind":"settle-run","run":"${run}","tick":0}`, 'message-invalid'],
  ])('%s is refused: %s', (body, code) => {
    expect(refusal(body).code).toBe(code)
  })

  test('a refusal names the field and repeats no value', () => {
    const error = refusal(`{"v":1,"kind":"backup-slice","run":"${run}","slice":"user/ann","components":["hunter2"]}`)
    expect(error.message).toContain('components.0')
    expect(error.message).not.toContain('hunter2')
  })

  test('whatever the bytes, the answer is a message or a refusal', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        expect(['message-invalid', 'message-unknown']).toContain(refusal(body).code)
      }),
    )
  })
})
