/** Profiles of V8 (`--cpu-prof`), added up: how long each place itself was at work, without what it called. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export interface SelfTime {
  /** A source file of ours, a function of Node's or V8's own. */
  readonly place: string
  readonly ms: number
}

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string }
  }[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

/** Waiting is no work. */
const IDLE = '(idle)'
/** Node finding, reading and stripping modules. */
const START = /^(?:node:internal\/(?:modules|bootstrap|process|main|deps\/(?:amaro|cjs-module-lexer))\b|wasm:)/

/** Of all profiles in the folder (processes, and their threads), the largest first. */
export function selfTimes(folder: string, by: 'file' | 'function'): readonly SelfTime[] {
  const sums = new Map<string, number>()
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.cpuprofile'))) {
    const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile
    const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame, by)]))
    samples.forEach((id, index) => {
      const place = places.get(id) ?? '?'
      if (place !== IDLE) sums.set(place, (sums.get(place) ?? 0) + (timeDeltas[index] ?? 0) / 1000)
    })
  }
  return [...sums].map(([place, ms]) => ({ place, ms })).sort((one, two) => two.ms - one.ms)
}

function placeOf({ functionName, url }: CpuProfile['nodes'][number]['callFrame'], by: 'file' | 'function'): string {
  if (START.test(url)) return 'starting: modules and their TypeScript'
  const name = functionName === '' ? '(top)' : functionName
  if (url === '') return name.startsWith('(') ? name : `V8: ${name}`
  const file = url.replace(/^.*\/(?=(?:lib|bin|functions)\/)/, '').replace(/^.*\/node_modules\//, '')
  return by === 'function' ? `${file} ${name}` : file
}
