import { describe, expect, test } from '@jest/globals'
import { JSON_DEPTH_MAX } from '../../../lib/repository/format.ts'
import { parseJson } from '../../../lib/repository/parse-json.ts'

const nested = (depth: number, fill = ''): Buffer => Buffer.from('['.repeat(depth) + fill + ']'.repeat(depth))

describe('stored JSON', () => {
  test('is read as deep as it may be, and refused beyond, before it is walked', () => {
    expect(JSON.stringify(parseJson(nested(JSON_DEPTH_MAX, '1')))).toBe(String(nested(JSON_DEPTH_MAX, '1')))
    expect(() => parseJson(nested(JSON_DEPTH_MAX + 1))).toThrow(RangeError)
    expect(() => parseJson(nested(2_000_000))).toThrow(RangeError)
  })

  test('may have any number of brackets in its texts', () => {
    const text = `${'[{'.repeat(500)}\\"[`
    expect(parseJson(Buffer.from(JSON.stringify({ text, 'a"[': [text] })))).toEqual({ text, 'a"[': [text] })
  })
})
