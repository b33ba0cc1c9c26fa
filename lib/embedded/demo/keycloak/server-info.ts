/** What `/admin/serverinfo` says of the server: what it can check passwords with, what it can ask people to do, and its version where that is told. */
import { REQUIRED_ACTIONS } from './settings/demo-parts.ts'

export function serverInfo(hashing: readonly string[], version: string | undefined): object {
  const providers = (names: readonly string[]): object => ({
    internal: true,
    providers: Object.fromEntries(names.map((name) => [name, { order: 0 }])),
  })
  return {
    profileInfo: { name: 'default' },
    providers: {
      'password-hashing': providers(hashing),
      'required-action': providers(REQUIRED_ACTIONS),
    },
    ...(version === undefined ? {} : { systemInfo: { version } }),
  }
}
