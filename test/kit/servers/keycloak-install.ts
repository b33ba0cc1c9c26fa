import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cached, cacheFolder } from './cache-folder.ts'
import { ensureJava } from './install.ts'
import { runToEnd } from './owned-process.ts'

/** The versions that are proven here; others of the Quarkus line most likely work. 26.3.4 stands in for Nebari's 26.3.3, which has no artefact. */
export const KEYCLOAK_VERSIONS = ['26.7.4', '26.3.4', '24.0.5'] as const
export type KeycloakVersion = (typeof KEYCLOAK_VERSIONS)[number]

/** `/auth` as Nebari has it, or `/` as a plain Keycloak. Fixed at build time, so there is one build per version and path. */
export type BasePath = '/auth' | '/'

/**
 * The folder of an optimized build for PostgreSQL, made on first use: download (10 s), unpack, `kc.sh build` (20 to 60 s, no network).
 * The folder is shared by all servers of this version and path and is never written to while they run.
 */
export async function installKeycloak(version: KeycloakVersion, basePath: BasePath): Promise<string> {
  const archive = await download(version)
  return cached(`keycloak-${version}-${basePath === '/' ? 'root' : basePath.slice(1)}`, async (unfinished) => {
    await ensureJava(['java'])
    mkdirSync(unfinished, { recursive: true })
    await runToEnd('tar', ['xzf', archive, '-C', unfinished, '--strip-components=1'])
    const cache = isAtLeast(version, 26) ? [] : ['--cache=local']
    const options = ['--db=postgres', '--health-enabled=true', `--http-relative-path=${basePath}`, ...cache]
    await runToEnd(join(unfinished, 'bin', 'kc.sh'), ['build', ...options], {
      env: { PATH: process.env.PATH ?? '', JAVA_OPTS_KC_HEAP: '-Xms256m -Xmx1024m' },
    })
  })
}

/** Is `version` of this major number or newer? */
export function isAtLeast(version: string, major: number, minor = 0): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number)
  return ownMajor > major || (ownMajor === major && ownMinor >= minor)
}

/** The distribution's archive, from the Maven registry that mvn is set up for. */
function download(version: KeycloakVersion): Promise<string> {
  const name = `keycloak-quarkus-dist-${version}.tar.gz`
  return cached(join('downloads', name), async (unfinished) => {
    await ensureJava(['java', 'mvn'])
    const folder = `${unfinished}.folder`
    const repository = join(cacheFolder(), 'm2')
    await runToEnd('mvn', [
      '-q',
      '-B',
      'dependency:copy',
      '-Dmdep.useBaseVersion=true',
      `-Dartifact=org.keycloak:keycloak-quarkus-dist:${version}:tar.gz`,
      `-DoutputDirectory=${folder}`,
      `-Dmaven.repo.local=${repository}`,
    ])
    await runToEnd('mv', [join(folder, name), unfinished])
    // Maven keeps a second copy of 170 MB; its plugins stay for the next version.
    for (const path of [folder, join(repository, 'org', 'keycloak')]) rmSync(path, { recursive: true, force: true })
  })
}
