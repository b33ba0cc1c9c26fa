import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { randomFillSync } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse, parseAllDocuments } from 'yaml'
import { buildWorker } from '../../infra/build-worker.ts'
import type { Worker } from '../../infra/build-worker.ts'
import { parseSettings } from '../../lib/settings.ts'
import { makeNebari } from '../kit/acceptance/nebari.ts'
import type { Nebari, Report } from '../kit/acceptance/nebari.ts'
import { withQueues } from '../kit/acceptance/queues.ts'
import { waitUntil } from '../kit/servers/wait-until.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'

const manifests = resolve(import.meta.dirname, '../../infra/kubernetes')
const overlays = ['aws', 'on-premises']
const TIMEOUT_MS = 90_000

let worker: Worker
let built: string

beforeAll(async () => {
  // Outside the checkout: what the program does not carry is not found.
  built = join(await temporaryFolder(), 'worker')
  worker = await buildWorker(built)
})

interface Mount {
  readonly name: string
  readonly mountPath: string
  readonly readOnly?: boolean
}
interface Variable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } }
}
interface Container {
  readonly name: string
  readonly image: string
  readonly command: readonly string[]
  readonly args?: readonly string[]
  readonly env?: readonly Variable[]
  readonly resources: { readonly requests: object; readonly limits: { readonly memory: string } }
  readonly securityContext: {
    readonly allowPrivilegeEscalation: boolean
    readonly readOnlyRootFilesystem: boolean
    readonly privileged?: boolean
    readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] }
  }
  readonly volumeMounts: readonly Mount[]
}
interface Pod {
  readonly serviceAccountName: string
  readonly automountServiceAccountToken: boolean
  readonly terminationGracePeriodSeconds: number
  readonly initContainers: readonly Container[]
  readonly containers: readonly Container[]
  readonly volumes: readonly {
    readonly name: string
    readonly persistentVolumeClaim?: { readonly claimName: string; readonly readOnly?: boolean }
    readonly configMap?: { readonly name: string }
    readonly secret?: object
    readonly emptyDir?: object
  }[]
}
interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly template: { readonly spec: Pod }
    readonly jobTemplate: { readonly spec: { readonly template: { readonly spec: Pod } } }
    readonly timeZone?: string
    readonly concurrencyPolicy?: string
  }
}
interface Kustomization {
  readonly resources: readonly string[]
  readonly patches?: readonly { readonly patch: string }[]
  readonly configMapGenerator?: readonly { readonly name: string; readonly files: readonly string[] }[]
}

const documents = (file: string): readonly Manifest[] =>
  parseAllDocuments(readFileSync(join(manifests, file), 'utf8')).map((one) => {
    expect(one.errors).toEqual([])
    return one.toJS() as Manifest
  })
