/** The component contract over real homes, once for each way into them that this machine has. */
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { filesComponent } from '../../lib/components/files/component.ts'
import { groundKinds, groundOf } from '../../lib/components/files/ground.ts'
import type { GroundKind } from '../../lib/components/files/ground.ts'
import { loadNative } from '../../lib/components/files/native.ts'
import { groupSlice, userSlice } from '../../lib/resources/slice.ts'
import { buildHome } from '../kit/homes/build-home.ts'
import { makeScratch } from '../kit/homes/scratch.ts'
import { describeComponent } from './component.ts'
import type { ComponentFixture } from './component.ts'

const settings = { home: 'home/{user}', group: 'shared/{group}', exclude: ['*.secret'], excludeDefaults: true }
const native = await loadNative()

for (const kind of groundKinds.filter(isHere)) describeComponent(`files by ${kind}`, () => openFixture(kind))

function isHere(kind: GroundKind): boolean {
  if (kind === 'path') return true
  if (kind === 'proc') return process.platform === 'linux'
  return native !== undefined && (kind === 'native' || native.hasOpenat2)
}

async function openFixture(kind: GroundKind): Promise<ComponentFixture> {
  const scratch = makeScratch()
  const root = join(scratch.path, 'root')
  const home = (name: string): string => join(root, 'home', name)
  await buildHome(home('ann'))
  // By path, a directory deeper than one call takes cannot be reached: there it is noted, and would make the two reads differ from the others'.
  if (kind === 'path') rmSync(home('ann/deep'), { recursive: true, force: true })
  for (const name of ['bob', 'shared']) mkdirSync(home(name), { recursive: true })
  writeFileSync(home('bob/notes.md'), 'notes')
  writeFileSync(home('bob/.bashrc'), 'left out')
  writeFileSync(home('bob/planted.secret'), 'planted-in-a-left-out-file')
  utimesSync(home('bob/notes.md'), 1_700_000_000, 1_700_000_000)
  const linked = join(scratch.path, 'linked')
  mkdirSync(join(linked, 'home'), { recursive: true })
  symlinkSync('/etc', join(linked, 'home', 'ann'))
  mkdirSync(join(root, 'shared', 'team'), { recursive: true })
  writeFileSync(join(root, 'shared', 'team', 'common.csv'), 'a,b\n')
  const ground = groundOf(kind, native)
  const open = (changed: Partial<typeof settings> & { root?: string }): Promise<ReturnType<typeof filesComponent>> =>
    Promise.resolve(filesComponent({ root, ...settings, ...changed }, { ground }))
  return {
    component: await open({}),
    members: ['user/ann', 'user/bob', 'group/team'],
    slices: [userSlice('ann'), userSlice('bob'), groupSlice('team')],
    absent: { slice: userSlice('zoe'), note: 'no-home' },
    planted: ['planted-in-a-left-out-file'],
    broken: [
      { what: 'the root is missing', open: () => open({ root: join(scratch.path, 'gone') }), code: 'root-missing' },
      {
        what: 'the root is an empty mount point',
        open: () => open({ root: emptyFolder(scratch.path) }),
        code: 'root-missing',
        slice: userSlice('bob'),
      },
      {
        what: 'the homes are behind a link',
        open: () => open({ root: linkedFolder(scratch.path, root) }),
        code: 'root-missing',
      },
      { what: 'the home is a link', open: () => open({ root: linked }), code: 'home-is-link', slice: userSlice('ann') },
      {
        what: 'the home is a file',
        open: () => open({ home: 'shared/team/{user}' }),
        code: 'home-not-directory',
        slice: userSlice('common.csv'),
      },
    ],
    changes: [
      {
        what: 'a file grows',
        slice: userSlice('bob'),
        make: () => Promise.resolve(appendFileSync(home('bob/notes.md'), ', more')),
        expected: { changed: { 'notes.md': ['content', 'mtime', 'size'] } },
      },
      {
        what: 'a file’s mode is changed',
        slice: userSlice('bob'),
        make: () => Promise.resolve(chmodSync(home('bob/notes.md'), 0o600)),
        expected: { changed: { 'notes.md': ['mode'] } },
      },
      {
        what: 'a file is renamed',
        slice: userSlice('bob'),
        make: () => Promise.resolve(renameSync(home('bob/notes.md'), home('bob/diary.md'))),
        expected: { added: ['diary.md'], removed: ['notes.md'], changed: { '.': ['mtime'] } },
      },
      {
        what: 'a file is removed from what is left out',
        slice: userSlice('bob'),
        make: () => Promise.resolve(unlinkSync(home('bob/.bashrc'))),
        expected: { changed: { '.': ['mtime'] } },
      },
    ],
    close: () => Promise.resolve(scratch.remove()),
  }
}

function emptyFolder(path: string): string {
  mkdirSync(join(path, 'empty'), { recursive: true })
  return join(path, 'empty')
}

function linkedFolder(path: string, root: string): string {
  const folder = emptyFolder(join(path, 'with-link'))
  rmSync(join(folder, 'home'), { force: true })
  symlinkSync(join(root, 'home'), join(folder, 'home'))
  return folder
}
