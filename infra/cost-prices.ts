/**
 * What AWS asks, in US dollars without tax, without free tiers and without agreements of one's own. Copied by hand from what AWS publishes
 * (aws.amazon.com/…/pricing) and others repeat, not read from its price service: an estimate and nothing more. Look there before a decision.
 */

export const prices = {
  region: 'us-east-1',
  asOf: 'mid 2026',
  source: "AWS's public price list",
  /** Per GiB and month, S3 Standard, the first tier. */
  storageGib: 0.023,
  /** Per 1,000: PUT and LIST; GET. */
  put1000: 0.005,
  get1000: 0.0004,
  /** Lambda on arm64, per GiB-second, and per million calls. */
  lambdaGibSecond: 0.0000133334,
  lambdaMillion: 0.2,
  /** KMS, per key and month, and per 10,000 requests. */
  kmsKey: 1,
  kms10000: 0.03,
  /** SQS standard queues, per million requests. */
  sqsMillion: 0.4,
  /** CloudWatch: per GiB of log taken in; per metric, alarm and dashboard, each a month. */
  logGib: 0.5,
  metric: 0.3,
  alarm: 0.1,
  dashboard: 3,
  /** Secrets Manager, per secret and month. */
  secret: 0.4,
  /** Per hour and per GiB: a NAT gateway; an interface endpoint in one zone. */
  natHour: 0.045,
  natGib: 0.045,
  endpointHour: 0.01,
  endpointGib: 0.01,
} as const

export type Prices = { readonly [name in keyof typeof prices]: (typeof prices)[name] extends number ? number : string }
