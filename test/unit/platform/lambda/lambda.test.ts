/** Log and metrics of a function, as they come out of its process. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { lambdaLog } from '../../../../lib/platform/lambda/log.ts'
import { lambdaMetrics } from '../../../../lib/platform/lambda/metrics.ts'

let lines: Record<string, unknown>[]

beforeEach(() => {
  lines = []
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    for (const line of String(text).split('\n'))
      if (line !== '') lines.push(JSON.parse(line) as Record<string, unknown>)
    return true
  })
})
afterEach(() => {
  jest.restoreAllMocks()
})

describe('the log of a function', () => {
  test('is a line of JSON with the event, its fields and the invocation', () => {
    const log = lambdaLog()
    log.invoked({ awsRequestId: 'request-1', functionName: 'toriki-campus-settle-run' })
    log.write('info', 'run-ended', { run: 'r', saved: 3, message: 'm-1', code: undefined })
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'INFO',
        message: 'run-ended',
        service: 'toriki',
        run: 'r',
        saved: 3,
        messageId: 'm-1',
        function_request_id: 'request-1',
        function_name: 'toriki-campus-settle-run',
        cold_start: expect.any(Boolean),
      }),
    ])
    log.invoked({ awsRequestId: 'request-2' })
    log.write('info', 'run-ended')
    expect(lines[1]).toMatchObject({ function_request_id: 'request-2' })
    expect(lines[1]).not.toHaveProperty('run')
  })

  test('leaves out what is below its level', () => {
    lambdaLog().write('debug', 'quiet')
    lambdaLog('warn').write('info', 'quiet')
    lambdaLog('debug').write('debug', 'asked for')
    expect(lines).toMatchObject([{ level: 'DEBUG', message: 'asked for' }])
  })
})

describe('the metrics of a function', () => {
  test('are one line in CloudWatch’s embedded format, with the deployment alone as dimension', () => {
    const metrics = lambdaMetrics('campus')
    metrics.add('SlicesSaved', 12)
    metrics.add('GoodBackupAgeMaxSeconds', 3600)
    metrics.flush()
    expect(lines).toEqual([
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            {
              Namespace: 'Toriki',
              Dimensions: [['deployment']],
              Metrics: [
                { Name: 'SlicesSaved', Unit: 'Count' },
                { Name: 'GoodBackupAgeMaxSeconds', Unit: 'Seconds' },
              ],
            },
          ],
        },
        deployment: 'campus',
        SlicesSaved: 12,
        GoodBackupAgeMaxSeconds: 3600,
      },
    ])
  })

  test('are handed over once, keep their dimension, and say nothing when there is nothing', () => {
    const metrics = lambdaMetrics('campus')
    metrics.add('DeadLetters', 1)
    metrics.add('DeadLetters', 1)
    metrics.flush()
    metrics.flush()
    metrics.add('RunRefused', 1)
    metrics.flush()
    expect(lines).toMatchObject([
      { DeadLetters: [1, 1], deployment: 'campus' },
      { RunRefused: 1, deployment: 'campus' },
    ])
    expect(lines[1]).not.toHaveProperty('DeadLetters')
  })
})
