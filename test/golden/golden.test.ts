/** What version 1 wrote is read for ever: see README.md. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { checkAll } from '../../lib/maintenance/check.ts'
import { openDeployment } from '../../lib/repository/deployment-repository.ts'
import { goldenFolder, goldenObjects, goldenRepository } from '../kit/golden-repository.ts'
import { goldenHome, readGoldenHome } from '../kit/golden-person.ts'
import { restoreGolden } from '../kit/restore-golden.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { manifestOf } from './golden-manifest.ts'

const DIGEST = 'c8cc291d32f3d5c71447cc2f0b901b51a7657f3657c4fa40d08aa043ff3e102e'

describe('the golden repository of version 1', () => {
  test('is the one that was made once', () => {
    const digest = createHash('sha256')
    for (const path of [...goldenObjects().map(([, path]) => path), join(goldenFolder, 'keyring'), join(goldenFolder, 'manifest.json')])
      digest.update(`${relative(goldenFolder, path)} ${createHash('sha256').update(readFileSync(path)).digest('hex')}\n`)
    expect(digest.digest('hex')).toBe(DIGEST)
  })

  test('opens, and gives back everything as it was', async () => {
    const { platform } = await goldenRepository()
    const manifest = JSON.parse(readFileSync(join(goldenFolder, 'manifest.json'), 'utf8')) as unknown
    expect(await manifestOf(platform)).toEqual(manifest)
  })

  test('is restored whole: every kind of file', async () => {
    const { platform } = await goldenRepository()
    const root = await temporaryFolder()
    mkdirSync(join(root, 'home'))
    const restored = await restoreGolden(platform, root)
    expect(restored.step).toEqual({ step: 'verified' })
    expect(await readGoldenHome(root)).toEqual(goldenHome(new Set(restored.cannot)))
    // Sockets are never made; device nodes only by root. Everybody else may not give files away either.
    expect(restored.cannot.length).toBeLessThanOrEqual(2)
  })

  test('is sound to the last byte', async () => {
    const { platform } = await goldenRepository()
    const repository = await openDeployment(platform, { name: 'campus' })
    const found = []
    const { signal } = new AbortController()
    for await (const one of checkAll({ platform, repository }, { readPercent: 100, signal })) found.push(one)
    expect(found.map(({ slice = 'deployment', generation }) => `${slice} ${generation}`).sort()).toEqual(['deployment 1', 'shared 1', 'user/ann 1', 'user/bob 1', 'user/bob 2'])
    expect(found.flatMap(({ damage }) => damage)).toEqual([])
  })
})
