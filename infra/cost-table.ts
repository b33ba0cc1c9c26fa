/** The cost of a deployment as a table for people, in Markdown. */
import { costOf } from './cost-model.ts'
import type { Line, Size } from './cost-model.ts'
import type { Prices } from './cost-prices.ts'

export function costTable(size: Size, prices: Prices): string {
  const { first, monthly, firstDollars, monthlyDollars } = costOf(size, prices)
  const who = size.worker === 'cluster' ? 'the worker in the cluster' : `functions of ${size.memoryMib} MiB`
  return [
    `${amount(size.users)} people with ${amount(size.homeGib)} GiB each, ${amount(size.changedPercent)} % changed a night, ${size.nights} nights a month, month ${size.months}; ${who}, egress ${size.egress}.`,
    `Estimate with ${prices.source}, ${prices.region}, ${prices.asOf}; no free tier, no tax.`,
    '',
    '| each month | | | US$ |',
    '| --- | ---: | --- | ---: |',
    ...monthly.map(row),
    `| **together** | | | **${dollars(monthlyDollars)}** |`,
    '',
    '| once, for the first backup | | | US$ |',
    '| --- | ---: | --- | ---: |',
    ...first.map(row),
    `| **together** | | | **${dollars(firstDollars)}** |`,
    '',
  ].join('\n')
}

function row({ what, amount: many, unit, dollars: cost }: Line): string {
  return `| ${what} | ${amount(many)} | ${unit} | ${dollars(cost)} |`
}

/** Three digits are enough for an estimate. */
function amount(value: number): string {
  const digits = value >= 100 ? 0 : value >= 1 ? 1 : 2
  return value.toLocaleString('en', { maximumFractionDigits: digits })
}

function dollars(value: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
}
