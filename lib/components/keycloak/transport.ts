/**
 * Connections of our own for `fetch`: kept alive, few, with a private CA where one is configured, and with a bound on the size of an answer before memory
 * is taken. A certificate is always checked.
 *
 * The Keycloak client calls the global `fetch`, and Node's own `fetch` takes only an agent of its own making, which Node does not export: the class is
 * taken from the default agent, which `fetch` keeps under a documented symbol (undici, docs/api/GlobalInstallation). Where there is none (a test
 * runner's sandbox), the default agent is used, and a private CA is refused.
 */
import { TorikiError } from '../../errors.ts'

interface Agent {
  close(): Promise<void>
}
type AgentClass = new (options: {
  readonly connections: number
  readonly maxResponseSize: number
  readonly keepAliveTimeout: number
  readonly connect: { readonly timeout: number; readonly ca?: string }
}) => Agent

/** Realms with a thousand clients answer a few MiB. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024
const CONNECT_TIMEOUT_MS = 10_000
/** Shorter than what servers and proxies keep a silent connection for (Keycloak 60 s), so that a request does not run into its end. */
const KEEP_ALIVE_MS = 20_000

export interface Transport {
  /** To be spread into the options of `fetch`. A redirect is an answer, never followed: a token goes to no other place. */
  readonly options: { readonly redirect: 'manual'; readonly dispatcher?: Agent }
  close(): Promise<void>
}

export function openTransport({
  connections,
  ca,
}: {
  readonly connections: number
  readonly ca?: string | undefined
}): Transport {
  const AgentOfNode = agentClass()
  if (AgentOfNode === undefined) {
    if (ca !== undefined)
      throw new TorikiError('settings-invalid', {
        message: 'A private CA (components.keycloak.ca) cannot be used in this runtime.',
      })
    return { options: { redirect: 'manual' }, close: () => Promise.resolve() }
  }
  const agent = new AgentOfNode({
    connections,
    maxResponseSize: ANSWER_BYTES_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: { timeout: CONNECT_TIMEOUT_MS, ...(ca === undefined ? {} : { ca }) },
  })
  return { options: { redirect: 'manual', dispatcher: agent }, close: () => agent.close() }
}

function agentClass(): AgentClass | undefined {
  // Touching one of its classes makes Node load `fetch`, which sets the symbol.
  void globalThis.Headers.name
  const agent = (globalThis as Record<symbol, unknown>)[Symbol.for('undici.globalDispatcher.1')]
  const found = typeof agent === 'object' && agent !== null ? (agent.constructor as { name?: string }) : undefined
  return found?.name === 'Agent' ? (found as unknown as AgentClass) : undefined
}
