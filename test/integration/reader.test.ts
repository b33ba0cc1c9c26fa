/** An independent reader, in another language and written from docs/format.md alone, restores what we store. */
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { runReport } from '../../lib/backup/run-report.ts'
import type { Service } from '../../lib/backup/service.ts'
import { startRun } from '../../lib/backup/start-run.ts'
import { filesComponent } from '../../lib/components/files/component.ts'
import { createDeployment } from '../../lib/repository/deployment-repository.ts'
import type { Platform } from '../../lib/platform/platform.ts'
import { toriki } from '../kit/command-line.ts'
import { drainQueues } from '../kit/drain-queues.ts'
import { FakeClock } from '../kit/fake-clock.ts'
import { goldenHome, goldenResources, readGoldenHome } from '../kit/golden-person.ts'
import { mutateBytes, mutateJson, oneOf } from '../kit/fuzz/mutate.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { copyGolden, goldenObjects } from '../kit/golden-repository.ts'
import { buildHome } from '../kit/homes/build-home.ts'
import { localPlatform } from '../kit/memory-platform.ts'
import { ensureRsync } from '../kit/servers/install.ts'
import { runToEnd } from '../kit/servers/owned-process.ts'
import { runReader } from '../kit/servers/python-reader.ts'
import { backUp, manyFiles } from '../kit/slice-source.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

let folder = ''
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(async () => void (await runToEnd('rm', ['-rf', folder])))