const files = readdirSync(manifests, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'))
const resources = files.filter((file) => !/(^|\/)(kustomization|toriki)\.yaml$/.test(file))
const kustomization = (overlay: string): Kustomization =>
  parse(readFileSync(join(manifests, overlay, 'kustomization.yaml'), 'utf8')) as Kustomization
/** Pods as they stand in the files, with the file they stand in. */
const pods: readonly (readonly [string, Pod])[] = resources.flatMap((file) =>
  documents(file).flatMap(({ kind, spec }) =>
    kind === 'Deployment'
      ? [[file, spec.template.spec] as const]
      : kind === 'CronJob'
        ? [[file, spec.jobTemplate.spec.template.spec] as const]
        : [],
  ),
)
/** Containers that a patch of an overlay changes. */
const patched = overlays.flatMap((overlay) =>
  (kustomization(overlay).patches ?? [])
    .map(({ patch }) => parse(patch) as Partial<Manifest>)
    .filter(({ kind }) => kind === 'Deployment')
    .flatMap((manifest) => manifest.spec!.template.spec.containers.map((one) => [overlay, one] as const)),
)

describe('the manifests', () => {
  test('are a worker for every cluster, and a schedule for those without functions', () => {
    expect(pods.map(([file]) => file).toSorted()).toEqual(['base/worker.yaml', 'on-premises/cron-job.yaml'])
    const [cronJob] = documents('on-premises/cron-job.yaml')
    expect(cronJob!.spec).toMatchObject({ timeZone: 'Europe/Berlin', concurrencyPolicy: 'Forbid' })
  })

  test.each(pods)('%s: as few rights as reading homes takes', (_file, pod) => {
    expect(pod).toMatchObject({ serviceAccountName: 'toriki', automountServiceAccountToken: false })
    for (const one of ['hostNetwork', 'hostPID', 'hostIPC']) expect(pod).not.toHaveProperty(one)
    for (const {
      name,
      securityContext,
      resources: { limits },
    } of [...pod.initContainers, ...pod.containers]) {
      expect({ name, ...securityContext }).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      expect(securityContext).not.toHaveProperty('privileged')
      expect(limits.memory).toMatch(/Mi$|Gi$/)
    }
    expect(pod.initContainers.map(({ securityContext }) => securityContext.capabilities.add)).toEqual([undefined])
    expect(pod.containers.map(({ securityContext }) => securityContext.capabilities.add)).toEqual([['DAC_READ_SEARCH']])
  })

  test.each(pods)('%s: homes, settings and program cannot be written; no volume is the node’s', (_file, pod) => {
    const writable = pod.containers.flatMap(({ volumeMounts }) =>
      volumeMounts.filter(({ readOnly }) => readOnly !== true).map(({ mountPath }) => mountPath),
    )
    expect(writable.filter((path) => path !== '/run/toriki')).toEqual([])
    const claims = pod.volumes.flatMap(({ persistentVolumeClaim: claim }) => (claim === undefined ? [] : [claim]))
    expect(claims).toEqual([{ claimName: 'jupyterhub-dev-share', readOnly: true }])
    for (const volume of pod.volumes)
      expect(['configMap', 'secret', 'emptyDir', 'persistentVolumeClaim']).toContain(
        Object.keys(volume).find((key) => key !== 'name'),
      )
    const volumes = new Set(pod.volumes.map(({ name }) => name))
    for (const { volumeMounts } of [...pod.initContainers, ...pod.containers])
      for (const { name } of volumeMounts) expect(volumes).toContain(name)
  })

  test('a secret stands in no manifest: what is one comes from a Secret, or is made of such', () => {
    const containers = [...pods.flatMap(([, pod]) => pod.containers), ...patched.map(([, one]) => one)]
    for (const { env = [] } of containers) {
      for (const { name, value, valueFrom } of env) {
        if (/SECRET|PASSWORD|TOKEN|ACCESS_KEY/.test(name)) {
          expect({ name, value }).toEqual({ name, value: undefined })
          expect(valueFrom?.secretKeyRef?.name).toMatch(/^toriki/)
        }
        if (value !== undefined && URL.canParse(value) && value.includes('@'))
          expect(value).toMatch(/:\/\/[a-z_]+:\$\([A-Z_]+\)@/)
      }
    }
    expect(containers.length).toBeGreaterThan(3)
  })

  test.each(overlays)('%s: its settings are sound, and every variable they name is there', (overlay) => {
    const file = join(manifests, overlay, 'toriki.yaml')
    const text = readFileSync(file, 'utf8')
    const settings = parseSettings(text, file, 'platform')
    expect(settings.workers).toBe('functions')
    const named = [...text.matchAll(/\$\{env:(\w+)\}/g)].map(([, name]) => name)
    const own = [
      ...pods.filter(([path]) => path.startsWith(overlay)).flatMap(([, pod]) => pod.containers),
      ...patched.filter(([name]) => name === overlay).map(([, one]) => one),
    ]
    expect(own.length).toBeGreaterThan(0)
    for (const { env = [] } of own) expect(env.map(({ name }) => name)).toEqual(expect.arrayContaining(named))
    // On AWS one file serves functions and worker, and a function has no environment of ours.
    expect(named.length > 0).toBe(overlay === 'on-premises')
    expect(text.includes('${aws-sm:')).toBe(overlay === 'aws')
    expect(settings.source).toMatchObject({ components: { files: { root: '/mnt/nebari' } } })
  })

  test.each(overlays)('%s: what it lists is there', (overlay) => {
    const { resources: listed, configMapGenerator = [] } = kustomization(overlay)
    for (const path of [...listed, ...configMapGenerator.flatMap((one) => one.files)])
      expect({ path, there: existsSync(join(manifests, overlay, path)) }).toEqual({ path, there: true })
    for (const path of kustomization('base').resources)
      expect({ path, there: existsSync(join(manifests, 'base', path)) }).toEqual({ path, there: true })
  })

  test('every command is one of the program with options it knows, and starts the file that the build makes', () => {
    const all = [...pods.flatMap(([, pod]) => pod.containers), ...patched.map(([, one]) => one)]
    const words = all.flatMap(({ args }) => (args === undefined ? [] : [args]))
    expect(words).toEqual(
      expect.arrayContaining([
        ['work', '--alive', '/run/toriki/alive'],
        ['--json', 'backup', '--detach'],
        ['work', '--only', 'backup-slice', '--alive', '/run/toriki/alive'],
      ]),
    )
    for (const args of words) {
      // What is wrong with the words is told before settings are looked for.
      const { status, stderr } = start(worker.file, args, {})
      expect({ args, status, stderr }).toEqual({ args, status: 2, stderr: expect.stringContaining('settings-missing') })
    }
    expect(start(worker.file, ['work', '--everything'], {}).stderr).toContain("unknown option '--everything'")
    for (const [, pod] of pods) {
      expect(pod.containers[0]!.command).toEqual(['node', `/opt/toriki/${basename(worker.file)}`])
      expect(pod.initContainers[0]!.command).toEqual(['node', '/program/unpack.mjs', '/program', '/opt/toriki'])
    }
  })

  test('the worker has more time to stop than it takes', () => {
    for (const [, pod] of pods) expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(60)
  })

  const kubectl = spawnSync('kubectl', ['version', '--client'])
  const withKubectl = kubectl.status === 0 ? test : test.skip // kubectl is not installed here
  withKubectl.each(overlays)('%s: kustomize builds it, with the program inside under a name of its own', (overlay) => {
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', join(built, 'kubernetes', overlay)], {
      encoding: 'utf8',
      maxBuffer: 16 * 1024 * 1024,
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const made = parseAllDocuments(stdout).map((one) => one.toJS() as Manifest & { binaryData?: object })
    const [program] = made.filter(({ binaryData }) => binaryData !== undefined)
    expect(program!.metadata.name).toMatch(/^toriki-program-[a-z0-9]+$/)
    expect(Object.keys(program!.binaryData!)).toContain('toriki.mjs.br')
    const [deployment] = made.filter(({ kind }) => kind === 'Deployment')
    const { volumes } = deployment!.spec.template.spec
    expect(volumes.find(({ name }) => name === 'program')!.configMap!.name).toBe(program!.metadata.name)
    expect(volumes.find(({ name }) => name === 'settings')!.configMap!.name).toMatch(/^toriki-settings-[a-z0-9]+$/)
  })
})

/** The program, alone in a folder that holds nothing else. */
function start(
  file: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): { readonly status: number | null; readonly stderr: string; readonly stdout: string } {
  return spawnSync(process.execPath, ['--no-warnings', file, ...words], {
    cwd: dirname(file),
    env: environment,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  })
}

const running = new Set<ReturnType<typeof spawn>>()
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** `work` of that file as a process, until it is told to stop. */
function work(file: string, nebari: Nebari): { stop(): Promise<unknown> } {
  const alive = join(dirname(file), 'alive')
  const child = spawn(process.execPath, ['--no-warnings', file, 'work', '--alive', alive], {
    cwd: dirname(file),
    env: { TORIKI_SETTINGS: nebari.settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.add(child)
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  const ended = once(child, 'close').then(([status]) => {
    running.delete(child)
    return { status: status as number, out, alive: existsSync(alive) }
  })
  return {
    async stop() {
      child.kill('SIGTERM')
      return await ended
    },
  }
}

const report = (nebari: Nebari, ready: (report: Report) => boolean): Promise<Report> =>
  waitUntil(
    'the run is as far as that',
    async () => {
      const now = await nebari.json<Report>('status')
      return ready(now) ? now : undefined
    },
    { timeoutMs: TIMEOUT_MS, everyMs: 50 },
  )

/** Codes of what the snapshots say of themselves. */
async function notes(nebari: Nebari, user: string): Promise<readonly string[]> {
  const [snapshot] = await nebari.json<
    readonly { readonly components: { readonly files: { readonly notes: readonly { readonly code: string }[] } } }[]
  >('snapshots', '--user', user)
  return snapshot!.components.files.notes.map(({ code }) => code)
}

describe('the program as one file', () => {
  test('unpacked as in the cluster, told to stop in the middle, gives back what it had; the next one ends the run', async () => {
    const folder = join(await temporaryFolder(), 'opt')
    const program = join(built, 'kubernetes/program')
    expect(start(join(program, 'unpack.mjs'), [program, folder], {})).toMatchObject({ status: 0, stderr: '' })
    const file = join(folder, 'toriki.mjs')
    const nebari = await makeNebari({
      users: 8,
      change: (settings) => {
        settings.workers = 'functions'
        settings.limits = { attempts: 5, parallel: 2, bytesPerSecond: { files: '1MiB' } }
      },
    })
    for (const user of nebari.users)
      writeFileSync(join(nebari.home(user), 'large.bin'), randomFillSync(Buffer.alloc(400_000)))
    const begun = start(file, ['--json', 'backup', '--detach'], { TORIKI_SETTINGS: nebari.settings })
    expect(begun).toMatchObject({ status: 0 })
    const first = work(file, nebari)
    await report(nebari, ({ slices }) => slices.saved > 0 && slices.pending > 3)
    expect(await first.stop()).toEqual({ status: 0, out: 'Stopped. Nothing is lost.\n', alive: false })
    const between = await nebari.json<Report>('status')
    expect(between.slices.pending).toBeGreaterThan(0)
    // No message waits for the end of a lease.
    const depth = await withQueues(nebari, (queues) => queues.queue('backup-slice').depth())
    expect(depth).toMatchObject({ hidden: 0 })
    expect(depth.visible + depth.delayed).toBeGreaterThanOrEqual(between.slices.pending)
    nebari.configure((settings) => {
      settings.limits = { attempts: 5 }
    })
    const second = work(file, nebari)
    expect(await report(nebari, ({ open }) => !open)).toMatchObject({ outcome: 'complete', slices: { pending: 0 } })
    expect(await second.stop()).toMatchObject({ status: 0 })
    expect(await notes(nebari, nebari.users[0]!)).not.toContain('fidelity')
  })

  test('without its native files it does the same, and says what that costs', async () => {
    const folder = await temporaryFolder()
    cpSync(worker.file, join(folder, 'toriki.mjs'))
    const nebari = await makeNebari({ users: 2 })
    const { status, stdout } = start(join(folder, 'toriki.mjs'), ['--json', 'backup'], {
      TORIKI_SETTINGS: nebari.settings,
    })
    expect({ status, outcome: (JSON.parse(stdout) as Report).outcome }).toEqual({ status: 0, outcome: 'complete' })
    expect(await notes(nebari, nebari.users[0]!)).toContain('fidelity')
  })

  test('a program that is not whole is never started', async () => {
    const folder = await temporaryFolder()
    const program = join(folder, 'program')
    cpSync(join(built, 'kubernetes/program'), program, { recursive: true })
    const list = JSON.parse(readFileSync(join(program, 'program.json'), 'utf8')) as { sha256: string }[]
    list[0]!.sha256 = '0'.repeat(64)
    writeFileSync(join(program, 'program.json'), JSON.stringify(list))
    mkdirSync(join(folder, 'to'))
    expect(start(join(program, 'unpack.mjs'), [program, join(folder, 'to')], {})).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is not the file that was built: apply the manifests again'),
    })
    expect(readdirSync(join(folder, 'to'))).toEqual([])
  })

  test('fits into a ConfigMap, and carries the native files of the processor it was built on', () => {
    expect(worker.configMapBytes).toBeLessThan(1_000_000)
    expect(worker.native).toContain(process.arch)
  })
})
