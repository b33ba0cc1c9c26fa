import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { joinTrees } from '../../../lib/repository/tree-join.ts'
import { TreeBuilder } from '../../../lib/repository/tree-builder.ts'
import { heightOf } from '../../../lib/repository/tree-format.ts'
import type { TreeFormat } from '../../../lib/repository/tree-format.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const format: TreeFormat = { boundaryKey: seededRandom('borders').bytes(32), tag: Buffer.from('tree-tag') }

class Nodes {
  readonly held = new Map<string, Buffer>()
  written = 0
  readonly put = async (node: Buffer): Promise<Buffer> => {
    const id = createHash('sha256').update(node).digest()
    this.held.set(id.toString('hex'), node)
    this.written++
    return id
  }
  read = 0
  async get(_sort: string, id: Buffer): Promise<Buffer> {
    this.read++
    const node = this.held.get(id.toString('hex'))
    if (node === undefined) throw new Error('not there')
    return node
  }
}

type Entry = readonly [key: Buffer, value: Buffer]

function entriesOf(count: number, name = 'key'): Entry[] {
  return Array.from({ length: count }, (_, at): Entry => [
    Buffer.from(`${name} ${String(at).padStart(7, '0')}`),
    Buffer.from(`value ${at}`),
  ])
}

async function build(nodes: Nodes, entries: readonly Entry[]): Promise<Buffer> {
  const builder = new TreeBuilder(format, nodes.put)
  for (const [key, value] of entries) await builder.add(key, value)
  return (await builder.finish()).root
}

/** The ranges that these cuts make. */
function ranges(entries: readonly Entry[], cuts: readonly number[]): Entry[][] {
  const at = [0, ...[...cuts].sort((a, b) => a - b), entries.length]
  return at.slice(1).map((end, index) => entries.slice(at[index], end))
}

async function joined(nodes: Nodes, parts: readonly (readonly Entry[])[]) {
  const roots: Buffer[] = []
  for (const part of parts) roots.push(await build(nodes, part))
  return await joinTrees(format, roots, nodes, nodes.put)
}

describe('trees over ranges of keys', () => {
  test('join to the tree of one pass, wherever they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 3000 }),
        fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
        async (count, shares) => {
          const entries = entriesOf(count)
          const nodes = new Nodes()
          const whole = await build(nodes, entries)
          const { root, entries: sum } = await joined(
            nodes,
            ranges(
              entries,
              shares.map((share) => Math.floor(share * count)),
            ),
          )
          expect(sum).toBe(count)
          expect(root.equals(whole)).toBe(true)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('join where a range ends with a key that closes its nodes, and where the whole map does', async () => {
    const entries = entriesOf(30_000)
    const high = entries.flatMap(([key], at) => (heightOf(format.boundaryKey, key) > 1 ? [at] : []))
    expect(high.length).toBeGreaterThan(1)
    for (const cut of high.slice(0, 2)) {
      for (const end of [cut + 1, entries.length]) {
        for (const border of [cut, cut + 1, cut + 2]) {
          const some = entries.slice(0, end)
          const nodes = new Nodes()
          const whole = await build(nodes, some)
          const { root } = await joined(nodes, ranges(some, [Math.min(border, end)]))
          expect(root.equals(whole)).toBe(true)
        }
      }
    }
  })

  test('join without reading or writing more than the nodes at the seams', async () => {
    const nodes = new Nodes()
    const parts = ranges(entriesOf(60_000), [11_111, 34_567])
    const roots: Buffer[] = []
    for (const part of parts) roots.push(await build(nodes, part))
    const all = nodes.written
    nodes.written = 0
    await joinTrees(format, roots, nodes, nodes.put)
    expect(all).toBeGreaterThan(400)
    expect(nodes.read).toBeLessThan(30)
    expect(nodes.written).toBeLessThan(15)
  })

  test('that hold the same keys are refused', async () => {
    const nodes = new Nodes()
    const entries = entriesOf(500)
    await expect(joined(nodes, [entries.slice(0, 300), entries.slice(299)])).rejects.toMatchObject({
      code: 'seal-broken',
    })
    await expect(joined(nodes, [entries.slice(300), entries.slice(0, 300)])).rejects.toMatchObject({
      code: 'seal-broken',
    })
  })
})
