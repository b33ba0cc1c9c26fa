/**
 * What a deployment costs on AWS a month: from how many people there are, how much they have and how much of it changes. Pure; the figures per person are those that
 * docs/benchmarks.md counted. Rounds up where it does not know: every call of a function is one slice, no free tier, every changed byte is new.
 */
import type { Prices } from './cost-prices.ts'

export interface Size {
  readonly users: number
  /** Of one home. */
  readonly homeGib: number
  /** Of a home, from one night to the next. */
  readonly changedPercent: number
  readonly nights: number
  /** How long backups have been kept, this month included: as if nothing were pruned, since what a policy frees depends on how homes change. */
  readonly months: number
  /** What compression leaves of the bytes. */
  readonly storedPercent: number
  /** How fast one worker reads a home. */
  readonly readMibPerSecond: number
  readonly memoryMib: number
  /** Who works on the slices: Lambda, or the worker on nodes that are there anyway. */
  readonly worker: 'functions' | 'cluster'
  readonly egress: 'existing' | 'nat' | 'endpoints'
  readonly zones: number
}

export const sizeDefault: Size = {
  users: 1000,
  homeGib: 10,
  changedPercent: 1,
  nights: 30,
  months: 12,
  storedPercent: 60,
  readMibPerSecond: 100,
  memoryMib: 2048,
  worker: 'functions',
  egress: 'nat',
  zones: 2,
}

export interface Line {
  readonly what: string
  /** How many of the unit. */
  readonly amount: number
  readonly unit: string
  readonly dollars: number
}

export interface Cost {
  /** Once, for the first backup of everything. */
  readonly first: readonly Line[]
  /** Each month. */
  readonly monthly: readonly Line[]
  readonly firstDollars: number
  readonly monthlyDollars: number
}

/** Counted, per slice: docs/benchmarks.md. The first backup of a slice makes its keys, its packs and its index. */
const UNCHANGED = { put: 2, get: 6, list: 6, keyCalls: 1 } as const
const FIRST = { put: 4, get: 3, list: 6, keyCalls: 2 } as const
/** A changed slice writes a pack of content, one of tree and an index, and then packs of 16 MiB. */
const CHANGED_PUTS = 3
const PACK_MIB = 16
/** Snapshot and event of one slice and night. */
const RECORD_KIB = 3
/** Sent in tens, received, deleted, hidden again. */
const QUEUE_REQUESTS_PER_SLICE = 3.1
/** A trigger asks its queue with five connections, each every 20 seconds. */
const POLLS_PER_SECOND = 5 / 20
const TRIGGERS = { functions: 10, cluster: 7 } as const
/** A worker asks three queues, each with one connection. */
const WORKER_POLLS_PER_SECOND = 3 / 20
/** Start, some twenty requests one after another, end. */
const SECONDS_PER_SLICE = 1.5
/** Lines of one call, those of Lambda included. */
const LOG_KIB_PER_SLICE = 2
/** What goes through the gateway or the endpoints of one slice: Keycloak, queue and keys. S3 has a way of its own that costs nothing. */
const NETWORK_KIB_PER_SLICE = 64
const ENDPOINT_SERVICES = 4
const KMS_KEYS = 2
const SECRETS = 2
const METRICS = 10
const ALARMS = 19
const MONTH_HOURS = 730
const MIB_PER_GIB = 1024
const KIB_PER_GIB = 1024 * 1024

export function costOf(size: Size, prices: Prices): Cost {
  const first = runLines(size, prices, 'first', 1)
  const monthly = [
    {
      what: `storage in month ${size.months}`,
      amount: storedGib(size),
      unit: 'GiB',
      dollars: storedGib(size) * prices.storageGib,
    },
    ...runLines(size, prices, 'again', size.nights),
    polling(size, prices),
    line('KMS keys', KMS_KEYS, 'keys', prices.kmsKey),
    line('Secrets Manager', SECRETS, 'secrets', prices.secret),
    line('metrics', METRICS, 'metrics', prices.metric),
    line('alarms', ALARMS, 'alarms', prices.alarm),
    line('dashboard', 1, 'dashboards', prices.dashboard),
    ...networkLines(size, prices),
  ]
  return { first, monthly, firstDollars: sum(first), monthlyDollars: sum(monthly) }
}

