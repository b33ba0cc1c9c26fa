/** Prints what a deployment costs on AWS: `node infra/cost.ts --users 1000 --home-gib 10 --changed-percent 1`. `--json` for programs; `--help` for the other words. */
import { parseArgs } from 'node:util'
import { costOf, sizeDefault } from './cost-model.ts'
import type { Size } from './cost-model.ts'
import { prices } from './cost-prices.ts'
import { costTable } from './cost-table.ts'

const numbers = {
  users: 'users',
  'home-gib': 'homeGib',
  'changed-percent': 'changedPercent',
  nights: 'nights',
  months: 'months',
  'stored-percent': 'storedPercent',
  'read-mib-per-second': 'readMibPerSecond',
  'memory-mib': 'memoryMib',
  zones: 'zones',
} as const satisfies Record<string, keyof Size>

const parsed = parseArgs({
  options: {
    ...Object.fromEntries(Object.keys(numbers).map((name) => [name, { type: 'string' } as const])),
    worker: { type: 'string' },
    egress: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})
const values: Readonly<Record<string, string | boolean | undefined>> = parsed.values
if (values['help'] === true) {
  process.stdout.write(
    `${Object.entries(numbers)
      .map(([word, name]) => `--${word} ${sizeDefault[name]}\n`)
      .join('')}--worker functions|cluster\n--egress nat|endpoints|existing\n--json\n`,
  )
} else {
  const size: Size = {
    ...sizeDefault,
    ...Object.fromEntries(
      Object.entries(numbers).flatMap(([word, name]) =>
        values[word] === undefined ? [] : [[name, positive(word, String(values[word]))]],
      ),
    ),
    worker: oneOf('worker', values['worker'] ?? sizeDefault.worker, ['functions', 'cluster']),
    egress: oneOf('egress', values['egress'] ?? sizeDefault.egress, ['existing', 'nat', 'endpoints']),
  }
  process.stdout.write(
    values['json'] === true
      ? `${JSON.stringify({ size, prices, ...costOf(size, prices) }, undefined, 2)}\n`
      : costTable(size, prices),
  )
}

function positive(word: string, text: string): number {
  const value = Number(text)
  if (Number.isFinite(value) && value >= 0 && text.trim() !== '') return value
  throw new Error(`--${word} must be a number from 0, not ${JSON.stringify(text)}`)
}

function oneOf<T extends string>(word: string, text: unknown, known: readonly T[]): T {
  const found = known.find((one) => one === text)
  if (found === undefined) throw new Error(`--${word} must be ${known.join(', ')}`)
  return found
}
