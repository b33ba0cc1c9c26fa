import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { keepAlarms } from '../../kit/acceptance/alarms.ts'
import { openBackupRole } from '../../kit/acceptance/backup-role.ts'
import { findBelow, findIn } from '../../kit/acceptance/find-planted.ts'
import { makeNebari, makeNebariWithKeycloak } from '../../kit/acceptance/nebari.ts'
import type { Report } from '../../kit/acceptance/nebari.ts'
import { startToriki } from '../../kit/acceptance/toriki-process.ts'
import { withStored } from '../../kit/acceptance/stored-snapshots.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { embeddedHost } from '../../../lib/embedded/worker-host.ts'
import type { Interception } from '../../../lib/embedded/demo/keycloak/server.ts'
import { userSlice } from '../../../lib/resources/slice.ts'
import { waitUntil } from '../../kit/servers/wait-until.ts'

const files = {
  name: 'planted-name-of-a-file-7f31',
  directory: 'planted-name-of-a-directory-9a02',
  odd: 'planted-name\nwith-a-newline-55c1',
  hardLink: 'planted-name-of-a-hard-link-18d4',
  content: 'planted-content-of-a-small-file-c0ffee',
  large: 'planted-content-of-a-large-file-facade',
  target: 'planted-target-of-a-link-0b5e55ed',
  homeTarget: 'planted-target-of-a-home-that-is-a-link-31337',
  shared: 'planted-content-of-a-shared-file-ba5eba11',
}
const people = {
  email: 'planted-address@example.org',
  attribute: 'planted-attribute-of-a-person-dec0de',
  setting: 'planted-setting-of-the-realm-5ca1ab1e',
  answer: 'planted-in-an-answer-of-a-broken-server-a11ce5',
  wrongSecret: 'planted-secret-that-keycloak-refuses-d15ea5e',
}

test('what is planted in files, file names, accounts, hashes, secrets and broken answers is nowhere in clear: store, queue file, logs, terminal, error output', async () => {
  let trouble: Interception | undefined
  const nebari = await makeNebariWithKeycloak({
    users: 8,
    change(settings) {
      settings.limits = { ...settings.limits, attempts: 1 }
    },
    intercept: ({ path }) => (/\/users\/[^/]+\/groups/.test(path) ? trouble : undefined),
  })
  const alarms = keepAlarms(nebari)
  const { keycloak } = nebari
  const [ann = '', ben = '', carla = ''] = nebari.users
  const home = nebari.home(ann)
  mkdirSync(join(home, files.directory))
  writeFileSync(join(home, files.directory, files.name), files.content)
  writeFileSync(join(home, files.odd), files.content)
  linkSync(join(home, files.odd), join(home, files.hardLink))
  writeFileSync(join(home, 'large.txt'), `${files.large}\n`.repeat(20_000))
  symlinkSync(`/somewhere/${files.target}`, join(home, 'link'))
  writeFileSync(join(nebari.root, 'shared/users/readme'), files.shared)
  rmSync(nebari.home(ben), { recursive: true })
  symlinkSync(`/other-disk/${files.homeTarget}`, nebari.home(ben))
  keycloak.change(carla, { email: people.email, attributes: { faculty: [people.attribute] } })
  keycloak.changeRealm({ displayNameHtml: people.setting })
  const planted = [...Object.values(files), ...Object.values(people), ...keycloak.plantedSecrets]

  // The search finds what is there to be found; where a link points to is no file's content.
  const { target: _, homeTarget: __, ...inFiles } = files
  expect(new Set(findBelow(nebari.root, planted).map((found) => found.planted))).toEqual(
    new Set(Object.values(inFiles)),
  )

  const printed: string[] = []
  const run = async (...words: string[]): Promise<number | NodeJS.Signals> => {
    const toriki = startToriki(nebari.settings, words, { leaseMs: 2_000, environment: { TORIKI_LOG: 'debug' } })
    const status = await toriki.ended
    printed.push(toriki.out(), toriki.err())
    return status
  }
  // It names the home that is a link.
  expect(await run('doctor')).toBe(1)
  expect(printed.join('')).toContain('link')
  expect(await run('backup')).toBe(3)
  trouble = { status: 500, body: JSON.stringify({ error: people.answer }) }
  expect(await run('--json', 'backup')).toBe(3)
  trouble = { status: 200, headers: { 'content-type': 'text/html' }, body: `<html>${people.answer}</html>` }
  expect(await run('backup', '--user', ann)).toBe(3)
  trouble = { status: 403, body: JSON.stringify({ error: people.answer }) }
  expect(await run('replay')).toBe(3)
  expect(await run('doctor')).not.toBe('SIGKILL')
  trouble = undefined
  writeFileSync(nebari.secretFile, people.wrongSecret)
  expect(await run('backup')).toBe(3)
  expect(await run('doctor')).toBe(1)
  expect(await run('backup', '--user', 'nobody')).toBe(2)
  writeFileSync(nebari.secretFile, keycloak.secret)
  keycloak.poison(carla)
  expect(await run('backup')).toBe(3)
  for (const words of [['status'], ['--json', 'status'], ['runs'], ['users'], ['snapshots', '--user', ann]])
    await run(...words)
  // The keyring of another deployment: an error with its cause.
  nebari.configure((settings) => {
    settings.deployment = 'another'
  })
  expect(await run('backup')).toBe(1)

  expect(alarms().length).toBeGreaterThan(3)
  expect(printed.join('').length).toBeGreaterThan(3_000)
  expect([
    ...findBelow(nebari.store, planted),
    ...findBelow(nebari.queue, planted),
    ...findIn('alarms', JSON.stringify(alarms()), planted),
    ...printed.flatMap((text) => findIn(`what was printed: ${text.slice(0, 80)}`, text, planted)),
  ]).toEqual([])
})

