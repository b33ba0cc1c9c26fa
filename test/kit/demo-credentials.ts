import type { CredentialSource } from '../../lib/components/keycloak/credential-source.ts'
import type { DemoKeycloak } from '../../lib/embedded/demo/keycloak/server.ts'

/** Hashes of the stand-in's people, as its own database would show them: those of this moment. */
export function demoCredentials(demo: DemoKeycloak): CredentialSource {
  return {
    isPast: false,
    read({ id }) {
      const credentials = demo.credentialsOf(id)?.map(({ createdDate, userLabel, ...rest }) => ({
        ...{ ...rest, userLabel, createdDateMs: createdDate },
      }))
      return Promise.resolve(credentials && { credentials })
    },
    async *check() {
      yield { check: 'keycloak: hashes can be read', ok: true }
    },
    close: () => Promise.resolve(),
  }
}
