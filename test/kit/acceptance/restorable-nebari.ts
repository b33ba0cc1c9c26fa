/** A small deployment with the stand-in for Keycloak, which has an account for restoring, too; everything is backed up. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../temporary-folder.ts'
import { makeNebariWithKeycloak } from './nebari.ts'
import type { NebariWithKeycloak } from './nebari.ts'

export async function makeRestorableNebari({ users }: { readonly users: number }): Promise<NebariWithKeycloak> {
  const nebari = await makeNebariWithKeycloak({ users })
  const secret = join(await temporaryFolder(), 'restore-secret')
  writeFileSync(secret, `${nebari.keycloak.secretOf('toriki-restore')}\n`, { mode: 0o600 })
  nebari.configure(({ components }) => {
    components.keycloak = {
      ...components.keycloak,
      restore: { client: 'toriki-restore', secret: `\${file:${secret}}` },
    }
  })
  const { status, err } = await nebari.toriki(['--json', 'backup'])
  if (status !== 0) throw new Error(`the backup ended with ${status}: ${err}`)
  return nebari
}
