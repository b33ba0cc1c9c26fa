import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { costOf, sizeDefault } from '../../../infra/cost-model.ts'
import type { Cost, Size } from '../../../infra/cost-model.ts'
import { prices } from '../../../infra/cost-prices.ts'
import { costTable } from '../../../infra/cost-table.ts'

const root = resolve(import.meta.dirname, '../../..')
const amountOf = ({ monthly }: Cost, what: string): number => {
  const line = monthly.find((one) => one.what.startsWith(what))
  if (line === undefined) throw new Error(`no line ${what}`)
  return line.amount
}
const small: Size = {
  ...sizeDefault,
  users: 10,
  homeGib: 1,
  changedPercent: 0,
  nights: 1,
  months: 1,
  storedPercent: 50,
}

describe('the cost of a deployment', () => {
  test('an unchanged person costs what was counted: 2 PUTs, 6 GETs, 6 LISTs, 1 call of KMS', () => {
    const cost = costOf({ ...small, users: 1000 }, prices)
    expect(amountOf(cost, 'S3 PUT and LIST')).toBe(8)
    expect(amountOf(cost, 'S3 GET')).toBe(6)
    expect(amountOf(cost, 'KMS calls')).toBe(0.1)
  })

  test('the figures are those of docs/benchmarks.md', () => {
    const row = /^\| 1,000 unchanged \|(.*)\|$/m.exec(readFileSync(resolve(root, 'docs/benchmarks.md'), 'utf8'))![1]!
    const [, , , , put, get, list, keyCalls] = row.split('|').map((cell) => Number(cell.trim()))
    const cost = costOf({ ...small, users: 1000 }, prices)
    expect(amountOf(cost, 'S3 PUT and LIST')).toBeCloseTo(put! + list!, 0)
    expect(amountOf(cost, 'S3 GET')).toBeCloseTo(get!, 0)
    expect(amountOf(cost, 'KMS calls')).toBeCloseTo(keyCalls! / 10, 2)
  })

  test('what is stored is everything once, what changed every night since, and a record a night', () => {
    const cost = costOf({ ...small, changedPercent: 10, nights: 2, months: 3 }, prices)
    // 10 GiB at half, five more nights of a tenth of it, 60 records of 3 KiB.
    expect(amountOf(cost, 'storage')).toBeCloseTo(5 + 5 * 0.5 + (60 * 3) / 1024 ** 2, 9)
  })

  test('a function is paid for reading every home again, the worker in the cluster is not', () => {
    const cost = costOf({ ...small, readMibPerSecond: 1024, memoryMib: 2048 }, prices)
    expect(amountOf(cost, 'Lambda time')).toBeCloseTo(10 * 2.5 * 2, 9)
    const inCluster = costOf({ ...small, worker: 'cluster' }, prices)
    expect(inCluster.monthly.filter(({ what }) => what.startsWith('Lambda'))).toEqual([])
  })

  test('a network of one’s own has its price, Nebari’s has none', () => {
    const network = (egress: Size['egress']): readonly string[] =>
      costOf({ ...small, egress }, prices)
        .monthly.map(({ what }) => what)
        .filter((what) => /gateway|endpoints/.test(what))
    expect(network('existing')).toEqual([])
    expect(network('nat')).toEqual(['NAT gateway', 'through the gateway'])
    expect(amountOf(costOf({ ...small, egress: 'endpoints', zones: 3 }, prices), 'interface endpoints')).toBe(
      730 * 4 * 3,
    )
  })

  test('the sums are those of the lines, and more of anything never costs less', () => {
    const size = fc.record({
      users: fc.integer({ min: 0, max: 100_000 }),
      homeGib: fc.double({ min: 0, max: 1000, noNaN: true }),
      changedPercent: fc.double({ min: 0, max: 100, noNaN: true }),
      nights: fc.integer({ min: 0, max: 31 }),
      months: fc.integer({ min: 1, max: 60 }),
      egress: fc.constantFrom('existing' as const, 'nat' as const, 'endpoints' as const),
      worker: fc.constantFrom('functions' as const, 'cluster' as const),
    })
    fc.assert(
      fc.property(size, fc.constantFrom('users', 'homeGib', 'changedPercent', 'nights', 'months'), (some, more) => {
        const one = { ...sizeDefault, ...some }
        const cost = costOf(one, prices)
        const total = cost.monthly.reduce((sum, { dollars }) => sum + dollars, 0)
        expect(cost.monthlyDollars).toBeCloseTo(total, 6)
        for (const { dollars } of [...cost.first, ...cost.monthly]) expect(dollars).toBeGreaterThanOrEqual(0)
        const larger = costOf({ ...one, [more]: one[more as 'users'] + 1 }, prices)
        expect(larger.monthlyDollars).toBeGreaterThanOrEqual(cost.monthlyDollars - 1e-9)
      }),
    )
  })
})

describe('the command', () => {
  const run = (
    ...words: readonly string[]
  ): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
    spawnSync(process.execPath, ['--no-warnings', resolve(root, 'infra/cost.ts'), ...words], { encoding: 'utf8' })

  test('prints the table for a size, with the prices’ place and date', () => {
    const { status, stdout } = run('--users', '100', '--home-gib', '5', '--egress', 'existing')
    expect(status).toBe(0)
    expect(stdout).toBe(costTable({ ...sizeDefault, users: 100, homeGib: 5, egress: 'existing' }, prices))
    expect(stdout).toContain(`${prices.region}, ${prices.asOf}`)
  })

  test('as JSON for programs', () => {
    const { stdout } = run('--json', '--worker', 'cluster')
    expect(JSON.parse(stdout)).toMatchObject({ size: { worker: 'cluster' }, monthlyDollars: expect.any(Number) })
  })

  test.each([
    [['--users', 'many'], '--users must be a number from 0, not "many"'],
    [['--egress', 'tunnel'], '--egress must be existing, nat, endpoints'],
  ])('%j is refused', (words, sentence) => {
    const { status, stderr } = run(...words)
    expect(status).toBe(1)
    expect(stderr).toContain(sentence)
  })
})