/** At the end of the last month: everything once, what changed each night since, and the records. */
function storedGib({ users, homeGib, changedPercent, storedPercent, nights, months }: Size): number {
  const runs = nights * months
  const content = users * homeGib * (storedPercent / 100) * (1 + (changedPercent / 100) * Math.max(0, runs - 1))
  return content + (users * runs * RECORD_KIB) / KIB_PER_GIB
}

function runLines(size: Size, prices: Prices, which: 'first' | 'again', runs: number): readonly Line[] {
  const { users, homeGib, changedPercent, storedPercent, readMibPerSecond, memoryMib, worker } = size
  const slices = users * runs
  const requests = which === 'first' ? FIRST : UNCHANGED
  const newShare = which === 'first' ? 1 : changedPercent / 100
  const newMib = homeGib * MIB_PER_GIB * newShare * (storedPercent / 100)
  const puts = requests.put + (newMib > 0 ? CHANGED_PUTS + Math.floor(newMib / PACK_MIB) : 0)
  // Every file is read again in every run (docs/decisions/0005).
  const seconds = slices * (SECONDS_PER_SLICE + (homeGib * MIB_PER_GIB) / readMibPerSecond)
  return [
    line('S3 PUT and LIST', (slices * (puts + requests.list)) / 1000, 'thousand', prices.put1000),
    line('S3 GET', (slices * requests.get) / 1000, 'thousand', prices.get1000),
    line('KMS calls', (slices * requests.keyCalls) / 10_000, 'ten thousand', prices.kms10000),
    line('SQS messages', (slices * QUEUE_REQUESTS_PER_SLICE) / 1_000_000, 'million requests', prices.sqsMillion),
    ...(worker === 'cluster'
      ? []
      : [
          line('Lambda time', seconds * (memoryMib / MIB_PER_GIB), 'GiB-seconds', prices.lambdaGibSecond),
          line('Lambda calls', slices / 1_000_000, 'million', prices.lambdaMillion),
        ]),
    line('logs', (slices * LOG_KIB_PER_SLICE) / KIB_PER_GIB, 'GiB', prices.logGib),
  ]
}

/** Asking empty queues goes on day and night. */
function polling({ worker }: Size, prices: Prices): Line {
  const perSecond = TRIGGERS[worker] * POLLS_PER_SECOND + (worker === 'cluster' ? WORKER_POLLS_PER_SECOND : 0)
  return line('SQS polling', (perSecond * MONTH_HOURS * 3600) / 1_000_000, 'million requests', prices.sqsMillion)
}

function networkLines({ users, nights, egress, zones }: Size, prices: Prices): readonly Line[] {
  const gib = (users * nights * NETWORK_KIB_PER_SLICE) / KIB_PER_GIB
  switch (egress) {
    case 'existing':
      return []
    case 'nat':
      return [
        line('NAT gateway', MONTH_HOURS, 'hours', prices.natHour),
        line('through the gateway', gib, 'GiB', prices.natGib),
      ]
    case 'endpoints':
      return [
        line('interface endpoints', MONTH_HOURS * ENDPOINT_SERVICES * zones, 'hours', prices.endpointHour),
        line('through the endpoints', gib, 'GiB', prices.endpointGib),
      ]
  }
}

function line(what: string, amount: number, unit: string, price: number): Line {
  return { what, amount, unit, dollars: amount * price }
}

function sum(lines: readonly Line[]): number {
  return lines.reduce((total, { dollars }) => total + dollars, 0)
}
