import { describe, expect, test } from '@jest/globals'
import { MemoryKeyService, memoryKey } from '../../../../lib/platform/key-service/memory.ts'
import { seededRandom } from '../../../kit/seeded-random.ts'

const random = seededRandom('memory keys')

describe('the key service in memory', () => {
  test('a role that may not unwrap a purpose gets key-unusable for it, and only for it', async () => {
    const key = memoryKey(random)
    const restore = new MemoryKeyService({ random, key })
    const backup = new MemoryKeyService({ random, key, mayUnwrap: ({ purpose }) => purpose !== 'content' })
    const [tree, content] = [
      await backup.wrap(Buffer.from('t'), { purpose: 'tree' }),
      await backup.wrap(Buffer.from('c'), { purpose: 'content' }),
    ]
    expect((await backup.unwrap(tree, { purpose: 'tree' })).toString()).toBe('t')
    await expect(backup.unwrap(content, { purpose: 'content' })).rejects.toMatchObject({ code: 'key-unusable' })
    expect((await restore.unwrap(content, { purpose: 'content' })).toString()).toBe('c')
    expect([backup.calls, restore.calls]).toEqual([
      { wrap: 2, unwrap: 2 },
      { wrap: 0, unwrap: 1 },
    ])
  })

  test('a disabled key neither wraps nor unwraps, for any role', async () => {
    const keys = new MemoryKeyService({ random })
    const wrapped = await keys.wrap(Buffer.from('x'), {})
    keys.key.enabled = false
    await expect(keys.wrap(Buffer.from('x'), {})).rejects.toMatchObject({ code: 'key-unusable' })
    await expect(keys.unwrap(wrapped, {})).rejects.toMatchObject({ code: 'key-unusable' })
  })
})