test('names of people stand in no object, no key and no log', async () => {
  const user = 'somebody-with-a-rare-name-4711'
  const nebari = await makeNebari({
    users: 0,
    homes(root) {
      mkdirSync(join(root, 'home', user), { recursive: true })
      mkdirSync(join(root, 'home', 'poisoned'))
      rmSync(join(root, 'home', 'poisoned'), { recursive: true })
      symlinkSync('/nowhere', join(root, 'home', `${user}-poisoned`))
      return [user]
    },
  })
  const toriki = startToriki(nebari.settings, ['backup', '--json'], {
    leaseMs: 2_000,
    environment: { TORIKI_LOG: 'debug' },
  })
  expect(await toriki.ended).toBe(3)
  expect(toriki.err()).toContain('home-is-link')
  const logged = toriki
    .err()
    .split('\n')
    .filter((line) => line.startsWith('{'))
  expect([...findBelow(nebari.store, [user]), ...findIn('the log', logged.join('\n'), [user])]).toEqual([])
})

test('with all that the backup role holds, a backup is made and gone on with, and no content opens, neither a file’s nor a secret', async () => {
  const nebari = await makeNebariWithKeycloak({ users: 5 })
  const [ann = ''] = nebari.users
  writeFileSync(join(nebari.home(ann), 'small.txt'), files.content)
  writeFileSync(join(nebari.home(ann), 'large.txt'), `${files.large}\n`.repeat(20_000))
  const role = await openBackupRole(nebari.settings)
  try {
    const workers = await embeddedHost({ leaseMs: 2_000 }).startWorkers(role.service)
    for (const night of [1, 2]) {
      const { run } = await startRun(role.service, {}, { signal: new AbortController().signal })
      const ended = await waitUntil(
        `night ${night} ends`,
        async () => {
          const report = await nebari.json<Report>('status', run)
          return report.open ? undefined : report
        },
        { timeoutMs: 60_000 },
      )
      expect(ended).toMatchObject({ outcome: 'complete', slices: { total: 9, saved: 9 } })
      writeFileSync(join(nebari.home(ann), 'small.txt'), `${files.content} again`)
    }
    await workers.stop()
    expect([...role.unwrapped.keys()].sort()).toEqual(['deployment', 'tree'])

    const { repository } = role.service
    const slice = await repository.openSlice(userSlice(ann).name, { access: 'write' })
    const tried = { contents: 0, secrets: 0 }
    for await (const snapshot of slice.snapshots()) {
      for (const component of Object.keys(snapshot.components)) {
        for await (const resource of slice.resources(snapshot, component)) {
          for (const [sort, references] of [
            ['contents', resource.content === undefined ? [] : [resource.content]],
            ['secrets', Object.values(resource.secrets)],
          ] as const) {
            for (const reference of references) {
              if (reference.sizeBytes === 0) continue
              await expect(slice.content(reference)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
                code: 'content-locked',
              })
              tried[sort]++
            }
          }
        }
      }
    }
    expect(tried.contents).toBeGreaterThan(10)
    expect(tried.secrets).toBeGreaterThan(0)
    // Nor does asking for the right help.
    await expect(repository.openSlice(userSlice(ann).name, { access: 'read-content' })).rejects.toMatchObject({
      code: 'key-unusable',
    })
  } finally {
    await role.close()
  }
  // With the keyring it opens.
  await withStored(nebari.settings, async (repository) => {
    expect(await repository.openSlice(userSlice(ann).name, { access: 'read-content' })).toBeDefined()
  })
  expect((await nebari.toriki(['cat', 'latest', 'files', 'small.txt', '--user', ann, '--content'])).out).toBe(
    `${files.content} again`,
  )
})
