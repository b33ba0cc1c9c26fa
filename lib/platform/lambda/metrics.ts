/** Metrics of a function, in CloudWatch's embedded format: a line in the log that CloudWatch counts, so that no call is made and no right is needed. */
import { Metrics as EmbeddedMetrics } from '@aws-lambda-powertools/metrics'
import { metricUnits } from '../metrics.ts'
import type { Metrics } from '../metrics.ts'

const NAMESPACE = 'Toriki'

export function lambdaMetrics(deployment: string): Metrics {
  const metrics = new EmbeddedMetrics({ namespace: NAMESPACE })
  // Its own default dimension, the service, would make another metric of each.
  metrics.clearDefaultDimensions()
  metrics.setDefaultDimensions({ deployment })
  return {
    kept: true,
    add: (name, value) => void metrics.addMetric(name, metricUnits[name], value),
    flush() {
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics()
    },
  }
}