describe('the independent reader', () => {
  test('restores a home with every kind of entry as it was, and an older night of it', async () => {
    const root = join(folder, 'nebari')
    const home = join(root, 'home/ann')
    mkdirSync(join(root, 'home'), { recursive: true })
    await buildHome(home)
    // Paths longer than any call takes are nothing for rsync, nor for this reader; sockets and device nodes it does not make.
    await runToEnd('rm', ['-rf', join(home, 'deep'), join(home, 'special')])
    writeFileSync(join(home, 'long.bin'), Buffer.alloc(30 * 1024 * 1024, 'toriki'))
    const settings = join(folder, 'toriki.yaml')
    await toriki(settings, ['init', '--deployment', 'campus', '--files-root', root])
    expect(await toriki(settings, ['--json', 'backup'])).toMatchObject({ status: 0 })
    const place = { store: join(folder, 'toriki-data'), keyring: join(folder, 'toriki-keyring'), slice: 'user/ann' }
    const first = join(folder, 'first')
    await runReader({ ...place, out: first })
    await ensureRsync()
    const compare = ['-aHAXn', '--checksum', '--delete', '--itemize-changes']
    expect(await runToEnd('rsync', [...compare, `${home}/`, `${first}/files/`])).toBe('')
    for (let at = 0; at < 1_000; at++) writeFileSync(join(home, `new-${at}`), `${at}`)
    expect(await toriki(settings, ['--json', 'backup'])).toMatchObject({ status: 0 })
    const ids = (await runReader(place)).trim().split('\n')
    expect(ids).toHaveLength(2)
    await runReader({ ...place, out: join(folder, 'second') })
    expect(await runToEnd('rsync', [...compare, `${home}/`, `${join(folder, 'second')}/files/`])).toBe('')
    await runReader({ ...place, snapshot: ids[1] ?? '', out: join(folder, 'again') })
    expect(await runToEnd('rsync', [...compare, `${first}/files/`, `${join(folder, 'again')}/files/`])).toBe('')
  }, 300_000)

  test('restores the golden repository', async () => {
    const golden = join(folder, 'golden')
    mkdirSync(golden)
    const place = { ...copyGolden(golden), slice: 'user/ann' }
    expect((await runReader(place)).trim().split('\n')).toHaveLength(3)
    const out = join(golden, 'out')
    await runReader({ ...place, out })
    mkdirSync(join(golden, 'home'))
    renameSync(join(out, 'files'), join(golden, 'home/ann'))
    expect(await readGoldenHome(golden)).toEqual(goldenHome())
    const account = goldenResources('keycloak')['user/ann']
    expect(JSON.parse(readFileSync(join(out, 'keycloak.json'), 'utf8'))).toEqual({ 'user/ann': account })
  })

  test('says what is damaged, whatever was done to the golden repository, and shows no trace of itself', async () => {
    const random = seededRandom('reader')
    for (let seed = 0; seed < 12; seed++) {
      const damaged = join(folder, `damaged-${seed}`)
      mkdirSync(damaged)
      const place = { ...copyGolden(damaged), slice: 'user/ann' }
      const keys = goldenObjects()
        .map(([key]) => key)
        .filter((key) => !/^(runs|restores)/.test(key))
      for (let hits = 0; hits < 3; hits++) {
        const key = oneOf(random, keys)
        const path = join(place.store, key)
        if (!existsSync(path)) continue
        if (hits === 0) rmSync(path)
        // What is JSON in clear may be anybody's.
        else if (/^(deployment|keys\/.*)\/\d+$/.test(key)) writeFileSync(path, mutateJson(random, readFileSync(path)))
        else writeFileSync(path, mutateBytes(random, readFileSync(path)))
      }
      const said = await runReader({ ...place, out: join(damaged, 'out') }).catch((error: unknown) => String(error))
      expect(said).not.toContain('Traceback')
    }
  }, 120_000)

  test('restores a home that several functions read, each a range of it, as one alone had stored it', async () => {
    const place = join(folder, 'ranged')
    const home = join(place, 'nebari/home/ann')
    mkdirSync(join(home, 'first'), { recursive: true })
    writeFileSync(join(home, 'first/linked'), 'one file of three names')
    for (let at = 0; at < 30; at++) {
      mkdirSync(join(home, `folder-${at}`))
      for (let file = 0; file < 40; file++) writeFileSync(join(home, `folder-${at}/file-${file}`), `${at} ${file}`)
      if (at % 15 === 0) linkSync(join(home, 'first/linked'), join(home, `folder-${at}/linked`))
    }
    writeFileSync(join(home, 'folder-7/long.bin'), Buffer.alloc(20 * 1024 * 1024, 'toriki'))
    const clock = new FakeClock()
    const platform = await localPlatform(place, { clock })
    const components = [
      filesComponent({ root: join(place, 'nebari'), home: 'home/{user}', exclude: [], excludeDefaults: true }),
    ]
    const service: Service = {
      platform,
      repository: await createDeployment(platform, { name: 'campus', settings: {} }),
      components,
      limits: { parallel: 2, attempts: 3, shrink: 0.2, visibilityMs: 60_000 },
      alarm: () => Promise.resolve(),
      metrics: { kept: false, add: () => undefined, flush: () => undefined },
    }
    const roots: unknown[] = []
    for (const msPerResource of [0, 100]) {
      const night = { ...service, readingPace: { msPerResource, bytesPerSecond: 1e12 } }
      const { run } = await startRun(night, {}, { signal: new AbortController().signal })
      const deliveries = await drainQueues(night, clock, { invocation: { getRemainingTimeInMillis: () => 100_000 } })
      expect(await runReport(night, run)).toMatchObject({ outcome: 'complete' })
      const ann = await night.repository.openSlice('user/ann', { access: 'read-trees' })
      roots.push((await ann?.latest('files'))?.components['files']?.root)
      // A message for each range, one that divides and one that joins.
      expect(deliveries > 4).toBe(msPerResource > 0)
      await clock.advance(86_400_000)
    }
    expect(roots[1]).toBe(roots[0])
    await platform.close()
    const out = join(place, 'out')
    await runReader({ store: join(place, 'store'), keyring: join(place, 'keyring'), slice: 'user/ann', out })
    await ensureRsync()
    const compare = ['-aHAXn', '--checksum', '--delete', '--itemize-changes']
    expect(await runToEnd('rsync', [...compare, `${home}/`, `${out}/files/`])).toBe('')
  }, 120_000)

  test('opens bodies, secrets and contents, in snapshot objects and in packs', async () => {
    const local = join(folder, 'local')
    mkdirSync(local)
    const platform: Platform = await localPlatform(local)
    const deployment = await createDeployment(platform, { name: 'campus', settings: {} })
    const ann = await deployment.openSlice('user/ann', { access: 'write' })
    const people = {
      'user/ann': { state: 'enabled', kept: 'id-1', secret: 'hash' },
      long: { state: 'x'.repeat(9_000) },
    }
    await backUp(ann, 'run-1', { keycloak: people, jupyterhub: manyFiles(1_200) })
    await platform.close()
    const out = join(folder, 'account')
    await runReader({ store: join(local, 'store'), keyring: join(local, 'keyring'), slice: 'user/ann', out })
    const read = (component: string): Record<string, unknown> =>
      JSON.parse(readFileSync(join(out, `${component}.json`), 'utf8')) as Record<string, unknown>
    expect(read('keycloak')).toEqual({
      'entry/user/ann': { state: { value: 'enabled' }, kept: { id: 'id-1' }, secrets: { password: 'hash' } },
      'entry/long': { state: { value: 'x'.repeat(9_000) }, kept: {}, secrets: {} },
    })
    expect(Object.keys(read('jupyterhub'))).toHaveLength(1_200)
  }, 120_000)
})
