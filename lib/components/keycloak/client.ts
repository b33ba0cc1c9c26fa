/**
 * The one way to ask Keycloak: `@keycloak/keycloak-admin-client` under our own token, time-out, caps, retries and checks of the answer. Reads only; reused
 * over messages.
 *
 * Promises: an answer is what its schema says or an error is thrown; nothing is asked without a slot and the rate's leave; what may pass by itself is tried
 * again with full jitter; a redirect is never followed; an aborted signal ends a request under way.
 */
import KeycloakAdminClient from '@keycloak/keycloak-admin-client'
import pLimit from 'p-limit'
import type { LimitFunction } from 'p-limit'
import type * as z from 'zod'
import { isTorikiError, TorikiError } from '../../errors.ts'
import type { Clock } from '../../platform/clock.ts'
import { Rate } from '../../platform/rate.ts'
import type { Random } from '../../platform/random.ts'
import { retrying } from '../../platform/retry.ts'
import type { KeycloakSettings } from '../../settings.ts'
import { keycloakFailure } from './failure.ts'
import { RequestDeadlines } from './request-deadlines.ts'
import type { Right } from './right.ts'
import { stopIfAborted } from './stop.ts'
import { TokenSource } from './token.ts'
import { openTransport } from './transport.ts'
import type { Transport } from './transport.ts'

/** One read: what it needs, how it is asked, what it answers. */
export interface Reading<T> {
  readonly right: Right
  readonly schema: z.ZodType<T>
  readonly request: (admin: KeycloakAdminClient) => Promise<unknown>
  /** Never asked twice when the first may have been heard: whoever asks looks what came of it. */
  readonly once?: boolean
}

/** Requests at once: 8 to 16 are as fast as a Keycloak on two cores gets (reference: rates by width). */
const REQUESTS_AT_ONCE = 16
/** The slowest read seen, 121 clients on a cold cache, took 2.5 s. */
const REQUEST_TIMEOUT_MS = 60_000
/** Requests begun within this time share a time-out, so one may take this much longer. */
const SHARED_TIMEOUT_MS = 5_000
/** An error of the server's own or a silent connection is asked about so often; "please wait" as often as the house allows. */
const FAILED_TRIES_MAX = 3

export class KeycloakClient {
  readonly settings: KeycloakSettings
  readonly token: TokenSource
  readonly #clock: Clock
  readonly #random: Random
  readonly #transport: Transport
  readonly #rate: Rate
  readonly #slots: LimitFunction
  readonly #deadlines: RequestDeadlines
  readonly #admins = new WeakMap<AbortSignal, KeycloakAdminClient>()
  #requests = 0

  constructor(settings: KeycloakSettings, { clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.settings = settings
    this.#clock = clock
    this.#random = random
    this.#transport = openTransport({ connections: REQUESTS_AT_ONCE, ca: settings.ca })
    this.token = new TokenSource(settings, { clock, transport: this.#transport })
    this.#rate = new Rate(clock, {
      perSecond: settings.requestsPerSecond,
      burst: Math.max(REQUESTS_AT_ONCE, settings.requestsPerSecond / 10),
    })
    this.#slots = pLimit(REQUESTS_AT_ONCE)
    this.#deadlines = new RequestDeadlines({ clock, timeoutMs: REQUEST_TIMEOUT_MS, sharedMs: SHARED_TIMEOUT_MS })
  }

  /** Requests sent so far, for tests and benchmarks. */
  get requests(): number {
    return this.#requests
  }

  /**
   * The answer. @throws TorikiError `source-unexpected` when there is no such thing (404), or the answer is not what it should be; `source-rights`,
   * `source-credentials`, `source-unreachable`, `source-busy`, `source-failed`; `deadline` or `interrupted` when `signal` is aborted.
   */
  async read<T>(reading: Reading<T>, signal: AbortSignal): Promise<T> {
    const found = await this.find(reading, signal)
    if (found === undefined)
      throw new TorikiError('source-unexpected', {
        message: 'The source does not know a call that Keycloak has, or what it itself named a moment ago.',
        ids: { status: 404 },
      })
    return found
  }

  /** As `read`; `undefined` where there is no such thing. */
  async find<T>(reading: Reading<T>, signal: AbortSignal): Promise<T | undefined> {
    try {
      return await retrying((tries) => this.#try(reading, signal, tries), {
        clock: this.#clock,
        random: this.#random,
        signal,
      })
    } catch (error) {
      stopIfAborted(signal)
      throw afterRetries(error)
    }
  }

  async close(): Promise<void> {
    await this.#transport.close()
  }

  async #try<T>(reading: Reading<T>, signal: AbortSignal, tries: number): Promise<T | undefined> {
    return this.#slots(async () => {
      stopIfAborted(signal)
      await this.#rate.take(1, signal)
      try {
        return await this.#ask(reading, signal)
      } catch (error) {
        stopIfAborted(signal)
        const failure = keycloakFailure(error, reading.right)
        // Not one of logging in, where 404 means another thing.
        if (failure !== error && failure.ids['status'] === 404) return undefined
        // A token may be refused before its time (the server restarted, its keys were changed): once, a new one is tried.
        if (failure.code === 'source-credentials' && error !== failure && tries === 1) {
          this.token.forget()
          throw withRetry(failure, 'now')
        }
        if (reading.once === true && failure.retry === 'now' && failure.ids['status'] !== 429)
          throw withRetry(failure, 'later')
        throw tries >= FAILED_TRIES_MAX && failure.code !== 'source-busy' && failure.retry === 'now'
          ? withRetry(failure, 'later')
          : failure
      }
    })
  }

  async #ask<T>({ schema, request }: Reading<T>, signal: AbortSignal): Promise<T | undefined> {
    this.#requests++
    const answer = await request(this.#admin(signal))
    // The library answers some 404 with null or undefined instead of an error.
    return answer === null || answer === undefined ? undefined : schema.parse(answer)
  }

  #admin(signal: AbortSignal): KeycloakAdminClient {
    let admin = this.#admins.get(signal)
    if (admin === undefined) {
      admin = new AbortableAdminClient(this.settings, this.#transport, this.#deadlines, signal)
      admin.registerTokenProvider({ getAccessToken: () => this.token.get() })
      this.#admins.set(signal, admin)
    }
    return admin
  }
}

/** The library with our connections, and with a signal beside the time-out: its own `timeout` would put the signal aside. */
class AbortableAdminClient extends KeycloakAdminClient {
  readonly #transport: Transport
  readonly #deadlines: RequestDeadlines
  readonly #signal: AbortSignal

  constructor(
    { url, realm }: KeycloakSettings,
    transport: Transport,
    deadlines: RequestDeadlines,
    signal: AbortSignal,
  ) {
    super({ baseUrl: url, realmName: realm })
    this.#transport = transport
    this.#deadlines = deadlines
    this.#signal = signal
  }

  /** Asked once per request. */
  override getRequestOptions(): ReturnType<KeycloakAdminClient['getRequestOptions']> {
    const signal = AbortSignal.any([this.#signal, this.#deadlines.next()])
    return { ...this.#transport.options, signal } as object
  }
}

/** Tried enough here: from now on it is the queue's to try again. */
function afterRetries(error: unknown): unknown {
  return isTorikiError(error) && error.retry === 'now' ? withRetry(error, 'later') : error
}

function withRetry(
  { code, message, remedy, ids, retryAfterMs, cause }: TorikiError,
  retry: 'now' | 'later',
): TorikiError {
  return new TorikiError(code, {
    message,
    remedy,
    retry,
    ids,
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}
