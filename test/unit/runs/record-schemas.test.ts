import { expect, test } from '@jest/globals'
import { parseSliceEvent } from '../../../lib/runs/record-schemas.ts'

const event = { slice: 'user/ann', event: 'saved', at: '2026-11-29T10:00:00.000Z', attempt: 1 }

test('an event of a generation that no slice has is refused, whoever forged it', () => {
  expect(parseSliceEvent({ ...event, generation: 1 })).toMatchObject({ generation: 1 })
  for (const generation of [0, -1, 1.5])
    expect(() => parseSliceEvent({ ...event, generation })).toThrow(expect.objectContaining({ code: 'format-newer' }))
})
