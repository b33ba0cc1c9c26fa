import { describe, expect, test } from '@jest/globals'
import { parseScheduleTrigger } from '../../../lib/backup/schedule-trigger.ts'

// The envelopes as AWS documents them: a rule's event, and the Scheduler's when no input is set.
const rule = {
  version: '0',
  id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: '123456789012',
  time: '2026-11-21T02:00:00Z',
  region: 'eu-central-1',
  resources: ['arn:aws:events:eu-central-1:123456789012:rule/nightly'],
  detail: {},
}
const scheduler = { ...rule, source: 'aws.scheduler', detail: '{}' }

describe('what starts a backup', () => {
  test('{} means everything, once per invocation', () => {
    expect(parseScheduleTrigger({}, 'request-1')).toEqual({ invocation: 'request-1', dryRun: false })
  })

  test.each([
    ['a rule', rule],
    ['the Scheduler', scheduler],
  ])('an event of %s means everything, at the time it meant', (_title, event) => {
    expect(parseScheduleTrigger(event, 'request-1')).toEqual({
      intendedAt: new Date('2026-11-21T02:00:00Z'),
      dryRun: false,
    })
  })

  test('known fields narrow it', () => {
    const fields = { users: ['ann'], groups: [], shared: true, components: ['keycloak'] }
    expect(parseScheduleTrigger({ ...fields, dryRun: true }, 'r')).toEqual({
      invocation: 'r',
      dryRun: true,
      selection: fields,
    })
  })

  test.each<[string, unknown, string]>([
    ["the console's sample event", { key1: 'value1', key2: 'value2', key3: 'value3' }, 'key1'],
    ['a misspelt field', { user: ['ann'] }, 'user'],
    ['a wrong type', { users: 'ann' }, 'users'],
    ['an unknown component', { components: ['keyclock'] }, 'components.0'],
    ['an event of something else', { ...rule, 'detail-type': 'EC2 Instance State-change Notification' }, 'version'],
    ['an S3 event', { Records: [] }, 'Records'],
    ['a list', [], 'object'],
    ['nothing', null, 'object'],
    ['a text', 'all', 'object'],
  ])('%s is refused, and the refusal names the field', (_title, input, named) => {
    expect(() => parseScheduleTrigger(input, 'r')).toThrow(
      expect.objectContaining({ code: 'message-invalid', message: expect.stringContaining(named) }),
    )
  })
})
