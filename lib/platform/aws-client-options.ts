/** How every client of a supplier's SDK is made: where it asks, how long it waits, and that it tries once, since the retry of this house stands around each driver. */

export interface AwsPlace {
  /** Absent: what the machine or the function says (AWS_REGION, a profile); with an `endpoint` what that says, else, where it means nothing, `us-east-1`. */
  readonly region?: string
  /** A server that is not AWS's, such as `https://s3.example.org`. */
  readonly endpoint?: string
  /** Absent: what the machine or the function has (environment, profile, role). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** Absent: the times below. */
  readonly timeouts?: { readonly connectionMs: number; readonly idleMs: number }
}

/** A server that does not take a connection for so long is not there. */
const CONNECTION_MS = 5_000
/** A connection on which nothing moves for so long is dead. Longer than SQS's long poll, after which an answer must come. */
const IDLE_MS = 40_000
/** Connections of one client at once: a driver that may be asked for more lets the others wait. */
export const CONNECTIONS_MAX = 64
/** On-premises servers ignore it, but a signature must name one. */
const REGION_OF_NOBODY = 'us-east-1'

export interface AwsClientOptions {
  readonly maxAttempts: 1
  readonly region?: string
  readonly endpoint?: string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly requestHandler: {
    readonly connectionTimeout: number
    readonly socketTimeout: number
    readonly httpAgent: { readonly keepAlive: true; readonly maxSockets: number }
    readonly httpsAgent: { readonly keepAlive: true; readonly maxSockets: number }
    readonly socketAcquisitionWarningTimeout: number
  }
}

export function awsClientOptions({ region, endpoint, credentials, timeouts }: AwsPlace): AwsClientOptions {
  const agent = { keepAlive: true, maxSockets: CONNECTIONS_MAX } as const
  const named = region ?? (endpoint === undefined ? undefined : (regionOfEndpoint(endpoint) ?? REGION_OF_NOBODY))
  return {
    maxAttempts: 1,
    ...(named === undefined ? {} : { region: named }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    requestHandler: {
      connectionTimeout: timeouts?.connectionMs ?? CONNECTION_MS,
      socketTimeout: timeouts?.idleMs ?? IDLE_MS,
      httpAgent: agent,
      httpsAgent: agent,
      // The SDK would print a warning on the console; waiting for a connection is what the bound is for.
      socketAcquisitionWarningTimeout: 3_600_000,
    },
  }
}

/** The region that an address of AWS names (`s3.eu-central-1.amazonaws.com`, an interface endpoint of a network); `undefined` for anybody else's. */
export function regionOfEndpoint(endpoint: string): string | undefined {
  return /(?:^|\.)([a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})(?:\.vpce)?\.amazonaws\.com(?:\.cn)?$/.exec(
    new URL(endpoint).hostname,
  )?.[1]
}

/** Where a place is, for a sentence: an endpoint, or a region of AWS. */
export function describePlace({ endpoint, region }: AwsPlace): string {
  return endpoint ?? (region === undefined ? 'AWS' : `AWS ${region}`)
}
