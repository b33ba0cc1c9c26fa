import { expect, test } from '@jest/globals'
import { timeOfSnapshotId } from '../../../../lib/cli/restore/snapshot-time.ts'

test('the time of a snapshot is read from its name, and another name stays as it is', () => {
  expect(timeOfSnapshotId('20261121T020005123Z-full-519931405b.1')).toBe('2026-11-21 02:00:05')
  expect(timeOfSnapshotId('something')).toBe('something')
})
