import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { cut, displayWidth, formatTable, wrap } from '../../../lib/cli/table.ts'

interface Row {
  readonly name: string
  readonly size: number
}
const columns = [
  { heading: 'NAME', cell: (row: Row) => row.name, flexible: true },
  { heading: 'SIZE', cell: (row: Row) => String(row.size), align: 'right' as const },
]

describe('tables', () => {
  test('align and end without trailing blanks', () => {
    expect(
      formatTable(
        columns,
        [
          { name: 'ann', size: 5 },
          { name: 'benedict', size: 12345 },
        ],
        80,
      ),
    ).toBe('NAME       SIZE\nann           5\nbenedict  12345\n')
  })

  test('cut the flexible column until the row fits', () => {
    expect(formatTable(columns, [{ name: 'a-very-long-name-of-a-person', size: 7 }], 20)).toBe(
      'NAME            SIZE\na-very-long-n…     7\n',
    )
  })

  test('never exceed the width, whatever the names', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ name: fc.string({ unit: 'grapheme' }), size: fc.nat(99999) }), { minLength: 1 }),
        fc.integer({ min: 40, max: 120 }),
        (rows, width) => {
          const clean = rows.map((row) => ({ ...row, name: row.name.replace(/[\p{C}]/gu, '') }))
          for (const line of formatTable(columns, clean, width).split('\n'))
            expect(displayWidth(line)).toBeLessThanOrEqual(width)
        },
      ),
    )
  })

  test('have nothing to say of no rows', () => {
    expect(formatTable(columns, [], 80)).toBe('')
  })
})

describe('texts', () => {
  test('count wide characters as two places', () => {
    expect(displayWidth('取り木')).toBe(6)
    expect(cut('取り木の本', 5)).toBe('取り…')
  })

  test('wrap at blanks, each line indented', () => {
    expect(wrap('Check that the store is reachable from here.', 20, '  ')).toBe(
      '  Check that the\n  store is reachable\n  from here.\n',
    )
  })
})
