import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { UserRecordScanner } from '../../../../lib/components/keycloak/user-record-scanner.ts'

/** The records found when the bytes come in pieces of these lengths. */
function scan(bytes: Buffer, lengths: Iterator<number>): { records: string[]; isWhole: boolean } {
  const scanner = new UserRecordScanner()
  const records: string[] = []
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.subarray(at, at + Math.max(1, lengths.next().value as number))
    for (const { offset, length } of scanner.push(piece)) records.push(bytes.toString('utf8', offset, offset + length))
    at += piece.length
  }
  return { records, isWhole: scanner.isWhole }
}

const pieces = fc.infiniteStream(fc.integer({ min: 1, max: 7 }))

describe('records of people in a file of an export', () => {
  test('are found whatever is in them, and however the bytes come', () => {
    const record = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 3 }))
    fc.assert(
      fc.property(fc.array(record), fc.jsonValue(), fc.constantFrom(0, 2), pieces, (users, other, indent, lengths) => {
        const document = { before: other, nested: { users: [{ id: 'not one' }] }, users, after: { users: [[]] } }
        const text = JSON.stringify(document, undefined, indent)
        const { records, isWhole } = scan(Buffer.from(text), lengths)
        expect(isWhole).toBe(true)
        expect(records.map((found) => JSON.parse(found) as unknown)).toEqual(JSON.parse(JSON.stringify(users)))
      }),
    )
  })

  test('a list of another name, or a text that says users, is not taken for them', () => {
    const text = JSON.stringify({
      note: '"users":[{"id":"no"}]',
      usersX: [{ id: 'no' }],
      us: 'users',
      groups: [{ users: [{ id: 'no' }] }],
    })
    expect(scan(Buffer.from(text), [1000].values()).records).toEqual([])
  })

  test('a file that is cut off anywhere is not whole', () => {
    const bytes = Buffer.from(JSON.stringify({ realm: 'r', users: [{ id: 'a', text: '"}]' }] }))
    for (let length = 0; length < bytes.length; length++)
      expect(scan(bytes.subarray(0, length), [1000].values()).isWhole).toBe(false)
    expect(scan(bytes, [1000].values()).isWhole).toBe(true)
  })
})
