import type { AdminRest } from '../servers/admin-rest.ts'
import { grant, has26, numbered, REALM, type Building, type Named } from './building.ts'

/** A group by the names on its way down, never by a joined path: a name may hold a slash. */
export interface GroupSeed {
  readonly path: readonly string[]
  readonly attributes?: Readonly<Record<string, readonly string[]>>
  /** From 26 on. */
  readonly description?: string
}

/** The groups that Nebari's installer makes. */
export const INSTALLER_GROUPS = ['superadmin', 'admin', 'developer', 'analyst', 'users'] as const
/** Every new person joins these, and so does every service account. */
export const DEFAULT_GROUPS = ['analyst', 'users'] as const

/** The groups that the admin added. Parents come before children. */
export function adminGroups(building: Pick<Building, 'large'>): GroupSeed[] {
  return [
    { path: ['projects'] },
    ...Array.from({ length: 15 }, (_, index) => ({
      path: ['projects', `p${index + 1}`],
      attributes: { number: [String(index + 1)] },
    })),
    { path: ['projects', 'p3', 'deep'], attributes: { tier: ['one', 'two'] } },
    { path: ['a'] },
    { path: ['a', 'x'], attributes: { side: ['left'] } },
    { path: ['b'] },
    { path: ['b', 'x'], attributes: { side: ['right'] } },
    { path: ['a/b'], attributes: { note: ['a slash in the name'] } },
    { path: ['Räte und Gäste'] },
    { path: ['described'], description: 'A group with a description: Größe ist alles' },
    { path: ['empty'] },
    { path: ['roles-only'] },
    ...(building.large ? numbered('large-group', 101).map((name) => ({ path: [name] })) : []),
  ]
}

/** Attributes the admin gave to a group of the installer. */
export const ADMIN_GROUP_PROFILES = ['Small Instance', 'GPU']

/** Roles that groups carry by the admin's hand, beside the installer's bindings. */
export const ADMIN_BINDINGS: readonly {
  readonly path: readonly string[]
  readonly realm?: readonly string[]
  readonly client?: Readonly<Record<string, readonly string[]>>
}[] = [
  { path: ['admin'], client: { 'lab-portal': ['viewer'] } },
  { path: ['projects', 'p3'], realm: ['realm-a'] },
  { path: ['developer'], client: { jupyterhub: ['my-perm'] } },
  { path: ['roles-only'], realm: ['realm-b'], client: { testapp: ['editor'] } },
]

/** Makes the admin's groups; roles must not be there yet. */
export async function buildGroups(building: Building): Promise<void> {
  const { rest } = building
  const ids = new Map<string, string>()
  for (const { path, attributes, description } of adminGroups(building)) {
    const parent = ids.get(JSON.stringify(path.slice(0, -1)))
    const body = {
      name: path.at(-1),
      ...(attributes === undefined ? {} : { attributes }),
      ...(description === undefined || !has26(building) ? {} : { description }),
    }
    const id = await rest.post(`/${REALM}/groups${parent === undefined ? '' : `/${parent}/children`}`, body)
    ids.set(JSON.stringify(path), idOf(id))
  }
  const admin = await findGroup(rest, ['admin'])
  await rest.put(`/${REALM}/groups/${admin}`, {
    name: 'admin',
    attributes: { jupyterlab_profiles: ADMIN_GROUP_PROFILES },
  })
}

/** Gives the admin's roles to groups; clients and roles must be there. */
export async function bindGroups(building: Building): Promise<void> {
  for (const { path, ...roles } of ADMIN_BINDINGS) {
    await grant(building.rest, `/groups/${await findGroup(building.rest, path)}`, roles)
  }
}

/** The id of a group, found name by name from the top. Throws when it is missing. */
export async function findGroup(rest: AdminRest, path: readonly string[]): Promise<string> {
  let id = ''
  for (const name of path) {
    const list: Named[] = await rest.get(
      id === '' ? `/${REALM}/groups?max=10000` : `/${REALM}/groups/${id}/children?max=10000`,
    )
    const group = list.find((one) => one.name === name)
    if (group === undefined) throw new Error(`The seed realm has no group ${JSON.stringify(path)}.`)
    id = group.id
  }
  return id
}

/** `POST …/children` answers with the child as JSON on some versions, with `Location` on others. */
const idOf = (answer: string | Named): string => (typeof answer === 'string' ? answer : answer.id)
