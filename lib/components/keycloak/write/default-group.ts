/** Which groups whoever is new joins. */
import { notTaken, sendWell } from './send.ts'
import type { Write } from './send.ts'
import { sharedWriter } from './shared-writing.ts'
import type { SharedWriting } from './shared-writing.ts'
import { groupName } from './target.ts'
import type { Work } from './work.ts'

const writing: SharedWriting = {
  kind: 'default-group',
  fit: () => ({ state: {}, lost: [] }),
  references: (_state, segments) => ({ groups: [segments], realmRoles: [], clientRoles: {} }),
  // Everybody who comes then has what it has.
  grants: (_state, segments) => ({ groups: [segments], realmRoles: [], clientRoles: {} }),
  half: () => ({}),
  make: async (work, { segments }) => await write(work, 'PUT', segments),
  update: () => Promise.resolve('whole'),

  async remove(work, segments) {
    await write(work, 'DELETE', segments)
    return undefined
  },
}

export const defaultGroupWriter = sharedWriter(writing)

async function write(
  { client, target, signal }: Work,
  method: Write['method'],
  segments: readonly string[],
): Promise<void> {
  const id = (await target.groups(signal)).get(groupName(segments))?.group.id
  if (id === undefined) throw notTaken('missing')
  await sendWell(client, { method, path: ['default-groups', id], right: 'manage-realm' }, signal)
}
