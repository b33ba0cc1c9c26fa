/** The examples that docs/format.md prints are the test vectors. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { FORMAT_VERSION, JSON_DEPTH_MAX, NODE_ITEMS_MAX, RESOURCE_KEY_BYTES_MAX, TREE_LEVEL_MAX, objectKinds } from '../../lib/repository/format.ts'
import { vectorsFolder } from './make-vectors.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/format.md'), 'utf8')
const read = <T>(name: string): T => JSON.parse(readFileSync(join(vectorsFolder, `${name}.json`), 'utf8')) as T

/** The bytes of the block behind "Example (`<name>`", without blanks and what is said of them. */
function example(name: string, comment: RegExp): string {
  const from = page.indexOf(`Example (\`${name}\``)
  const [, block = ''] = page.slice(from).split('```')
  return block
    .trim()
    .split('\n')
    .map((line) => line.split(comment)[0] ?? '')
    .join('')
    .replaceAll(/\s/g, '')
}

test('the node that the page shows is that of the vectors', () => {
  const { small } = read<{ small: { nodes: { bytes: string }[] } }>('tree')
  expect(example('tree.json', / (?=tag|nothing|seven)/)).toBe(small.nodes.at(-1)?.bytes)
})

test('the value that the page shows is that of the vectors', () => {
  const { entries } = read<{ entries: { name: string; value: string }[] }>('entries')
  const value = entries.find(({ name }) => name === 'a short text')?.value ?? ''
  const [begin = '', end = ''] = example('entries.json', / {12,}/).split('…')
  expect(end).not.toBe('')
  expect(value.startsWith(begin) && value.endsWith(end)).toBe(true)
})

test('the page says the numbers that the code has', () => {
  expect(page).toContain(`This is version ${FORMAT_VERSION}.`)
  expect(page).toContain(`| 6 | 1 | format version: ${FORMAT_VERSION} |`)
  for (const [kind, number] of Object.entries(objectKinds).filter(([name]) => name !== 'claim')) expect(page).toContain(`${number} ${kind}`)
  expect(page).toContain(`nested at most ${JSON_DEPTH_MAX} deep`)
  expect(page).toContain(`level at most ${TREE_LEVEL_MAX}`)
  for (const number of [RESOURCE_KEY_BYTES_MAX, NODE_ITEMS_MAX]) expect(page).toContain(number.toLocaleString('en'))
})

test('the page names every file of vectors', () => {
  for (const name of ['keys', 'seal', 'hpke', 'hpke-rfc9180', 'chunks', 'packs', 'keys-and-json', 'tree', 'entries', 'snapshot'])
    expect(page).toContain(`\`${name}.json\``)
})
