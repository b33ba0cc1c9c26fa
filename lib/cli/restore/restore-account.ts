/** Restoring Keycloak needs an account of its own, which no process that backs up holds. Without one nobody's account comes back, and that must not look like success. */
import { TorikiError } from '../../errors.ts'
import type { Settings } from '../../settings.ts'
import { restoreAccountLines } from '../keycloak-steps.ts'
import type { RestoreOptions } from './wish.ts'

/** Is Keycloak configured, and nobody to restore it? */
export function lacksRestoreAccount({ source }: Settings): boolean {
  const { keycloak } = (source['components'] ?? {}) as { readonly keycloak?: { readonly restore?: unknown } }
  return keycloak !== undefined && keycloak.restore === undefined
}

/**
 * Some paths, or components that are named, need no account. @throws TorikiError `settings-invalid` with the lines to add, where accounts are asked for and nobody can restore them.
 */
export function requireRestoreAccount(settings: Settings, { component, path }: RestoreOptions): void {
  if (!lacksRestoreAccount(settings)) return
  if (component === undefined ? path !== undefined : !component.includes('keycloak')) return
  const alone = component === undefined && settings.componentNames.includes('files')
  throw new TorikiError('settings-invalid', {
    message: `${settings.file} names no account that restores Keycloak. Add the line \`restore\`:\n\n${indented(restoreAccountLines('toriki-restore'))}\n`,
    remedy: `\`toriki init keycloak\` prints how to make that client.${alone ? ' Files alone need none: name --component files.' : ''}`,
  })
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ')
}
