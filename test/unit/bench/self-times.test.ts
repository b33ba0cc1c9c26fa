import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { selfTimes } from '../../bench/where/self-times.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

test('times are added up over profiles, by file or function, and waiting is no work', async () => {
  const folder = await temporaryFolder()
  const frame = (id: number, functionName: string, url: string): object => ({ id, callFrame: { functionName, url } })
  const nodes = [
    frame(1, 'seal', 'file:///somewhere/lib/repository/seal.ts'),
    frame(2, 'open', 'file:///somewhere/lib/repository/seal.ts'),
    frame(3, '(idle)', ''),
    frame(4, 'resolve', 'node:internal/modules/esm/resolve'),
  ]
  for (const name of ['one', 'two'])
    writeFileSync(
      join(folder, `${name}.cpuprofile`),
      JSON.stringify({ nodes, samples: [1, 2, 3, 4], timeDeltas: [2000, 1000, 9000, 500] }),
    )
  expect(selfTimes(folder, 'file')).toEqual([
    { place: 'lib/repository/seal.ts', ms: 6 },
    { place: 'starting: modules and their TypeScript', ms: 1 },
  ])
  expect(selfTimes(folder, 'function')[0]).toEqual({ place: 'lib/repository/seal.ts seal', ms: 4 })
})
