/** What goes wrong in a night, drawn from a seed and bounded, so that every night ends. */
import { TorikiError } from '../../lib/errors.ts'
import type { ErrorCode } from '../../lib/errors.ts'
import type { Fault, FaultCall, FaultPlan } from '../../lib/platform/fault.ts'
import type { Random } from '../../lib/platform/random.ts'
import type { SliceName } from '../../lib/resources/slice.ts'
import { NAMED, PLANTED, sourceNames } from './world.ts'
import type { SourceFault, SourceName, SourceOperation, World } from './world.ts'

export interface FaultBudget {
  /** Single faults and kills that are left. */
  faults: number
  kills: number
  /** A port that does not answer until then. */
  outage: { readonly port: FaultCall['port']; readonly fromMs: number; readonly untilMs: number } | undefined
}

/** Operations of store, queue and live system that change something. */
export const WRITES: ReadonlySet<string> = new Set(['create', 'send', 'delete', 'changeVisibility', 'write'])

/** Faults of the platform, as long as the budget lasts. `share`: of all calls. */
export function platformFaults(
  random: Random,
  share: number,
  budget: FaultBudget,
  nowMs: () => number,
  note: (line: string) => void,
): FaultPlan {
  return (call) => {
    const { outage } = budget
    if (outage !== undefined && outage.port === call.port && nowMs() >= outage.fromMs && nowMs() < outage.untilMs)
      return { kind: 'fail-before' }
    // Writes are where a kill hurts.
    if (share > 0 && budget.kills > 0 && WRITES.has(call.operation) && random.fraction() < 0.02) {
      budget.kills--
      const fault: Fault = { kind: random.fraction() < 0.5 ? 'kill-before' : 'kill-after' }
      note(`fault ${fault.kind} at ${call.operation} ${call.subject}`)
      return fault
    }
    if (random.fraction() >= share) return undefined
    const fault = drawFault(random, call, budget)
    if (fault !== undefined) note(`fault ${fault.kind} at ${call.operation} ${call.subject}`)
    return fault
  }
}

function drawFault(random: Random, call: FaultCall, budget: FaultBudget): Fault | undefined {
  const draw = random.fraction()
  if (draw < 0.2) {
    if (budget.kills <= 0) return undefined
    budget.kills--
    return { kind: draw < 0.1 ? 'kill-before' : 'kill-after' }
  }
  if (budget.faults <= 0) return undefined
  budget.faults--
  if (draw < 0.4) return { kind: 'fail-before' }
  if (draw < 0.6) return { kind: 'fail-after' }
  if (draw < 0.75) return { kind: 'duplicate' }
  if (draw < 0.9) return { kind: 'delay', ms: random.fraction() * (random.fraction() < 0.1 ? 1_000_000 : 20_000) }
  if (call.port === 'object-store' && call.operation === 'create')
    return { kind: 'fail-before', error: new TorikiError('store-full') }
  if (call.port === 'live-system')
    return { kind: 'fail-before', error: new TorikiError(random.fraction() < 0.2 ? 'source-rights' : 'source-busy') }
  return {
    kind: 'fail-before',
    error: new TorikiError(call.port === 'queue' ? 'queue-unavailable' : 'store-unavailable', { retryAfterMs: 70_000 }),
  }
}

interface Script {
  left: number
  readonly fault: () => SourceFault
}

/** What a source does wrong in one night. */
export interface SourceTrouble {
  /** Fails whenever asked for this slice, until it is mended. */
  readonly permanent: ReadonlySet<`${SourceName} ${SliceName}`>
  readonly down: ReadonlySet<SourceName>
}

const TRANSIENT: readonly ErrorCode[] = ['source-unreachable', 'source-failed', 'read-failed', 'source-unexpected']
const PERMANENT: readonly ErrorCode[] = ['home-unreadable', 'source-rights', 'home-is-link']

/** Scripts the night's trouble and gives what of it does not pass by itself. */
export function troubleSource(world: World, random: Random, heavy: boolean): SourceTrouble {
  const scripts = new Map<string, Script>()
  const permanent = new Set<`${SourceName} ${SliceName}`>()
  const down = new Set<SourceName>()
  const one = <T>(from: readonly T[]): T => from[Math.floor(random.fraction() * from.length)] as T
  for (const source of sourceNames) {
    if (random.fraction() < (heavy ? 0.2 : 0.05)) {
      down.add(source)
      continue
    }
    if (random.fraction() < 0.1)
      scripts.set(`${source} members`, {
        left: 1 + Math.floor(random.fraction() * 3),
        fault: () => ({ error: new TorikiError('source-failed') }),
      })
    for (const slice of world.slices[source].keys()) {
      if (random.fraction() >= (heavy ? 0.5 : 0.15)) continue
      const operation: SourceOperation = one([
        'read',
        'read',
        'source',
        ...(source === 'keycloak' ? (['identify'] as const) : []),
      ])
      if (random.fraction() < 0.3) {
        permanent.add(`${source} ${slice}`)
        const code = one(PERMANENT)
        scripts.set(`${source} ${operation} ${slice}`, {
          left: Number.POSITIVE_INFINITY,
          fault: () => ({ error: new TorikiError(code) }),
        })
      } else
        scripts.set(`${source} ${operation} ${slice}`, {
          left: 1 + Math.floor(random.fraction() * 7),
          fault: () => transientFault(random, operation, one(TRANSIENT)),
        })
    }
  }
  world.fault = (source, operation, slice) => {
    if (down.has(source)) return { error: new TorikiError('source-unreachable') }
    const script = scripts.get(slice === undefined ? `${source} ${operation}` : `${source} ${operation} ${slice}`)
    if (script === undefined || script.left <= 0) return undefined
    script.left--
    return script.fault()
  }
  return { permanent, down }
}

function transientFault(random: Random, operation: SourceOperation, code: ErrorCode): SourceFault {
  const at = operation === 'read' && random.fraction() < 0.5 ? { at: Math.floor(random.fraction() * 3) } : {}
  const draw = random.fraction()
  if (draw < 0.3)
    return { ...at, error: new TorikiError('source-busy', { retryAfterMs: 1000 + random.fraction() * 100_000 }) }
  // What nobody foresaw; its text must go nowhere.
  if (draw < 0.5) return { ...at, error: new Error(`cannot read ${NAMED}file of ${PLANTED}`) }
  return { ...at, error: new TorikiError(code) }
}
